/* conv_double: data gradient of a 2x2 convolution with stride 2; read as a forward step it is the transposed
 * convolution that doubles a picture.
 *   dx [C,2Ho,2Wo] (+)= dy [O,Ho,Wo] with w [O, C*2*2]:   dx[c,2i+u,2j+v] = sum over o of w[o,c,u,v] * dy[o,i,j]
 *
 * Every number of dx belongs to one tap, so this is one product, w' [4C,O] times dy [O,pixels], whose rows (c,u,0) and
 * (c,u,1) are zipped together on their way out. A chunk of work is a block of NC pixels, packed once. */
#ifndef RA_DOUBLE

#include "../base/thread.h"
#include "conv.h"
#include "micro.h"

enum { MB = 32 }; /* rows of the product at a time: 8 channels */

typedef struct job {
  const ra_conv *s;
  const ra_real *dy, *a;
  bool add;
  ra_real *dx;
  char *scratch;
  size_t slot;
  int32_t pixels;
} job;

bool K(conv_double_can)(const ra_conv *s) {
  return s->kh == 2 && s->kw == 2 && s->stride_h == 2 && s->stride_w == 2 && s->pad_h == 0 && s->pad_w == 0 &&
         s->dilation_h == 1 && s->dilation_w == 1 && s->groups == 1 && s->H == 2 * s->Ho && s->W == 2 * s->Wo &&
         s->O <= 2048;
}
static size_t weights_size(const ra_conv *s) {
  return conv_align((size_t)round_up(4 * s->C, MB) * (size_t)s->O * sizeof(ra_real));
}
static size_t slot_size(const ra_conv *s) { return conv_align((size_t)(s->O + MB) * LDB * sizeof(ra_real)); }
size_t K(conv_double_work)(const ra_conv *s) { return weights_size(s) + (size_t)ra_thread_slots() * slot_size(s); }

/* to[2j] (+)= a[j], to[2j+1] (+)= b[j] */
static inline void zip_row(const ra_real *a, const ra_real *b, int32_t n, bool add, ra_real *to) {
  int32_t j = 0;
  for (; j + VL <= n; j += VL, to += 2 * VL) {
    const vec p = vec_load(a + j), q = vec_load(b + j);
    const vec low = ZIP(p, q, 0), high = ZIP(p, q, VL / 2);
    vec_store(to, add ? low + vec_load(to) : low);
    vec_store(to + VL, add ? high + vec_load(to + VL) : high);
  }
  for (; j < n; j++, to += 2) {
    to[0] = add ? to[0] + a[j] : a[j];
    to[1] = add ? to[1] + b[j] : b[j];
  }
}

static void block(void *context, int32_t chunk) {
  const job *k = context;
  const ra_conv *s = k->s;
  ra_real *b = (ra_real *)(void *)(k->scratch + (size_t)ra_thread_index() * k->slot), *tile = b + s->O * LDB;
  int32_t area = s->Ho * s->Wo, n0 = chunk * NC, n = k->pixels - n0 < NC ? k->pixels - n0 : NC, width = round_up(n, MT);
  for (int32_t done = 0; done < n;) {
    int32_t r = (n0 + done) % area, run = area - r < n - done ? area - r : n - done;
    const ra_real *from = k->dy + (n0 + done) / area * s->y_batch + r;
    for (int32_t o = 0; o < s->O; o++) memcpy(b + o * LDB + done, from + (int64_t)o * area, (size_t)run * sizeof *b);
    done += run;
  }
  for (int32_t o = 0; o < s->O; o++)
    for (int32_t q = n; q < width; q++) b[o * LDB + q] = 0;
  for (int32_t m0 = 0; m0 < 4 * s->C; m0 += MB) {
    int32_t rows = 4 * s->C - m0 < MB ? 4 * s->C - m0 : MB;
    for (int32_t q = 0; q < width; q += MT)
      for (int32_t m = 0; m < rows; m += MO)
        micro(s->O, k->a + (size_t)(m0 + m) * (size_t)s->O, b + q, LDB, false, tile + m * LDB + q, LDB);
    for (int32_t m = 0; m < rows; m += 2) {
      int32_t c = (m0 + m) / 4, u = m / 2 % 2;
      for (int32_t done = 0; done < n;) {
        int32_t r = (n0 + done) % area, i = r / s->Wo, j = r % s->Wo, run = s->Wo - j < n - done ? s->Wo - j : n - done;
        zip_row(tile + m * LDB + done, tile + (m + 1) * LDB + done, run, k->add,
                k->dx + (n0 + done) / area * s->x_batch + ((int64_t)c * s->H + 2 * i + u) * s->W + 2 * j);
        done += run;
      }
    }
  }
}

void K(conv_double_backward_data)(const ra_conv *s, const ra_real *dy, const ra_real *w, bool add, ra_real *dx, void *work) {
  job k = {.s = s, .dy = dy, .a = work, .add = add, .dx = dx, .scratch = (char *)work + weights_size(s),
           .slot = slot_size(s), .pixels = s->B * s->Ho * s->Wo};
  ra_real *to = work;
  for (int32_t m = 0; m < 4 * s->C; m += MO)
    for (int32_t o = 0; o < s->O; o++)
      for (int32_t r = 0; r < MO; r++) *to++ = m + r < 4 * s->C ? w[(int64_t)o * 4 * s->C + m + r] : 0;
  ra_parallel((k.pixels + NC - 1) / NC, block, &k);
}

#else
typedef int conv_double_unused;
#endif
