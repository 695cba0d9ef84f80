/* From probabilities to a mask: hysteresis (Canny, IEEE PAMI 8(6), 1986) and removal of small regions. */
#include "../base/error.h"
#include "../base/mem.h"
#include "../geometry/geometry.h"
#include "plane.h"

ra_tensor *ra_image_decide(const ra_tensor *t, double threshold, double low, int32_t smallest) {
  ra_planes x;
  if (ra_planes_of("decide", t, &x) != RA_OK) return NULL;
  if (x.C != 1 || !(low <= threshold) || smallest < 0) {
    ra_fail(x.C != 1 ? RA_ERR_SHAPE : RA_ERR_ARG,
            "decide: wants one channel, low <= threshold and smallest >= 0; given %d channels, low %g, threshold %g, smallest %d",
            x.C, low, threshold, smallest);
    return NULL;
  }
  size_t area = (size_t)x.H * (size_t)x.W;
  ra_tensor *y = ra_tensor_new(2, (int32_t[]){x.H, x.W});
  uint8_t *mask = ra_mem_alloc(2 * area, 1), *seed = mask ? mask + area : NULL;
  bool fine = y && mask;
  for (size_t i = 0; fine && i < area; i++) {
    mask[i] = (double)x.data[i] >= low;
    seed[i] = (double)x.data[i] >= threshold;
  }
  fine = fine && ra_regions_keep(mask, seed, x.H, x.W, smallest) == RA_OK;
  for (size_t i = 0; fine && i < area; i++) y->data[i] = mask[i];
  ra_mem_free(mask);
  if (fine) return y;
  ra_tensor_release(y);
  return NULL;
}
