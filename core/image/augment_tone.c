/* The half of augmentation that changes grey values, in place:
 *   gamma x^g; contrast (x - mean) c + mean with the mean of the whole window;
 *   brightness x + v; noise x + sigma n; blur; CLAHE; stretch to 0..1
 * The result is clamped to 0..1. */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "augment.h"
#include "clahe.h"
#include "plane.h"

static ra_real unit(ra_real v) { return v > 0 ? (v < 1 ? v : 1) : 0; }

#ifdef RA_DOUBLE
static ra_real power(ra_real x, ra_real g) { return x > 0 ? pow(x, g) : 0; }
#else
/* x^g for x in 0..1, g > 0, to about 3e-7: log2 by its series in (m-1)/(m+1), 2^f by its Taylor polynomial. Written so that
 * the compiler can turn the loop around it into vector instructions. */
static inline float power(float x, float g) {
  union { float f; int32_t i; } bits = {.f = x}, mantissa, two;
  int32_t exponent = (bits.i - 0x3f3504f3) >> 23; /* mantissa in sqrt(1/2)..sqrt(2) */
  mantissa.i = bits.i - exponent * (1 << 23);
  float t = (mantissa.f - 1) / (mantissa.f + 1), t2 = t * t;
  float log2 = (float)exponent + t * (2.885390082f + t2 * (0.961796694f + t2 * (0.577078016f + t2 * (0.412198583f + t2 * 0.320598898f))));
  float y = g * log2;
  y = y > -126 ? y : -126;
  int32_t n = (int32_t)(y - 0.5f);
  float f = y - (float)n;
  float p = 1 + f * (0.693147181f + f * (0.240226507f + f * (0.0555041087f +
            f * (0.00961812911f + f * (0.00133335581f + f * 0.000154035304f)))));
  two.i = (n + 127) * (1 << 23);
  float result = p * two.f;
  result = result < 1 ? result : 1;
  return x > 1e-30f ? result : 0;
}
#endif

static void gamma_curve(size_t n, ra_real g, ra_real *x) {
#pragma omp simd
  for (size_t i = 0; i < n; i++) x[i] = power(x[i] < 1 ? x[i] : 1, g);
}

static void contrast(size_t n, ra_real c, ra_real *x) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)x[i];
  ra_real mean = (ra_real)(sum / (double)n);
#pragma omp simd
  for (size_t i = 0; i < n; i++) x[i] = (x[i] - mean) * c + mean;
}

/* The sum of the four bytes of a random word, centred: near normal, and four pixels for one block of random words. */
static void noise(size_t n, ra_real sigma, const ra_random_key *key, int32_t number, ra_real *x) {
  const ra_real unit_deviation = sigma / (ra_real)147.80054127099; /* sqrt(4 (256^2 - 1) / 12) */
  uint64_t block = (uint64_t)(number + 1) << 40; /* above the blocks of all other draws */
  for (size_t i = 0; i < n; i += 4, block++) {
    uint32_t word[4];
    ra_random_block(key, block, word);
    for (size_t k = 0; k < 4 && i + k < n; k++) {
      uint32_t pairs = (word[k] & 0xff00ffu) + (word[k] >> 8 & 0xff00ffu), sum = (pairs & 0xffffu) + (pairs >> 16);
      x[i + k] += unit_deviation * ((ra_real)sum - 510);
    }
  }
}

static int32_t blur(const ra_tone_image *p, double sigma, ra_augment_scratch *s) {
  int32_t radius = ra_gauss_radius(sigma);
  if (radius == 0) return RA_OK;
  size_t area = (size_t)p->height * (size_t)p->width;
  ra_real *work = ra_augment_reserve(s, area + (size_t)p->width + (size_t)(4 * radius + 1));
  if (!work) return RA_ERR_MEMORY;
  ra_real *weight = work + area, *line = weight + 2 * radius + 1;
  ra_gauss_taps(sigma, 0, radius, weight);
  for (int32_t c = 0; c < p->channels; c++) {
    ra_real *plane = p->data + (size_t)c * area;
    ra_filter_rows(plane, p->height, p->width, weight, radius, line, work);
    ra_filter_columns(work, p->height, p->width, weight, radius, plane);
  }
  return RA_OK;
}

static int32_t clahe(const ra_tone_image *p, int32_t tiles, double clip, ra_augment_scratch *s) {
  ra_real *map = ra_augment_reserve(s, ra_clahe_scratch(tiles));
  if (!map) return RA_ERR_MEMORY;
  size_t area = (size_t)p->height * (size_t)p->width;
  for (int32_t c = 0; c < p->channels; c++) {
    ra_real *plane = p->data + (size_t)c * area;
    ra_clahe_plane(plane, p->height, p->width, tiles, clip, map, plane);
  }
  return RA_OK;
}

static void stretch(size_t n, ra_real *x) {
  ra_real low = x[0], high = x[0];
  for (size_t i = 1; i < n; i++) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
  }
  if (!(high > low)) return;
  for (size_t i = 0; i < n; i++) x[i] = (x[i] - low) / (high - low);
}

/* ---- the steps ---- */

static size_t values(const ra_tone_image *p) { return (size_t)p->channels * (size_t)p->height * (size_t)p->width; }

static int32_t step_gamma(const ra_tone_image *p, const ra_tone_step *s) {
  gamma_curve(values(p), (ra_real)s->value, p->data);
  return RA_OK;
}

static int32_t step_contrast(const ra_tone_image *p, const ra_tone_step *s) {
  contrast(values(p), (ra_real)s->value, p->data);
  return RA_OK;
}

static int32_t step_brightness(const ra_tone_image *p, const ra_tone_step *s) {
  size_t n = values(p);
  for (size_t k = 0; k < n; k++) p->data[k] += (ra_real)s->value;
  return RA_OK;
}

static int32_t step_noise(const ra_tone_image *p, const ra_tone_step *s) {
  noise(values(p), (ra_real)s->value, s->key, s->number, p->data);
  return RA_OK;
}

static int32_t step_blur(const ra_tone_image *p, const ra_tone_step *s) { return blur(p, s->value, s->scratch); }

static int32_t step_clahe(const ra_tone_image *p, const ra_tone_step *s) {
  return clahe(p, (int32_t)s->step->a, s->step->b, s->scratch);
}

static int32_t step_stretch(const ra_tone_image *p, const ra_tone_step *s) {
  (void)s;
  stretch(values(p), p->data);
  return RA_OK;
}

#define RANGE(low, high) {low, low}, {high, high}, {NULL, NULL}, {0, 0}
const ra_augment_row ra_augment_tone_rows[] = {
  {{RA_AUGMENT_BLUR, RA_STEP_RANGE, RA_EXPAND_UP_TO, true, "blur", "Gaussian blur, sigma in pixels",
    " pixels", RANGE(0, 32)}, NULL, step_blur},
  {{RA_AUGMENT_STRETCH, RA_STEP_FLAG, RA_EXPAND_NONE, true, "stretch", "smallest and largest value to 0 and 1", "",
    {0, 0}, {0, 0}, {NULL, NULL}, {0, 0}}, NULL, step_stretch},
  {{RA_AUGMENT_CLAHE, RA_STEP_PAIR, RA_EXPAND_NONE, true, "clahe",
    "contrast limited adaptive histogram equalisation: { tiles = 8, clip = 2 }, or true", "", {1, 0}, {64, 1e6}, {"tiles", "clip"}, {8, 2}},
   NULL, step_clahe},
  {{RA_AUGMENT_GAMMA, RA_STEP_RANGE, RA_EXPAND_FACTOR, false, "gamma", "x^g", "", RANGE(0.05, 20)}, NULL, step_gamma},
  {{RA_AUGMENT_CONTRAST, RA_STEP_RANGE, RA_EXPAND_AROUND_ONE, false, "contrast", "(x - mean) c + mean",
    "", RANGE(0, 20)}, NULL, step_contrast},
  {{RA_AUGMENT_BRIGHTNESS, RA_STEP_RANGE, RA_EXPAND_BOTH, false, "brightness", "x + v", "", RANGE(-1, 1)}, NULL, step_brightness},
  {{RA_AUGMENT_NOISE, RA_STEP_RANGE, RA_EXPAND_UP_TO, false, "noise", "x + sigma n, n near normal",
    " sigma", RANGE(0, 1)}, NULL, step_noise},
};
const int32_t ra_augment_tone_count = sizeof ra_augment_tone_rows / sizeof *ra_augment_tone_rows;

static int32_t run_steps(const ra_augment *program, const ra_tone_image *p, const ra_random_key *key, ra_augment_scratch *s) {
  size_t n = (size_t)p->channels * (size_t)p->height * (size_t)p->width;
  for (int32_t i = 0; i < program->count; i++) {
    const ra_augment_step *step = &program->step[i];
    const ra_augment_row *row = ra_augment_row_of(step->kind);
    if (!row->tone || !ra_augment_acts(program, i, key)) continue;
    int32_t number = ra_augment_number(program, i);
    ra_tone_step one = {.step = step, .value = ra_augment_draw(key, number, 1, step->a, step->b), .key = key, .number = number,
                        .scratch = s};
    RA_TRY(row->tone(p, &one));
  }
#pragma omp simd
  for (size_t k = 0; k < n; k++) p->data[k] = unit(p->data[k]);
  return RA_OK;
}

int32_t ra_augment_tone(const ra_augment *program, const ra_sample_planes *out, const ra_random_key *key, ra_augment_scratch *s) {
  for (int32_t f = 0; f < out->count; f++) {
    const ra_plane_set *set = &out->set[f];
    if (set->kind != RA_FIELD_IMAGE || !set->data) continue;
    ra_tone_image p = {.data = set->data, .channels = set->channels, .height = out->height, .width = out->width};
    RA_TRY(run_steps(program, &p, key, s));
  }
  return RA_OK;
}
