/* Kinds of fields: image and map are interpolated, a mask is interpolated and
 * binary again, a label takes the nearest pixel's number. */
#include "kind.h"

void ra_plane_binary(size_t n, ra_real *x) {
  for (size_t i = 0; i < n; i++) x[i] = x[i] >= (ra_real)0.5 ? 1 : 0;
}

static void bilinear(const ra_row_map *m, const ra_real *in, int32_t w, ra_real *out) {
  for (int32_t j = 0; j < w; j++) {
    const ra_real *a = in + m->at[j], *b = a + m->below[j];
    int32_t right = m->right[j];
    ra_real top = a[0] + m->fx[j] * (a[right] - a[0]), bottom = b[0] + m->fx[j] * (b[right] - b[0]);
    out[j] = top + m->fy[j] * (bottom - top);
  }
}

static void nearest(const ra_row_map *m, const ra_real *in, int32_t w, ra_real *out) {
  const ra_real half = (ra_real)0.5;
  for (int32_t j = 0; j < w; j++)
    out[j] = in[m->at[j] + (m->fx[j] >= half ? m->right[j] : 0) + (m->fy[j] >= half ? m->below[j] : 0)];
}

const ra_field_kind ra_field_kinds[RA_FIELD_KINDS] = {
  [RA_FIELD_IMAGE] = {"image", RA_RESIZE_AUTO, false, bilinear},
  [RA_FIELD_MASK] = {"mask", RA_RESIZE_AUTO, true, bilinear},
  [RA_FIELD_LABEL] = {"label", RA_RESIZE_NEAREST, false, nearest},
  [RA_FIELD_MAP] = {"map", RA_RESIZE_AUTO, false, bilinear},
};
