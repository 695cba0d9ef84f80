/* What lies in the picture of a full phantom and is no vessel of the tree: light [H,W], a logarithm, is darkened by it.
 *
 *   tubes    vessels of the lung and others without agent: soft, of the coronaries' width
 *   wires    guide wires, leads of a pacemaker, drains: long, thin or as wide as a catheter, dark
 *   loops    wires of the breastbone
 *   clips    short dark bars
 *   ghosts   soft bright streaks, as subtraction leaves them where an organ moved
 *   edges    borders of the heart, of the diaphragm's other dome, of folds of skin: steps along a large arc
 *
 * Lengths are in frame pixels (phantom.h). A stroke's profile is depth * (1 - d^2/r^2)^soft at distance d of its middle. */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "phantom.h"

#define PI 3.14159265358979323846
#define UNI(low, high) ra_phantom_uniform(r, low, high)

typedef struct stroke {
  double x, y, heading, length, radius, depth, soft;
  double bend;              /* radians a pixel */
  double wave, wave_length; /* radians, pixels */
} stroke;

typedef struct plane {
  float *value; /* [H,W]: depth of the strokes, the largest where they cross */
  int32_t H, W;
  double scale;
} plane;

static void stamp(const plane *p, double x, double y, double radius, double depth, double soft) {
  int32_t x0 = (int32_t)fmax(0, ceil(x - radius)), x1 = (int32_t)fmin(p->W - 1, floor(x + radius));
  int32_t y0 = (int32_t)fmax(0, ceil(y - radius)), y1 = (int32_t)fmin(p->H - 1, floor(y + radius));
  for (int32_t j = y0; j <= y1; j++)
    for (int32_t i = x0; i <= x1; i++) {
      double inside = 1 - ((i - x) * (i - x) + (j - y) * (j - y)) / (radius * radius);
      if (inside <= 0) continue;
      float v = (float)(depth * pow(inside, soft)), *to = &p->value[(int64_t)j * p->W + i];
      if (v > *to) *to = v;
    }
}

static void draw(const plane *p, const stroke *s) {
  double x = s->x, y = s->y, step = 0.6, radius = fmax(s->radius * p->scale, 0.75);
  for (double at = 0; at < s->length; at += step) {
    double heading = s->heading + s->bend * at + (s->wave > 0 ? s->wave * sin(2 * PI * at / s->wave_length) : 0);
    double end = ra_phantom_smooth(fmin(at, s->length - at) / fmin(8, s->length / 3));
    stamp(p, x * p->scale - 0.5, y * p->scale - 0.5, radius, s->depth * end, s->soft);
    x += step * cos(heading);
    y += step * sin(heading);
  }
}

static stroke anywhere(phantom_random *r, double w, double h) {
  stroke s = {.soft = 0.5};
  s.x = UNI(0, w);
  s.y = UNI(0, h);
  s.heading = UNI(0, 2 * PI);
  return s;
}

static void add_tubes(const plane *p, phantom_random *r, double w, double h) {
  int32_t count = (int32_t)UNI(4, 26);
  double strong = UNI(0.3, 1);
  for (int32_t k = 0; k < count; k++) {
    stroke s = anywhere(r, w, h);
    s.length = UNI(20, 150);
    s.radius = UNI(0.9, 4.5);
    s.depth = strong * UNI(0.015, 0.09);
    s.soft = UNI(0.6, 1.6);
    s.bend = UNI(-0.012, 0.012);
    s.wave = UNI(0, 0.5);
    s.wave_length = UNI(25, 90);
    draw(p, &s);
  }
}

static void add_wires(const plane *p, phantom_random *r, double w, double h) {
  int32_t count = ra_phantom_chance(r, 0.4) ? (int32_t)UNI(1, 3) : 0;
  for (int32_t k = 0; k < count; k++) {
    stroke s = anywhere(r, w, h);
    bool wide = ra_phantom_chance(r, 0.35);
    s.length = UNI(80, 420);
    s.radius = wide ? UNI(1.6, 3) : UNI(0.6, 1.1);
    s.depth = wide ? UNI(0.03, 0.14) : UNI(0.05, 0.25);
    s.bend = UNI(-0.008, 0.008);
    s.wave = UNI(0, 0.3);
    s.wave_length = UNI(90, 240);
    draw(p, &s);
  }
}

/* Two to five rings below each other, or a few clips. */
static void add_metal(const plane *p, phantom_random *r, double w, double h) {
  bool rings = ra_phantom_chance(r, 0.15), clips = ra_phantom_chance(r, 0.15);
  int32_t count = rings || clips ? (int32_t)UNI(2, 6) : 0;
  stroke first = anywhere(r, w, h);
  double ring = UNI(5, 11), depth = UNI(0.1, 0.35);
  for (int32_t k = 0; k < count; k++) {
    stroke s = rings ? first : anywhere(r, w, h);
    s.radius = rings ? 0.8 : 1.3;
    s.length = rings ? 2 * PI * ring : UNI(4, 9);
    s.depth = depth;
    if (rings) {
      s.y = first.y - h / 2 + k * UNI(40, 60);
      s.heading = UNI(0, 2 * PI);
      s.bend = 1 / ring;
    }
    draw(p, &s);
  }
}

/* Tubes that brighten. */
static void add_ghosts(const plane *p, phantom_random *r, double w, double h) {
  int32_t count = ra_phantom_chance(r, 0.35) ? (int32_t)UNI(1, 7) : 0;
  for (int32_t k = 0; k < count; k++) {
    stroke s = anywhere(r, w, h);
    s.length = UNI(40, 220);
    s.radius = UNI(1, 6);
    s.depth = UNI(0.015, 0.09);
    s.soft = UNI(0.8, 2);
    s.bend = UNI(-0.01, 0.01);
    s.wave = UNI(0, 0.2);
    s.wave_length = UNI(60, 150);
    draw(p, &s);
  }
}

/* Darker on one side of an arc. */
static void add_edge(float *light, int32_t H, int32_t W, double scale, phantom_random *r) {
  double size = (H < W ? H : W) / scale, radius = UNI(0.5, 1.8) * size, toward = UNI(0, 2 * PI), near = UNI(-0.35, 0.35) * size;
  double x = W / scale / 2 + (radius + near) * cos(toward), y = H / scale / 2 + (radius + near) * sin(toward);
  double depth = UNI(0.02, 0.22), width = UNI(1.5, 14);
  for (int32_t j = 0; j < H; j++)
    for (int32_t i = 0; i < W; i++) {
      double inside = radius - hypot(i / scale - x, j / scale - y);
      light[(int64_t)j * W + i] -= (float)(depth * ra_phantom_smooth(inside / (2 * width) + 0.5));
    }
}

int32_t ra_phantom_clutter(float *light, int32_t H, int32_t W, double scale, phantom_random *r) {
  size_t size = (size_t)H * (size_t)W;
  plane p = {.value = ra_mem_zalloc(size, sizeof *p.value), .H = H, .W = W, .scale = scale};
  if (!p.value) return RA_ERR_MEMORY;
  add_tubes(&p, r, W / scale, H / scale);
  add_wires(&p, r, W / scale, H / scale);
  add_metal(&p, r, W / scale, H / scale);
  for (size_t i = 0; i < size; i++) light[i] -= p.value[i];
  memset(p.value, 0, size * sizeof *p.value);
  add_ghosts(&p, r, W / scale, H / scale);
  for (size_t i = 0; i < size; i++) light[i] += p.value[i];
  ra_mem_free(p.value);
  int32_t edges = (int32_t)UNI(0, 2.5);
  for (int32_t k = 0; k < edges; k++) add_edge(light, H, W, scale, r);
  return RA_OK;
}
