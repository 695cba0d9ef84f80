/* Synthetic coronary angiograms: image [H,W] in 0..1, mask [H,W] of 0 and 1.
 *
 * A background of soft tissue at several scales (lung field, diaphragm, spine,
 * ribs, thin markings), attenuated by exp(-dye) of a vessel tree and a
 * catheter, seen through a detector: blur, noise with variance
 * proportional to the signal, vignetting, a round collimator. Two in
 * five images look subtracted (flat background), as in the sets this stands
 * in for. The mask is the tree's own geometry (draw.c), cut by the collimator.
 *
 * A full phantom has more side branches (fill.c), more beside them that is no vessel (clutter.c), a rougher
 * background, and agent whose contrast varies. Image number `index` of `seed` is a pure function of seed, index, H, W, trees and
 * contrast; the contrast changes nothing but the vessels' grey values. */
#include "phantom.h"

#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"

#define PI 3.14159265358979323846
#define UNI(low, high) ra_phantom_uniform(r, low, high)

enum { STREAM_SHAPE = 0, STREAM_TISSUE = 1, STREAM_NOISE = 64, SMALLEST = 32, LARGEST = 4096 };
static const double SEEN = 0.8; /* fraction of a vessel's contrast that blur and averaging over 5x5 pixels leave at 300x300 */

enum { TISSUES = 5 };

static double step(double low, double high, double v) {
  double u = (v - low) / (high - low);
  u = u < 0 ? 0 : u > 1 ? 1 : u;
  return u * u * (3 - 2 * u);
}

/* Adds smooth noise: normal numbers on a lattice of `spacing` pixels, between them a smooth step. */
static void add_tissue(float *to, int32_t H, int32_t W, double spacing, double amount, const ra_random_key *key) {
  for (int32_t y = 0; y < H; y++) {
    double v = y / spacing, fy = step(0, 1, v - floor(v));
    int64_t row = (int64_t)floor(v);
    int64_t last = -1;
    double a = 0, b = 0, c = 0, d = 0;
    for (int32_t x = 0; x < W; x++) {
      double u = x / spacing;
      int64_t column = (int64_t)floor(u);
      if (column != last) {
        uint64_t at = (uint64_t)row * 65536u + (uint64_t)column;
        a = column == last + 1 && x > 0 ? b : ra_random_normal_at(key, at);
        c = column == last + 1 && x > 0 ? d : ra_random_normal_at(key, at + 65536u);
        b = ra_random_normal_at(key, at + 1);
        d = ra_random_normal_at(key, at + 65537u);
        last = column;
      }
      double fx = step(0, 1, u - (double)column);
      to[y * W + x] += (float)(amount * ((a + (b - a) * fx) * (1 - fy) + (c + (d - c) * fx) * fy));
    }
  }
}

/* Gaussian blur in place, edges repeated; line holds max(H, W) floats. */
static void blur_lines(float *p, int32_t lines, int32_t n, int32_t line_stride, int32_t stride, const float *weight, int32_t reach,
                       float *line) {
  for (int32_t l = 0; l < lines; l++) {
    float *at = p + l * line_stride;
    for (int32_t i = 0; i < n; i++) line[reach + i] = at[i * stride];
    for (int32_t i = 0; i < reach; i++) {
      line[i] = line[reach];
      line[reach + n + i] = line[reach + n - 1];
    }
    for (int32_t i = 0; i < n; i++) {
      float sum = 0;
      for (int32_t k = 0; k <= 2 * reach; k++) sum += weight[k] * line[i + k];
      at[i * stride] = sum;
    }
  }
}

enum { MAX_REACH = 64 };

static void blur(float *p, int32_t H, int32_t W, double sigma, float *line) {
  float weight[2 * MAX_REACH + 1] = {0};
  int32_t reach = (int32_t)ceil(3 * sigma);
  if (reach < 1) return;
  if (reach > MAX_REACH) reach = MAX_REACH;
  float sum = 0;
  for (int32_t k = -reach; k <= reach; k++) sum += weight[k + reach] = (float)exp(-0.5 * k * k / (sigma * sigma));
  for (int32_t k = 0; k <= 2 * reach; k++) weight[k] /= sum;
  blur_lines(p, H, W, W, 1, weight, reach, line);
  blur_lines(p, W, H, 1, W, weight, reach, line);
}

/* Properties of the patient and the machine in one image. Lengths in frame pixels. */
typedef struct scene {
  double level, texture, contrast, thin; /* thin: the agent's absorption grows with this power of its depth */
  double tissue[TISSUES];                /* amount of each scale */
  double lung, lung_x, lung_y, lung_radius;
  double diaphragm, dome_x, dome_y, dome_rx, dome_ry, dome_edge, dome_tilt;
  double spine, spine_x, spine_width, spine_tilt, spine_phase;
  int32_t ribs;
  double rib, rib_y, rib_gap, rib_width, rib_bow, rib_tilt;
  double vignette, collimator, centre_x, centre_y, outside;
  double noise, blur, catheter;
} scene;

static const double TISSUE[TISSUES] = {0.085, 0.05, 0.026, 0.015, 0.009};

static scene draw_scene(phantom_random *r, double w, double h) {
  double size = w < h ? w : h, far = hypot(w, h) / 2;
  bool flat = ra_phantom_chance(r, 0.4); /* as after subtraction of the background */
  scene s = {.thin = 0.85};
  s.level = flat ? UNI(0.48, 0.66) : UNI(0.42, 0.62);
  s.texture = flat ? UNI(0.3, 0.6) : UNI(0.9, 1.7);
  s.contrast = UNI(0.062, 0.106);
  if (!flat) {
    s.lung = UNI(0.05, 0.42);
    s.lung_x = UNI(-0.1, 1.1) * w;
    s.lung_y = UNI(-0.1, 0.5) * h;
    s.lung_radius = UNI(0.4, 0.9) * size;
    s.diaphragm = ra_phantom_chance(r, 0.65) ? UNI(0.12, 0.5) : 0;
    s.dome_x = UNI(0.0, 1.0) * w;
    s.dome_rx = UNI(0.55, 1.1) * size;
    s.dome_ry = UNI(0.5, 1.0) * size;
    s.dome_y = UNI(0.45, 0.85) * h + s.dome_ry;
    s.dome_edge = UNI(0.01, 0.045);
    s.dome_tilt = UNI(-0.35, 0.35);
    s.spine = ra_phantom_chance(r, 0.4) ? UNI(0.1, 0.32) : 0;
    s.spine_x = ra_phantom_chance(r, 0.5) ? UNI(0.6, 1.0) * w : UNI(0, 0.35) * w;
    s.spine_width = UNI(28, 48);
    s.spine_tilt = UNI(-0.2, 0.2);
    s.spine_phase = UNI(0, 2 * PI);
  }
  s.ribs = ra_phantom_chance(r, flat ? 0.2 : 0.6) ? (int32_t)UNI(2, 5) : 0;
  s.rib = UNI(0.012, 0.045) * (flat ? 0.6 : 1);
  s.rib_y = UNI(-0.3, 0.3) * h;
  s.rib_gap = UNI(62, 110);
  s.rib_width = UNI(16, 30);
  s.rib_bow = UNI(-0.0022, 0.0022);
  s.rib_tilt = UNI(-0.6, 0.6);
  s.vignette = UNI(0.02, 0.14);
  bool round = ra_phantom_chance(r, 0.55);
  s.centre_x = w / 2 + UNI(-0.13, 0.13) * w;
  s.centre_y = h / 2 + UNI(-0.13, 0.13) * h;
  s.collimator = round ? UNI(0.74, 1.02) * far : 4 * far;
  s.outside = UNI(0.03, 0.09);
  s.noise = UNI(0.011, 0.023);
  s.blur = UNI(0.55, 0.8);
  s.catheter = 0.03;
  memcpy(s.tissue, TISSUE, sizeof TISSUE);
  return s;
}

/* What a full phantom has otherwise: a wider range of contrast, rougher tissue, darker organs. */
static void make_fuller(scene *s, phantom_random *r) {
  double rough = UNI(1, 2.5), fine = UNI(1.2, 3.6), darker = UNI(1, 1.8), brighter = UNI(1, 1.5);
  s->contrast = UNI(0.056, 0.118);
  s->thin = UNI(0.65, 0.95);
  s->tissue[2] *= rough;
  s->tissue[3] *= (rough + fine) / 2;
  s->tissue[4] *= fine;
  s->diaphragm *= darker;
  s->lung = fmin(s->lung * brighter, 0.45);
  s->catheter *= UNI(0.8, 2.2);
  s->texture = fmax(s->texture, 0.75);
}

/* Attenuation by bones and organs at (x, y), as a logarithm. */
static double anatomy(const scene *s, double x, double y) {
  double log_light = 0;
  if (s->lung > 0)
    log_light = s->lung * exp(-((x - s->lung_x) * (x - s->lung_x) + (y - s->lung_y) * (y - s->lung_y)) /
                              (2 * s->lung_radius * s->lung_radius));
  if (s->diaphragm > 0) {
    double dx = x - s->dome_x, dy = y - s->dome_y - s->dome_tilt * dx;
    double depth = 1 - sqrt(dx * dx / (s->dome_rx * s->dome_rx) + dy * dy / (s->dome_ry * s->dome_ry));
    log_light -= s->diaphragm * (0.6 * step(-s->dome_edge, s->dome_edge, depth) + 0.4 * step(0, 0.5, depth));
  }
  if (s->spine > 0) {
    double dx = fabs(x - s->spine_x - s->spine_tilt * y), wave = sin(2 * PI * y / 46 + s->spine_phase);
    double half = s->spine_width * (1 + 0.09 * wave);
    log_light -= s->spine * (1 - step(half * 0.75, half * 1.2, dx)) * (1 - 0.14 * step(0.6, 1, wave));
  }
  for (int32_t k = 0; k < s->ribs; k++) {
    double dx = x - s->centre_x, middle = s->rib_y + k * s->rib_gap + s->rib_tilt * x + s->rib_bow * dx * dx;
    double d = fabs(y - middle) / (s->rib_width / 2);
    log_light -= s->rib * ((1 - step(0.8, 1.15, d)) + 0.6 * exp(-(d - 0.9) * (d - 0.9) * 30)); /* the rim is denser */
  }
  return log_light;
}

/* Thin dark streaks of lung vessels and wires, which are no part of the mask. */
static void add_markings(float *light, int32_t H, int32_t W, double scale, phantom_random *r) {
  int32_t count = (int32_t)UNI(6, 20);
  for (int32_t k = 0; k < count; k++) {
    double x = UNI(0, 1) * W, y = UNI(0, 1) * H, heading = UNI(0, 2 * PI), bend = UNI(-0.03, 0.03) / scale;
    double length = UNI(15, 70) * scale, depth = UNI(0.008, 0.03);
    for (double s = 0; s < length; s += 0.7) {
      int32_t i = (int32_t)x, j = (int32_t)y;
      if (i >= 0 && j >= 0 && i < W && j < H) light[j * W + i] -= (float)(depth * sin(PI * s / length));
      heading += bend * 0.7;
      x += 0.7 * cos(heading);
      y += 0.7 * sin(heading);
    }
  }
}

/* Everything but the tree, as a logarithm of light. */
static void fill_background(float *light, int32_t H, int32_t W, double scale, const scene *s, phantom_random *r, float *line) {
  memset(light, 0, (size_t)H * (size_t)W * sizeof *light);
  add_markings(light, H, W, scale, r);
  blur(light, H, W, 0.6 * scale, line);
  const double spacing[TISSUES] = {170, 80, 34, 15, 7};
  for (uint32_t k = 0; k < TISSUES; k++) {
    ra_random_key key = r->key;
    key.b = STREAM_TISSUE + k;
    add_tissue(light, H, W, spacing[k] * scale, s->tissue[k] * s->texture, &key);
  }
  for (int32_t y = 0; y < H; y++)
    for (int32_t x = 0; x < W; x++) light[y * W + x] += (float)anatomy(s, x / scale, y / scale);
}

static double attenuation_of(const scene *s, float density) { return 0.06 * pow((double)density, s->thin); }

/* Contrast of the tree with its surroundings, mean along the centrelines, where the dye's absorption is multiplied by `strength`. */
static double contrast_at(const phantom_tree *t, double scale, const float *light, const float *density, int32_t H, int32_t W,
                          const scene *s, double strength) {
  double sum = 0, n = 0;
  for (int32_t i = 0; i < t->branches; i++)
    for (int32_t k = 0; k < t->branch[i].count && !t->branch[i].catheter && !t->branch[i].twig; k += 3) {
      const phantom_point *p = &t->point[t->branch[i].first + k];
      int32_t x = (int32_t)floor(p->x * scale), y = (int32_t)floor(p->y * scale);
      if (x < 0 || y < 0 || x >= W || y >= H || hypot(p->x - s->centre_x, p->y - s->centre_y) > s->collimator) continue;
      sum += s->level * exp((double)light[y * W + x]) * (1 - exp(-strength * attenuation_of(s, density[y * W + x])));
      n++;
    }
  return n > 0 ? sum / n : 0;
}

/* The strength of dye that results in `contrast` times the scene's. */
static double find_strength(const phantom_tree *t, double scale, const float *light, const float *density, int32_t H, int32_t W,
                            const scene *s, double contrast) {
  double strength = 1;
  for (int k = 0; k < 4; k++) {
    double now = contrast_at(t, scale, light, density, H, W, s, strength);
    if (!(now > 0)) return 1;
    strength *= contrast * s->contrast / SEEN / now;
    double least = 0.2 * fmin(1, contrast), most = 8 * fmax(1, contrast);
    strength = strength < least ? least : strength > most ? most : strength;
  }
  return strength;
}

/* Light through tree and patient: light <- level * exp(log light - dye), before the detector. */
static void expose(float *light, const float *density, const float *catheter, int32_t size, const scene *s, double strength) {
  for (int32_t i = 0; i < size; i++) {
    double dye = strength * attenuation_of(s, density[i]) + s->catheter * pow((double)catheter[i], 0.8);
    light[i] = (float)(s->level * exp((double)light[i] - dye));
  }
}

/* Blur, noise, vignetting and collimator; mask and label [opt] end where the collimator does. */
static void detect(float *light, float *grain, int32_t H, int32_t W, double scale, const scene *s, const ra_random_key *base,
                   float *line, ra_real *image, ra_real *mask, ra_real *label) {
  ra_random_key key = *base;
  key.b = STREAM_NOISE;
  blur(light, H, W, s->blur * scale, line);
  for (int32_t i = 0; i < H * W; i++)
    grain[i] = (float)(s->noise * sqrt(fmax(0, (double)light[i]) / 0.5) * ra_random_normal_at(&key, (uint64_t)i));
  blur(grain, H, W, 0.62, line);
  double far = hypot(W / scale, H / scale) / 2;
  for (int32_t y = 0; y < H; y++)
    for (int32_t x = 0; x < W; x++) {
      int32_t i = y * W + x;
      double distance = hypot(x / scale - s->centre_x, y / scale - s->centre_y);
      double open = 1 - step(-1.2, 1.2, distance - s->collimator);
      double v = light[i] * (1 - s->vignette * distance * distance / (far * far));
      v = s->outside + (v - s->outside) * open + grain[i] * (0.25 + 0.75 * open);
      image[i] = (ra_real)(v < 0 ? 0 : v > 1 ? 1 : v);
      if (distance > s->collimator) mask[i] = 0;
      if (label && distance > s->collimator) label[i] = RA_PHANTOM_BACKGROUND;
    }
}

static int32_t check(const ra_tensor *image, const ra_tensor *mask, const ra_tensor *label) {
  if (label && (label->rank != 2 || label->dim[0] != image->dim[0] || label->dim[1] != image->dim[1] || !ra_tensor_contiguous(label)))
    return ra_fail(RA_ERR_SHAPE, "phantom: label must be [H,W] as the image, and contiguous");
  if (image->rank != 2 || mask->rank != 2 || image->dim[0] != mask->dim[0] || image->dim[1] != mask->dim[1])
    return ra_fail(RA_ERR_SHAPE, "phantom: image and mask must be [H,W] of one size");
  if (!ra_tensor_contiguous(image) || !ra_tensor_contiguous(mask))
    return ra_fail(RA_ERR_STATE, "phantom: image and mask must be contiguous");
  for (int k = 0; k < 2; k++)
    if (image->dim[k] < SMALLEST || image->dim[k] > LARGEST)
      return ra_fail(RA_ERR_ARG, "phantom: sides must be %d to %d pixels, given %d x %d", SMALLEST, LARGEST, image->dim[0], image->dim[1]);
  return RA_OK;
}

int32_t ra_phantom_with(ra_tensor *image, ra_tensor *mask, ra_tensor *label, double seed, int32_t index, int32_t trees,
                        double contrast) {
  RA_TRY(check(image, mask, label));
  if (trees != RA_PHANTOM_PLAIN && trees != RA_PHANTOM_FULL)
    return ra_fail(RA_ERR_ARG, "phantom: trees must be 0 (plain) or 1 (full), given %d", trees);
  if (!(contrast >= 0.25 && contrast <= 2)) return ra_fail(RA_ERR_ARG, "phantom: contrast must be 0.25 to 2, given %g", contrast);
  int32_t H = image->dim[0], W = image->dim[1], longer = H > W ? H : W;
  size_t size = (size_t)H * (size_t)W;
  double scale = (H < W ? H : W) / 300.0;
  ra_real *classes = label ? label->data : NULL;
  phantom_random random = {.key = {.seed = (uint64_t)(int64_t)seed, .a = (uint32_t)index, .b = STREAM_SHAPE, .stream = RA_RANDOM_PHANTOM}};
  phantom_tree tree = {.width = W / scale, .height = H / scale, .full = trees == RA_PHANTOM_FULL};
  float *light = ra_mem_alloc(size, sizeof *light), *density = ra_mem_alloc(size, sizeof *density);
  float *catheter = ra_mem_alloc(size, sizeof *catheter), *line = ra_mem_alloc((size_t)longer + 2 * MAX_REACH, sizeof *line);
  int32_t code = light && density && catheter && line ? RA_OK : RA_ERR_MEMORY;
  if (code == RA_OK) code = ra_phantom_grow(&tree, &random);
  if (code == RA_OK) code = ra_phantom_draw(&tree, scale, H, W, density, catheter, mask->data, classes);
  if (code == RA_OK) {
    scene s = draw_scene(&random, tree.width, tree.height);
    if (tree.full) make_fuller(&s, &random);
    fill_background(light, H, W, scale, &s, &random, line);
    if (tree.full) code = ra_phantom_clutter(light, H, W, scale, &random);
    expose(light, density, catheter, (int32_t)size, &s, find_strength(&tree, scale, light, density, H, W, &s, contrast));
    detect(light, density, H, W, scale, &s, &random.key, line, image->data, mask->data, classes);
  }
  ra_mem_free(tree.branch);
  ra_mem_free(tree.point);
  ra_mem_free(line);
  ra_mem_free(catheter);
  ra_mem_free(density);
  ra_mem_free(light);
  return code;
}

int32_t ra_phantom_classes(ra_tensor *image, ra_tensor *mask, ra_tensor *label, double seed, int32_t index) {
  return ra_phantom_with(image, mask, label, seed, index, RA_PHANTOM_PLAIN, 1);
}

int32_t ra_phantom(ra_tensor *image, ra_tensor *mask, double seed, int32_t index) {
  return ra_phantom_classes(image, mask, NULL, seed, index);
}
