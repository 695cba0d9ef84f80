/* Side branches of a plain tree, and what is asked of a tree while it grows: where vessels already run, where side branches
 * start. Branches are added at random places until the tree has the length that is wanted. */
#include <math.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "phantom.h"

enum { CELL = 4, TRIES = 60 };
static const double STEP = RA_PHANTOM_STEP;

#define UNI(low, high) ra_phantom_uniform(r, low, high)

static int32_t cell_of(const phantom_crowd *c, const phantom_point *p) {
  int32_t x = (int32_t)(p->x / c->per_cell), y = (int32_t)(p->y / c->per_cell);
  return p->x < 0 || p->y < 0 || x >= c->w || y >= c->h ? -1 : y * c->w + x;
}

void ra_phantom_occupy(phantom_crowd *c, const phantom_tree *t, const phantom_branch *b) {
  for (int32_t i = 0; i < b->count; i++) {
    int32_t k = cell_of(c, &t->point[b->first + i]);
    if (k >= 0) c->cell[k] = 1;
  }
}

/* Fraction of a branch, its root aside, that runs over others. */
double ra_phantom_overlap(const phantom_crowd *c, const phantom_tree *t, const phantom_branch *b) {
  int32_t over = 0, seen = 0;
  for (int32_t i = (int32_t)(12 / STEP); i < b->count; i += 4) {
    int32_t k = cell_of(c, &t->point[b->first + i]);
    if (k < 0) continue;
    seen++;
    over += c->cell[k];
  }
  return seen > 0 ? (double)over / seen : 1;
}

double ra_phantom_seen(const phantom_tree *t, const phantom_branch *b) {
  int32_t n = 0;
  for (int32_t i = 0; i < b->count; i++) n += ra_phantom_inside(t, t->point[b->first + i].x, t->point[b->first + i].y, 0);
  return n * STEP;
}

bool ra_phantom_near_root(const phantom_crowd *c, const phantom_point *p, double distance) {
  for (int32_t i = 0; i < c->roots; i++)
    if (hypot((double)c->root[i].x - p->x, (double)c->root[i].y - p->y) < distance) return true;
  return false;
}

#define BENDS .bend = {{0, 0.9}, {-0.6, 0.6}}, .bend_at = {{0.15, 0.5}, {0.5, 0.9}}, .bend_width = {{0.3, 0.6}, {0.2, 0.5}}
static const phantom_shape CURLY = {BENDS, .wave = {0.6, 1.1}, .wave_length = {18, 34}};
static const phantom_shape PLAIN = {BENDS, .wave = {0.1, 0.55}, .wave_length = {26, 60}};

/* Tries one side branch. */
static int32_t sprout(phantom_tree *t, phantom_random *r, phantom_crowd *c) {
  int32_t parent = (int32_t)UNI(0, t->branches);
  if (ra_phantom_chance(r, 0.5)) parent = (int32_t)UNI(0, t->branches < 3 ? t->branches : 3); /* the main vessels carry most */
  phantom_branch *from = &t->branch[parent];
  int32_t at = from->first + (int32_t)(UNI(0.1, 0.9) * from->count);
  phantom_point p = t->point[at];
  double share = UNI(0.38, 0.72), radius = p.radius * share, side = ra_phantom_chance(r, 0.5) ? 1 : -1;
  bool curly = ra_phantom_chance(r, 0.25);
  double reach = UNI(20, 40) * radius;
  reach += UNI(5, 30);
  if (p.radius < 1.5 || !ra_phantom_inside(t, p.x, p.y, -8) || ra_phantom_near_root(c, &p, 22)) return RA_OK;
  if (radius < 1.05) radius = 1.05;
  phantom_course b = {.x = p.x, .y = p.y, .radius = radius, .length = reach, .dye = p.dye, .parent_radius = p.radius};
  b.heading = p.heading + side * UNI(0.45, 1.2);
  b.end_radius = fmax(0.75, radius * UNI(0.45, 0.65));
  ra_phantom_draw_shape(r, curly ? &CURLY : &PLAIN, &b);
  b.bend[0] *= -side; /* first back along the parent */
  b.end_dye = p.dye * UNI(0.35, 0.8);
  int32_t points = t->points, branches = t->branches;
  RA_TRY(ra_phantom_run(t, r, &b));
  if (t->branches == branches) return RA_OK;
  phantom_branch *made = &t->branch[branches];
  double seen = ra_phantom_seen(t, made);
  if (ra_phantom_overlap(c, t, made) > 0.2 || seen < 18) {
    t->points = points;
    t->branches = branches;
    return RA_OK;
  }
  for (int32_t i = at; i < from->first + from->count; i++)
    t->point[i].radius *= (float)cbrt(1 - share * share * share * 0.8 * ra_phantom_smooth((i - at) * STEP / 6));
  ra_phantom_occupy(c, t, made);
  c->root[c->roots++] = p;
  c->length += seen;
  return RA_OK;
}

phantom_crowd *ra_phantom_crowd_new(const phantom_tree *t) {
  phantom_crowd *c = ra_mem_zalloc(1, sizeof *c);
  if (!c) return NULL;
  double longer = t->width > t->height ? t->width : t->height;
  c->per_cell = longer / RA_PHANTOM_CELLS > CELL ? longer / RA_PHANTOM_CELLS : CELL;
  c->w = (int32_t)fmin(RA_PHANTOM_CELLS, ceil(t->width / c->per_cell));
  c->h = (int32_t)fmin(RA_PHANTOM_CELLS, ceil(t->height / c->per_cell));
  for (int32_t i = 0; i < t->branches; i++) {
    ra_phantom_occupy(c, t, &t->branch[i]);
    c->length += ra_phantom_seen(t, &t->branch[i]);
  }
  return c;
}

int32_t ra_phantom_sprout(phantom_tree *t, phantom_random *r, double wanted) {
  phantom_crowd *c = ra_phantom_crowd_new(t);
  int32_t code = c ? RA_OK : RA_ERR_MEMORY;
  for (int32_t i = 0; code == RA_OK && i < TRIES && c->length < wanted; i++) code = sprout(t, r, c);
  ra_mem_free(c);
  return code;
}
