/* mix.c: images of a batch mixed with each other, after augmentation. With a random permutation p of the batch and one number l a
 * batch, drawn from Beta(alpha, alpha),
 *   mixup    x_i <- l x_i + (1 - l) x_p(i)            (Zhang, Cisse, Dauphin, Lopez-Paz, ICLR 2018)
 *   CutMix   a window of x_i becomes that of x_p(i)   (Yun, Han, Oh, Chun, Choe, Yoo, ICCV 2019, equations 1 and 2: its sides are those of
 *            the image times sqrt(1 - l), its centre lies anywhere, and what lies outside is cut off)
 * All fields of an image are mixed alike, so masks of 0 and 1 become shares of foreground by mixup and stay 0 and 1 by CutMix. Masks
 * that say which pixels count (their value for absence is 1: fov, valid) become 1 by mixup where both count. */
#include "mix.h"

#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/math.h"
#include "../base/random.h"

enum { WHICH, CENTRE_Y, CENTRE_X };                    /* elements of the stream */
static const uint64_t ORDER = 1 << 16, BETA = 1 << 24; /* the first of many */
enum { ROUNDS = 64 };                                  /* of rejection: each accepts with probability 1/2 or more */

int32_t ra_mix_check(const ra_augment *program, int32_t fields, const ra_field *field) {
  for (int32_t f = 0; program->mixup.probability > 0 && f < fields; f++)
    if (field[f].kind == RA_FIELD_LABEL)
      return ra_fail(RA_ERR_ARG, "loader: mixup cannot average the class numbers of field '%s'; use cutmix, which moves them as they are",
                     field[f].name);
  return RA_OK;
}

/* Beta(a, a), 0 < a <= 1 (Johnk, Metrika 1964): u^(1/a) / (u^(1/a) + v^(1/a)) where the sum is at most 1. */
static double beta(const ra_random_key *key, double a) {
  for (uint64_t i = 0; i < ROUNDS; i++) {
    double x = pow(ra_random_uniform_at(key, BETA + 2 * i), 1 / a), y = pow(ra_random_uniform_at(key, BETA + 2 * i + 1), 1 / a);
    if (x + y <= 1 && x + y > 0) return x / (x + y);
  }
  return 0.5;
}

static void permute(const ra_random_key *key, int32_t count, int32_t *partner) {
  for (int32_t i = 0; i < count; i++) partner[i] = i;
  for (int32_t i = count - 1; i > 0; i--) {
    int32_t k = (int32_t)(ra_random_uniform_at(key, ORDER + (uint64_t)i) * (i + 1)), swap = partner[i];
    partner[i] = partner[k];
    partner[k] = swap;
  }
}

/* A range of n pixels about a centre, cut to the image. */
static void window(double centre, double side, int32_t n, int32_t *from, int32_t *to) {
  int32_t c = (int32_t)(centre * n), half = (int32_t)(side * n) / 2;
  *from = ra_max(c - half, 0);
  *to = ra_min(c + half, n);
}

ra_mixture ra_mix_draw(const ra_augment *program, double seed, int32_t epoch, int32_t step, int32_t count, int32_t H, int32_t W,
                       int32_t *partner) {
  ra_random_key key = {.seed = (uint64_t)(int64_t)seed, .a = (uint32_t)epoch, .b = (uint32_t)step, .stream = RA_RANDOM_MIX};
  double mixup = program->mixup.probability, cutmix = program->cutmix.probability;
  double which = ra_random_uniform_at(&key, WHICH);
  ra_mixture m = {.acts = which < mixup + cutmix, .cut = which >= mixup};
  if (!m.acts) return m;
  permute(&key, count, partner);
  m.share = beta(&key, m.cut ? program->cutmix.alpha : program->mixup.alpha);
  double side = sqrt(1 - m.share);
  window(ra_random_uniform_at(&key, CENTRE_Y), side, H, &m.top, &m.bottom);
  window(ra_random_uniform_at(&key, CENTRE_X), side, W, &m.left, &m.right);
  return m;
}

void ra_mix_put(const ra_mixture *m, const ra_field *field, const ra_real *partner, int32_t H, int32_t W, ra_real *to) {
  bool counts = field->kind == RA_FIELD_MASK && field->absent == 1;
  int32_t top = m->cut ? m->top : 0, bottom = m->cut ? m->bottom : H, left = m->cut ? m->left : 0, right = m->cut ? m->right : W;
  ra_real own = (ra_real)m->share;
  for (int32_t r = 0; r < field->channels * H; r++) {
    if (r % H < top || r % H >= bottom) continue;
    for (int32_t i = left; i < right; i++) {
      int64_t at = (int64_t)r * W + i;
      ra_real a = to[at], b = partner ? partner[at] : (ra_real)field->absent;
      to[at] = m->cut ? b : counts ? (a < b ? a : b) : own * a + (1 - own) * b;
    }
  }
}
