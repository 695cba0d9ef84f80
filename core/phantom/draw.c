/* Projection of a vessel tree: dye along each ray, and the exact mask.
 *
 * A vessel is a tube: a ray at distance d from its centreline crosses
 * 2 sqrt(r^2 - d^2) of dye. Tubes that cross add up, as in a projection; a branch inside
 * its parent's lumen does not. Everything is sampled at 4x4 points a pixel, in bands of rows. A full tree's mask ends where the
 * vessel's shadow has half its depth (at 0.87 of its radius), which is where experts see the edge; a plain tree's at the wall. */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "phantom.h"

enum { SUB = 4, BAND = 32 };

typedef struct canvas {
  double scale;
  int32_t W, top, rows;          /* of this band, in pixels */
  float *square, *join, *total, *catheter; /* [rows*SUB, W*SUB]: of one branch: the largest (dye * path)^2 and its join; sums */
  uint8_t *hit; /* [rows*SUB, W*SUB]: sum of what was hit */
} canvas;
enum { HIT_STEM = 1, HIT_BRANCH = 2, HIT_CATHETER = 4, HIT_VESSEL = HIT_STEM | HIT_BRANCH };

/* What of a pixel's samples a branch is. */
static uint8_t kind_of(const phantom_branch *b) { return b->twig ? 0 : b->catheter ? HIT_CATHETER : b->stem ? HIT_STEM : HIT_BRANCH; }

/* Stamps the disks of one branch, a hit where (path / largest path)^2 is above `edge`; returns the rows and columns touched in box
 * (x0, y0, x1, y1; half-open). */
static void stamp(canvas *c, const phantom_point *point, const phantom_branch *b, double edge, int32_t box[4]) {
  uint8_t what = kind_of(b);
  int32_t w = c->W * SUB, h = c->rows * SUB;
  double unit = c->scale * SUB, shift = (double)c->top * SUB;
  for (int32_t i = 0; i < b->count; i++) {
    double r = point[i].radius * unit, x = point[i].x * unit - 0.5, y = point[i].y * unit - shift - 0.5;
    int32_t y0 = (int32_t)fmax(0, ceil(y - r)), y1 = (int32_t)fmin(h - 1, floor(y + r));
    float weight = 4 * point[i].dye * point[i].dye;
    for (int32_t v = y0; v <= y1; v++) {
      double half = sqrt(fmax(0, r * r - (v - y) * (v - y)));
      int32_t x0 = (int32_t)fmax(0, ceil(x - half)), x1 = (int32_t)fmin(w - 1, floor(x + half));
      if (x0 > x1) continue;
      if (x0 < box[0]) box[0] = x0;
      if (x1 >= box[2]) box[2] = x1 + 1;
      if (v < box[1]) box[1] = v;
      if (v >= box[3]) box[3] = v + 1;
      for (int32_t u = x0; u <= x1; u++) {
        float path = weight * (float)(r * r - (v - y) * (v - y) - (u - x) * (u - x));
        int32_t k = v * w + u;
        if (path > 0 && path > weight * (float)(edge * r * r)) c->hit[k] |= what;
        if (path <= c->square[k]) continue;
        c->square[k] = path;
        c->join[k] = point[i].join;
      }
    }
  }
}

/* Adds the branch in square and join to the sums, and clears both. */
static void merge(canvas *c, const phantom_branch *b, const int32_t box[4]) {
  int32_t w = c->W * SUB;
  float *to = b->catheter ? c->catheter : c->total;
  for (int32_t v = box[1]; v < box[3]; v++)
    for (int32_t u = box[0]; u < box[2]; u++) {
      int32_t k = v * w + u;
      if (!(c->square[k] > 0)) continue;
      float path = sqrtf(c->square[k]) / (float)(SUB * c->scale), join = c->join[k];
      to[k] = join * (to[k] + path) + (1 - join) * fmaxf(to[k], path);
      c->square[k] = 0;
    }
}

/* The class of a pixel by the numbers of its samples on a vessel, on the stem, and on the catheter alone. */
static int32_t class_of(int32_t vessel, int32_t stem, int32_t tube) {
  if (2 * vessel >= SUB * SUB) return 2 * stem >= vessel ? RA_PHANTOM_STEM : RA_PHANTOM_BRANCH;
  return 2 * tube >= SUB * SUB ? RA_PHANTOM_CATHETER : RA_PHANTOM_BACKGROUND;
}

/* Pixels of the band from its samples. */
static void shrink(const canvas *c, float *density, float *catheter, ra_real *mask, ra_real *label) {
  int32_t w = c->W * SUB;
  for (int32_t y = 0; y < c->rows; y++)
    for (int32_t x = 0; x < c->W; x++) {
      float sum = 0, tube = 0;
      int32_t hits = 0, stem = 0, alone = 0;
      for (int32_t v = y * SUB; v < (y + 1) * SUB; v++)
        for (int32_t u = x * SUB; u < (x + 1) * SUB; u++) {
          sum += c->total[v * w + u];
          tube += c->catheter[v * w + u];
          uint8_t hit = c->hit[v * w + u];
          hits += (hit & HIT_VESSEL) != 0;
          stem += (hit & HIT_STEM) != 0;
          alone += hit == HIT_CATHETER;
        }
      int32_t i = (c->top + y) * c->W + x;
      density[i] = sum / (SUB * SUB);
      catheter[i] = tube / (SUB * SUB);
      mask[i] = 2 * hits >= SUB * SUB;
      if (label) label[i] = (ra_real)class_of(hits, stem, alone);
    }
}

int32_t ra_phantom_draw(const phantom_tree *t, double scale, int32_t H, int32_t W, float *density, float *catheter,
                        ra_real *mask, ra_real *label) {
  size_t size = (size_t)W * SUB * BAND * SUB;
  float *block = ra_mem_zalloc(4 * size, sizeof *block);
  uint8_t *hit = ra_mem_alloc(size, 1);
  int32_t code = block && hit ? RA_OK : RA_ERR_MEMORY;
  for (int32_t top = 0; code == RA_OK && top < H; top += BAND) {
    canvas c = {.scale = scale, .W = W, .top = top, .rows = H - top < BAND ? H - top : BAND, .square = block,
                .join = block + size, .total = block + 2 * size, .catheter = block + 3 * size, .hit = hit};
    memset(c.total, 0, 2 * size * sizeof *block);
    memset(hit, 0, size);
    for (int32_t i = 0; i < t->branches; i++) {
      const phantom_branch *b = &t->branch[i];
      int32_t box[4] = {W * SUB, BAND * SUB, 0, 0};
      stamp(&c, t->point + b->first, b, t->full ? 0.25 : 0, box);
      merge(&c, b, box);
    }
    shrink(&c, density, catheter, mask, label);
  }
  ra_mem_free(hit);
  ra_mem_free(block);
  return code;
}
