/* The vessel tree of a synthetic angiogram, as centrelines with a radius.
 *
 * Two layouts, as a cardiologist would name them: a right coronary artery (one
 * C-shaped vessel from the ostium, its ends splitting) and a left one (a stem
 * that splits into two, which fan out). Side branches are added at random places until the
 * tree has a drawn length. Radii follow Murray's law at each
 * branching: r^3 = r1^3 + r2^3 (C. Murray, 1926). */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "phantom.h"

#define PI 3.14159265358979323846
enum { CELL = 4, MAX_CELLS = 256, TRIES = 60, MARGIN_MAIN = 120, MARGIN = 12 };
static const double STEP = 0.4; /* between points, before scaling */

double ra_phantom_uniform(phantom_random *r, double low, double high) {
  return low + (high - low) * ra_random_uniform_at(&r->key, r->next++);
}

bool ra_phantom_chance(phantom_random *r, double probability) { return ra_phantom_uniform(r, 0, 1) < probability; }

#define UNI(low, high) ra_phantom_uniform(r, low, high)

/* Course of a branch: two bends (centre and width as fractions of its length), waves, taper. */
typedef struct course {
  double x, y, heading, radius, end_radius, length;
  double bend[2], bend_at[2], bend_width[2];
  double wave, wave_length;
  double dye, end_dye, parent_radius;
  bool catheter;
} course;

static double smooth(double u) {
  u = u < 0 ? 0 : u > 1 ? 1 : u;
  return u * u * (3 - 2 * u);
}

static int32_t add_point(phantom_tree *t, phantom_point p) {
  if (t->points == t->room) {
    int32_t room = t->room ? 2 * t->room : 4096;
    phantom_point *more = ra_mem_realloc(t->point, (size_t)room, sizeof *more);
    if (!more) return RA_ERR_MEMORY;
    t->point = more;
    t->room = room;
  }
  t->point[t->points++] = p;
  return RA_OK;
}

static bool inside(const phantom_tree *t, double x, double y, double margin) {
  return x > -margin && y > -margin && x < t->width + margin && y < t->height + margin;
}

/* Appends one branch; it ends where it leaves the frame. */
static int32_t run(phantom_tree *t, phantom_random *r, const course *c) {
  if (t->branches == RA_PHANTOM_BRANCHES) return RA_OK;
  double phase[3], stenosis_at = UNI(0.15, 0.85) * c->length, stenosis_width = UNI(4, 9);
  double stenosis = !c->catheter && ra_phantom_chance(r, 0.3) ? UNI(0.2, 0.5) : 0, wobble = UNI(0, 2 * PI);
  for (int k = 0; k < 3; k++) phase[k] = UNI(0, 2 * PI);
  double x = c->x, y = c->y;
  phantom_branch *b = &t->branch[t->branches];
  *b = (phantom_branch){.first = t->points, .catheter = c->catheter};
  for (double s = 0; s < c->length && inside(t, x, y, t->margin); s += STEP) {
    double u = s / c->length, heading = c->heading, start = smooth(s / 25), k = 2 * PI / c->wave_length;
    for (int i = 0; i < 2; i++) heading += c->bend[i] * smooth((u - c->bend_at[i]) / c->bend_width[i] + 0.5);
    heading += c->wave * start * (0.6 * sin(k * s + phase[0]) + 0.5 * sin(0.53 * k * s + phase[1]) + 0.3 * sin(1.9 * k * s + phase[2]));
    double dip = (s - stenosis_at) / stenosis_width;
    double radius = (c->radius + (c->end_radius - c->radius) * pow(u, 0.85)) * (1 - stenosis * exp(-dip * dip));
    double tip = c->catheter ? 1 : smooth((c->length - s) / 14);
    radius *= c->catheter ? 1 : (1 + 0.05 * sin(0.13 * s + wobble)) * (0.7 + 0.3 * tip);
    phantom_point p = {.x = (float)x, .y = (float)y, .radius = (float)radius, .heading = (float)heading,
                       .dye = (float)((c->dye + (c->end_dye - c->dye) * u * u) * (0.45 + 0.55 * tip)),
                       .join = c->parent_radius > 0 ? (float)smooth((s / c->parent_radius - 0.8) / 1.6) : 1};
    RA_TRY(add_point(t, p));
    x += STEP * cos(heading);
    y += STEP * sin(heading);
  }
  b->count = t->points - b->first;
  if (b->count > 0) t->branches++;
  return RA_OK;
}

static void move(phantom_tree *t, double dx, double dy) {
  for (int32_t i = 0; i < t->points; i++) {
    t->point[i].x += (float)dx;
    t->point[i].y += (float)dy;
  }
}

/* Moves the main vessels most of the way to the middle of the frame; those that enter at an edge only up or down. */
static void centre(phantom_tree *t, phantom_random *r) {
  double low[2] = {t->width, t->height}, high[2] = {0, 0};
  for (int32_t i = 0; i < t->points; i++) {
    if (!inside(t, t->point[i].x, t->point[i].y, 50)) continue;
    low[0] = fmin(low[0], t->point[i].x);
    low[1] = fmin(low[1], t->point[i].y);
    high[0] = fmax(high[0], t->point[i].x);
    high[1] = fmax(high[1], t->point[i].y);
  }
  double across = t->branches > 1 ? 0 : 0.85;
  move(t, across * (t->width - low[0] - high[0]) / 2 + UNI(-0.04, 0.04) * t->width,
       0.75 * (t->height - low[1] - high[1]) / 2 + UNI(-0.07, 0.05) * t->height);
}

/* Right coronary artery: from the top to the left, down, and along the bottom to the right. */
static int32_t grow_right(phantom_tree *t, phantom_random *r) {
  double W = t->width, H = t->height, size = W < H ? W : H;
  double radius = UNI(4.6, 8.2);
  course c = {.x = UNI(0.36, 0.62) * W, .y = UNI(0.06, 0.17) * H, .heading = PI + UNI(-0.45, 0.25), .radius = radius,
              .end_radius = radius * UNI(0.38, 0.6), .length = UNI(1.3, 1.8) * size, .bend = {-UNI(1.1, 1.6), -UNI(1.1, 1.9)},
              .bend_at = {UNI(0.16, 0.24), UNI(0.56, 0.66)}, .bend_width = {UNI(0.24, 0.36), UNI(0.2, 0.42)},
              .wave = UNI(0.1, 0.32), .wave_length = UNI(50, 110), .dye = 1, .end_dye = UNI(0.6, 0.9)};
  return run(t, r, &c);
}

/* Left coronary artery: a stem at the left edge, then one branch across and one down. */
static int32_t grow_left(phantom_tree *t, phantom_random *r) {
  double W = t->width, H = t->height, size = W < H ? W : H;
  double radius = UNI(4.6, 7.4), tilt = UNI(-0.35, 0.45);
  course stem = {.x = UNI(-0.01, 0.14) * W, .y = UNI(0.08, 0.3) * H, .heading = tilt, .radius = radius, .end_radius = radius * 0.97,
                 .length = UNI(30, 62), .bend = {UNI(-0.3, 0.3), 0}, .bend_at = {0.5, 0.5}, .bend_width = {1, 1},
                 .wave = UNI(0, 0.1), .wave_length = 60, .dye = 1, .end_dye = 1};
  RA_TRY(run(t, r, &stem));
  phantom_point at = t->point[t->points - 1];
  double share = UNI(0.76, 0.87), first = radius * share, second = radius * cbrt(1 - share * share * share);
  course across = {.x = at.x, .y = at.y, .heading = at.heading - UNI(0, 0.35), .radius = first, .end_radius = first * UNI(0.32, 0.48),
                   .length = UNI(0.75, 1.1) * size, .bend = {UNI(0.15, 0.7), UNI(0.2, 0.9)}, .bend_at = {UNI(0.2, 0.4), UNI(0.55, 0.8)},
                   .bend_width = {UNI(0.2, 0.5), UNI(0.2, 0.5)}, .wave = UNI(0.1, 0.4), .wave_length = UNI(40, 90), .dye = 1,
                   .end_dye = UNI(0.55, 0.85), .parent_radius = radius};
  RA_TRY(run(t, r, &across));
  course down = {.x = at.x, .y = at.y, .heading = at.heading + UNI(0.75, 1.35), .radius = second, .end_radius = second * UNI(0.35, 0.5),
                 .length = UNI(0.65, 1.0) * size, .bend = {UNI(-0.2, 0.45), UNI(-0.6, 0.4)}, .bend_at = {UNI(0.15, 0.35), UNI(0.5, 0.8)},
                 .bend_width = {UNI(0.2, 0.5), UNI(0.2, 0.5)}, .wave = UNI(0.12, 0.5), .wave_length = UNI(35, 80), .dye = 1,
                 .end_dye = UNI(0.55, 0.85), .parent_radius = radius};
  return run(t, r, &down);
}

/* A coarse map of the vessels drawn so far. */
typedef struct crowd {
  uint8_t cell[MAX_CELLS * MAX_CELLS];
  int32_t w, h;
  double per_cell;
  phantom_point root[RA_PHANTOM_BRANCHES]; /* where side branches start */
  int32_t roots;
} crowd;

static int32_t cell_of(const crowd *c, const phantom_point *p) {
  int32_t x = (int32_t)(p->x / c->per_cell), y = (int32_t)(p->y / c->per_cell);
  return p->x < 0 || p->y < 0 || x >= c->w || y >= c->h ? -1 : y * c->w + x;
}

static void occupy(crowd *c, const phantom_tree *t, const phantom_branch *b) {
  for (int32_t i = 0; i < b->count; i++) {
    int32_t k = cell_of(c, &t->point[b->first + i]);
    if (k >= 0) c->cell[k] = 1;
  }
}

/* Fraction of a branch, its root aside, that runs over others. */
static double overlap(const crowd *c, const phantom_tree *t, const phantom_branch *b) {
  int32_t over = 0, seen = 0;
  for (int32_t i = (int32_t)(12 / STEP); i < b->count; i += 4) {
    int32_t k = cell_of(c, &t->point[b->first + i]);
    if (k < 0) continue;
    seen++;
    over += c->cell[k];
  }
  return seen > 0 ? (double)over / seen : 1;
}

static double visible_length(const phantom_tree *t, const phantom_branch *b) {
  int32_t n = 0;
  for (int32_t i = 0; i < b->count; i++) n += inside(t, t->point[b->first + i].x, t->point[b->first + i].y, 0);
  return n * STEP;
}

static bool near_root(const crowd *c, const phantom_point *p, double distance) {
  for (int32_t i = 0; i < c->roots; i++)
    if (hypot((double)c->root[i].x - p->x, (double)c->root[i].y - p->y) < distance) return true;
  return false;
}

/* Tries one side branch; *length grows by what became visible. */
static int32_t sprout(phantom_tree *t, phantom_random *r, crowd *c, double *length) {
  int32_t parent = (int32_t)UNI(0, t->branches);
  if (ra_phantom_chance(r, 0.5)) parent = (int32_t)UNI(0, t->branches < 3 ? t->branches : 3); /* the main vessels carry most */
  phantom_branch *from = &t->branch[parent];
  int32_t at = from->first + (int32_t)(UNI(0.1, 0.9) * from->count);
  phantom_point p = t->point[at];
  double share = UNI(0.38, 0.72), radius = p.radius * share, side = ra_phantom_chance(r, 0.5) ? 1 : -1;
  bool curly = ra_phantom_chance(r, 0.25);
  double reach = UNI(20, 40) * radius + UNI(5, 30);
  if (p.radius < 1.5 || !inside(t, p.x, p.y, -8) || near_root(c, &p, 22)) return RA_OK;
  if (radius < 1.05) radius = 1.05;
  course b = {.x = p.x, .y = p.y, .heading = p.heading + side * UNI(0.45, 1.2), .radius = radius,
              .end_radius = fmax(0.75, radius * UNI(0.45, 0.65)),
              .length = reach, .bend = {-side * UNI(0, 0.9), UNI(-0.6, 0.6)}, .bend_at = {UNI(0.15, 0.5), UNI(0.5, 0.9)},
              .bend_width = {UNI(0.3, 0.6), UNI(0.2, 0.5)},
              .wave = curly ? UNI(0.6, 1.1) : UNI(0.1, 0.55), .wave_length = curly ? UNI(18, 34) : UNI(26, 60), .dye = p.dye,
              .end_dye = p.dye * UNI(0.35, 0.8), .parent_radius = p.radius};
  int32_t points = t->points, branches = t->branches;
  RA_TRY(run(t, r, &b));
  if (t->branches == branches) return RA_OK;
  phantom_branch *made = &t->branch[branches];
  double seen = visible_length(t, made);
  if (overlap(c, t, made) > 0.2 || seen < 18) {
    t->points = points;
    t->branches = branches;
    return RA_OK;
  }
  for (int32_t i = at; i < from->first + from->count; i++)
    t->point[i].radius *= (float)cbrt(1 - share * share * share * 0.8 * smooth((i - at) * STEP / 6));
  occupy(c, t, made);
  c->root[c->roots++] = p;
  *length += seen;
  return RA_OK;
}

/* The guide that brings the dye: from the ostium out of the frame, away from the vessel. */
static int32_t add_catheter(phantom_tree *t, phantom_random *r) {
  phantom_point p = t->point[t->branch[0].first];
  double dye = UNI(0.5, 1), radius = UNI(2.1, 2.9), heading = p.heading + PI + UNI(-0.5, 0.5), away = sin(heading) > 0 ? -1 : 1;
  course c = {.x = p.x, .y = p.y, .heading = heading, .radius = radius, .end_radius = radius, .length = 420,
              .bend = {away * (cos(heading) > 0 ? -1 : 1) * UNI(0.4, 1.3), UNI(-0.7, 0.7)}, .bend_at = {UNI(0.08, 0.25), UNI(0.3, 0.6)},
              .bend_width = {UNI(0.1, 0.3), UNI(0.2, 0.5)}, .wave = 0.03, .wave_length = 120, .dye = dye, .end_dye = dye,
              .catheter = true};
  return run(t, r, &c);
}

int32_t ra_phantom_grow(phantom_tree *t, phantom_random *r) {
  t->branch = ra_mem_alloc(RA_PHANTOM_BRANCHES, sizeof *t->branch);
  crowd *c = ra_mem_zalloc(1, sizeof *c);
  int32_t code = t->branch && c ? RA_OK : RA_ERR_MEMORY;
  t->margin = MARGIN_MAIN; /* until the tree is centred */
  if (code == RA_OK) code = ra_phantom_chance(r, 0.45) ? grow_right(t, r) : grow_left(t, r);
  if (code == RA_OK) {
    double longer = t->width > t->height ? t->width : t->height, length = 0;
    double wanted = UNI(0.0068, 0.0126) * t->width * t->height;
    for (int32_t i = 0; i < t->branches; i++) t->branch[i].stem = true;
    centre(t, r);
    t->margin = MARGIN;
    c->per_cell = longer / MAX_CELLS > CELL ? longer / MAX_CELLS : CELL;
    c->w = (int32_t)fmin(MAX_CELLS, ceil(t->width / c->per_cell));
    c->h = (int32_t)fmin(MAX_CELLS, ceil(t->height / c->per_cell));
    for (int32_t i = 0; i < t->branches; i++) {
      occupy(c, t, &t->branch[i]);
      length += visible_length(t, &t->branch[i]);
    }
    for (int32_t i = 0; i < TRIES && length < wanted && code == RA_OK; i++) code = sprout(t, r, c, &length);
  }
  if (code == RA_OK && ra_phantom_chance(r, 0.85)) code = add_catheter(t, r);
  ra_mem_free(c);
  return code;
}
