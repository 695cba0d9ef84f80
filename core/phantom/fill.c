/* Side branches of a full tree, of several orders, and its twigs.
 *
 * At a branching the radii obey r0^3 = r1^3 + r2^3 (C. Murray, The physiological principle of minimum work I, PNAS 12, 1926) and the
 * side branch leaves at cos a = (r0^4 + r2^4 - r1^4) / (2 r0^2 r2^2) (C. Murray, The physiological principle of minimum work applied
 * to the angle of branching of arteries, J. Gen. Physiol. 9, 1926): thick ones at a sharp angle, thin ones nearly square. What is seen
 * is a projection, so that angles are shortened at random. Branches bend back along their parent, as on the heart's surface, and may
 * cross others. Twigs are drawn, but no part of the mask: experts leave vessels out that are narrower than about 2 of 300 pixels. */
#include <math.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "phantom.h"

#define PI 3.14159265358979323846
#define UNI(low, high) ra_phantom_uniform(r, low, high)

enum { TRIES = 160, ORDERS = 3 };
static const double THINNEST = 1.45; /* radius of a side branch at its root */

/* Murray's angle of a side branch of radius r2 = share * r0. */
static double angle_of(double share) {
  double r1 = cbrt(1 - share * share * share);
  double c = (1 + pow(share, 4) - pow(r1, 4)) / (2 * share * share);
  return acos(c < -1 ? -1 : c > 1 ? 1 : c);
}

/* A branch of the tree at a place that all points are equally likely to be. */
static phantom_branch *branch_at(const phantom_tree *t, int32_t point) {
  int32_t i = 0;
  while (i < t->branches - 1 && point >= t->branch[i].first + t->branch[i].count) i++;
  return &t->branch[i];
}

static phantom_course side_course(phantom_random *r, const phantom_point *p, double share) {
  double side = ra_phantom_chance(r, 0.5) ? 1 : -1, shortened = UNI(0.35, 1), angle = angle_of(share) * shortened;
  bool curly = ra_phantom_chance(r, 0.3);
  phantom_course b = {.x = p->x, .y = p->y, .heading = p->heading + side * angle, .radius = p->radius * share,
                      .dye = p->dye, .parent_radius = p->radius};
  double end = UNI(0.5, 0.8), back = UNI(0.3, 1.1), turn = UNI(-0.7, 0.7);
  b.end_radius = fmax(1.25, b.radius * end);
  b.length = UNI(22, 52) * b.radius;
  b.length += UNI(10, 40);
  b.bend[0] = -side * angle * back;
  b.bend[1] = turn;
  b.bend_at[0] = UNI(0.12, 0.4);
  b.bend_at[1] = UNI(0.5, 0.9);
  b.bend_width[0] = UNI(0.2, 0.6);
  b.bend_width[1] = UNI(0.2, 0.5);
  b.wave = curly ? UNI(0.5, 1.1) : UNI(0.1, 0.5);
  b.wave_length = curly ? UNI(20, 44) : UNI(30, 75);
  b.end_dye = b.dye * UNI(0.6, 1.05);
  return b;
}

/* Tries one side branch. */
static int32_t add_side(phantom_tree *t, phantom_random *r, phantom_crowd *c) {
  int32_t at = (int32_t)UNI(0, t->points);
  phantom_branch *from = branch_at(t, at);
  double along = (double)(at - from->first) / from->count, u = UNI(0, 1), share = 0.42 + 0.45 * u * u;
  phantom_point p = t->point[at];
  phantom_course b = side_course(r, &p, share);
  if (from->order == ORDERS || along < 0.06 || along > 0.92 || b.radius < THINNEST) return RA_OK;
  if (!ra_phantom_inside(t, p.x, p.y, -8) || ra_phantom_near_root(c, &p, 19)) return RA_OK;
  int32_t points = t->points, branches = t->branches;
  RA_TRY(ra_phantom_run(t, r, &b));
  if (t->branches == branches) return RA_OK;
  phantom_branch *made = &t->branch[branches];
  double seen = ra_phantom_seen(t, made);
  if (ra_phantom_overlap(c, t, made) > 0.3 || seen < 22) {
    t->points = points;
    t->branches = branches;
    return RA_OK;
  }
  made->order = from->order + 1;
  double rest = cbrt(1 - share * share * share);
  for (int32_t i = at; i < from->first + from->count; i++)
    t->point[i].radius *= (float)(1 + (rest - 1) * ra_phantom_smooth((i - at) * RA_PHANTOM_STEP / 6));
  ra_phantom_occupy(c, t, made);
  c->root[c->roots++] = p;
  c->length += seen;
  return RA_OK;
}

/* A thin, faint, winding vessel, often of another twig. */
static int32_t add_twig(phantom_tree *t, phantom_random *r, int32_t vessels) {
  int32_t at = (int32_t)UNI(0, ra_phantom_chance(r, 0.7) ? vessels : t->points), branches = t->branches;
  phantom_point p = t->point[at];
  double side = ra_phantom_chance(r, 0.5) ? 1 : -1, radius = UNI(0.5, 1.05), dye = UNI(0.4, 1), length = UNI(14, 80);
  phantom_course b = {.x = p.x, .y = p.y, .radius = fmin(radius, p.radius), .length = length, .dye = p.dye * dye,
                      .parent_radius = p.radius};
  b.heading = p.heading + side * UNI(0.4, 1.5);
  b.end_radius = 0.6 * b.radius;
  b.end_dye = b.dye * UNI(0.3, 0.8);
  for (int k = 0; k < 2; k++) {
    b.bend[k] = UNI(-0.9, 0.9);
    b.bend_at[k] = UNI(0.1, 0.9);
    b.bend_width[k] = UNI(0.2, 0.6);
  }
  b.wave = UNI(0.3, 1.1);
  b.wave_length = UNI(14, 40);
  if (!ra_phantom_inside(t, p.x, p.y, 0)) return RA_OK;
  RA_TRY(ra_phantom_run(t, r, &b));
  if (t->branches > branches) t->branch[branches].twig = true;
  return RA_OK;
}

int32_t ra_phantom_fill(phantom_tree *t, phantom_random *r, double wanted) {
  phantom_crowd *c = ra_phantom_crowd_new(t);
  int32_t code = c ? RA_OK : RA_ERR_MEMORY;
  for (int32_t i = 0; code == RA_OK && i < TRIES && c->length < wanted; i++) code = add_side(t, r, c);
  ra_mem_free(c);
  int32_t twigs = (int32_t)UNI(8, 60), vessels = t->points;
  for (int32_t i = 0; code == RA_OK && i < twigs; i++) code = add_twig(t, r, vessels);
  return code;
}
