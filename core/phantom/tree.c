/* The vessel tree of a synthetic angiogram, as centrelines with a radius.
 *
 * Two layouts, as a cardiologist would name them: a right coronary artery (one
 * C-shaped vessel from the ostium, its ends splitting) and a left one (a stem
 * that splits into two, which fan out). Their side branches are in side.c and fill.c. Radii follow Murray's law at
 * each branching: r^3 = r1^3 + r2^3 (C. Murray, 1926). */
#include <math.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "phantom.h"

#define PI 3.14159265358979323846
enum { MARGIN_MAIN = 120, MARGIN = 12 };
static const double STEP = RA_PHANTOM_STEP;
static const float FULLER = 1.07f; /* main vessels of a full tree: its mask ends inside of the wall */

double ra_phantom_uniform(phantom_random *r, double low, double high) {
  return low + (high - low) * ra_random_uniform_at(&r->key, r->next++);
}

bool ra_phantom_chance(phantom_random *r, double probability) { return ra_phantom_uniform(r, 0, 1) < probability; }

#define UNI(low, high) ra_phantom_uniform(r, low, high)

double ra_phantom_smooth(double u) {
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

bool ra_phantom_inside(const phantom_tree *t, double x, double y, double margin) {
  return x > -margin && y > -margin && x < t->width + margin && y < t->height + margin;
}

/* What a branch of a full tree has besides its course: it winds more toward its end (curl), and its agent is used up with the way and
 * comes in waves, for it streams beside unmixed blood. */
typedef struct stream {
  double curl, fade, depth[2], wave[2], phase[2];
} stream;

static stream draw_stream(const phantom_tree *t, phantom_random *r, const phantom_course *c) {
  stream f = {.fade = c->catheter ? 0 : 1 / t->fade};
  if (!c->catheter && ra_phantom_chance(r, 0.5)) f.curl = UNI(0, 2.5);
  for (int k = 0; k < 2 && !c->catheter; k++) {
    f.depth[k] = UNI(0, 0.22);
    f.wave[k] = 2 * PI / (k ? UNI(14, 32) : UNI(40, 130));
    f.phase[k] = UNI(0, 2 * PI);
  }
  return f;
}

static double dye_of(const stream *f, double s) {
  double waves = 0;
  for (int k = 0; k < 2; k++) waves += f->depth[k] * sin(f->wave[k] * s + f->phase[k]);
  return exp(-s * f->fade) * (1 + waves * ra_phantom_smooth(s / 25));
}

/* Appends one branch; it ends where it leaves the frame. */
int32_t ra_phantom_run(phantom_tree *t, phantom_random *r, const phantom_course *c) {
  if (t->branches == t->most) return RA_OK;
  double phase[3], stenosis_at = UNI(0.15, 0.85) * c->length, stenosis_width = UNI(4, 9);
  double stenosis = !c->catheter && ra_phantom_chance(r, 0.3) ? UNI(0.2, 0.5) : 0, wobble = UNI(0, 2 * PI);
  for (int k = 0; k < 3; k++) phase[k] = UNI(0, 2 * PI);
  stream flow = t->full ? draw_stream(t, r, c) : (stream){0};
  double x = c->x, y = c->y, curl = flow.curl;
  phantom_branch *b = &t->branch[t->branches];
  *b = (phantom_branch){.first = t->points, .catheter = c->catheter};
  for (double s = 0; s < c->length && ra_phantom_inside(t, x, y, t->margin); s += STEP) {
    double u = s / c->length, heading = c->heading, start = ra_phantom_smooth(s / 25), k = 2 * PI / c->wave_length;
    for (int i = 0; i < 2; i++) heading += c->bend[i] * ra_phantom_smooth((u - c->bend_at[i]) / c->bend_width[i] + 0.5);
    heading += c->wave * start * (1 + curl * u * u) *
               (0.6 * sin(k * s + phase[0]) + 0.5 * sin(0.53 * k * s + phase[1]) + 0.3 * sin(1.9 * k * s + phase[2]));
    double dip = (s - stenosis_at) / stenosis_width;
    double radius = (c->radius + (c->end_radius - c->radius) * pow(u, 0.85)) * (1 - stenosis * exp(-dip * dip));
    double tip = c->catheter ? 1 : ra_phantom_smooth((c->length - s) / 14);
    radius *= c->catheter ? 1 : (1 + 0.05 * sin(0.13 * s + wobble)) * (0.7 + 0.3 * tip);
    phantom_point p = {.x = (float)x, .y = (float)y, .radius = (float)radius, .heading = (float)heading,
                       .dye = (float)((c->dye + (c->end_dye - c->dye) * u * u) * (0.45 + 0.55 * tip)),
                       .join = c->parent_radius > 0 ? (float)ra_phantom_smooth((s / c->parent_radius - 0.8) / 1.6) : 1};
    if (t->full) p.dye *= (float)dye_of(&flow, s);
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
    if (!ra_phantom_inside(t, t->point[i].x, t->point[i].y, 50)) continue;
    low[0] = fmin(low[0], t->point[i].x);
    low[1] = fmin(low[1], t->point[i].y);
    high[0] = fmax(high[0], t->point[i].x);
    high[1] = fmax(high[1], t->point[i].y);
  }
  double across = t->branches > 1 ? 0 : 0.85;
  double down = UNI(-0.07, 0.05) * t->height, aside = UNI(-0.04, 0.04) * t->width;
  move(t, across * (t->width - low[0] - high[0]) / 2 + aside, 0.75 * (t->height - low[1] - high[1]) / 2 + down);
}

void ra_phantom_draw_shape(phantom_random *r, const phantom_shape *from, phantom_course *c) {
  for (int k = 0; k < 2; k++) c->bend[k] = UNI(from->bend[k][0], from->bend[k][1]);
  for (int k = 0; k < 2; k++) c->bend_at[k] = UNI(from->bend_at[k][0], from->bend_at[k][1]);
  for (int k = 0; k < 2; k++) c->bend_width[k] = UNI(from->bend_width[k][0], from->bend_width[k][1]);
  c->wave = UNI(from->wave[0], from->wave[1]);
  c->wave_length = UNI(from->wave_length[0], from->wave_length[1]);
}

static const phantom_shape
  RIGHT = {.bend = {{-1.1, -1.6}, {-1.1, -1.9}}, .bend_at = {{0.16, 0.24}, {0.56, 0.66}}, .bend_width = {{0.24, 0.36}, {0.2, 0.42}},
           .wave = {0.1, 0.32}, .wave_length = {50, 110}},
  ACROSS = {.bend = {{0.15, 0.7}, {0.2, 0.9}}, .bend_at = {{0.2, 0.4}, {0.55, 0.8}}, .bend_width = {{0.2, 0.5}, {0.2, 0.5}},
            .wave = {0.1, 0.4}, .wave_length = {40, 90}},
  DOWN = {.bend = {{-0.2, 0.45}, {-0.6, 0.4}}, .bend_at = {{0.15, 0.35}, {0.5, 0.8}}, .bend_width = {{0.2, 0.5}, {0.2, 0.5}},
          .wave = {0.12, 0.5}, .wave_length = {35, 80}};

/* Right coronary artery: from the top to the left, down, and along the bottom to the right. */
static int32_t grow_right(phantom_tree *t, phantom_random *r) {
  double W = t->width, H = t->height, size = W < H ? W : H;
  double radius = UNI(4.6, 8.2);
  phantom_course c = {.radius = radius, .dye = 1};
  c.x = UNI(0.36, 0.62) * W;
  c.y = UNI(0.06, 0.17) * H;
  c.heading = PI + UNI(-0.45, 0.25);
  c.end_radius = radius * UNI(0.38, 0.6);
  c.length = UNI(1.3, 1.8) * size;
  ra_phantom_draw_shape(r, &RIGHT, &c);
  c.end_dye = UNI(0.6, 0.9);
  return ra_phantom_run(t, r, &c);
}

/* Left coronary artery: a stem at the left edge, then one branch across and one down. */
static int32_t grow_left(phantom_tree *t, phantom_random *r) {
  double W = t->width, H = t->height, size = W < H ? W : H;
  double radius = UNI(4.6, 7.4), tilt = UNI(-0.35, 0.45);
  phantom_course stem = {.heading = tilt, .radius = radius, .end_radius = radius * 0.97, .bend_at = {0.5, 0.5}, .bend_width = {1, 1},
                         .wave_length = 60, .dye = 1, .end_dye = 1};
  stem.x = UNI(-0.01, 0.14) * W;
  stem.y = UNI(0.08, 0.3) * H;
  stem.length = UNI(30, 62);
  stem.bend[0] = UNI(-0.3, 0.3);
  stem.wave = UNI(0, 0.1);
  RA_TRY(ra_phantom_run(t, r, &stem));
  phantom_point at = t->point[t->points - 1];
  double share = UNI(0.76, 0.87), first = radius * share, second = radius * cbrt(1 - share * share * share);
  phantom_course across = {.x = at.x, .y = at.y, .radius = first, .dye = 1, .parent_radius = radius};
  across.heading = at.heading - UNI(0, 0.35);
  across.end_radius = first * UNI(0.32, 0.48);
  across.length = UNI(0.75, 1.1) * size;
  ra_phantom_draw_shape(r, &ACROSS, &across);
  across.end_dye = UNI(0.55, 0.85);
  RA_TRY(ra_phantom_run(t, r, &across));
  phantom_course down = {.x = at.x, .y = at.y, .radius = second, .dye = 1, .parent_radius = radius};
  down.heading = at.heading + UNI(0.75, 1.35);
  down.end_radius = second * UNI(0.35, 0.5);
  down.length = UNI(0.65, 1.0) * size;
  ra_phantom_draw_shape(r, &DOWN, &down);
  down.end_dye = UNI(0.55, 0.85);
  return ra_phantom_run(t, r, &down);
}

/* The guide that brings the dye: from the ostium out of the frame, away from the vessel. */
static int32_t add_catheter(phantom_tree *t, phantom_random *r) {
  phantom_point p = t->point[t->branch[0].first];
  double dye = UNI(0.5, 1), radius = UNI(2.1, 2.9), heading = p.heading + PI + UNI(-0.5, 0.5), away = sin(heading) > 0 ? -1 : 1;
  if (t->full) radius *= UNI(1, 1.5);
  phantom_course c = {.x = p.x, .y = p.y, .heading = heading, .radius = radius, .end_radius = radius, .length = 420,
                      .wave = 0.03, .wave_length = 120, .dye = dye, .end_dye = dye, .catheter = true};
  c.bend[0] = away * (cos(heading) > 0 ? -1 : 1) * UNI(0.4, 1.3);
  c.bend[1] = UNI(-0.7, 0.7);
  c.bend_at[0] = UNI(0.08, 0.25);
  c.bend_at[1] = UNI(0.3, 0.6);
  c.bend_width[0] = UNI(0.1, 0.3);
  c.bend_width[1] = UNI(0.2, 0.5);
  return ra_phantom_run(t, r, &c);
}

int32_t ra_phantom_grow(phantom_tree *t, phantom_random *r) {
  t->most = t->full ? RA_PHANTOM_FULL_BRANCHES : RA_PHANTOM_BRANCHES;
  t->branch = ra_mem_alloc((size_t)t->most, sizeof *t->branch);
  if (!t->branch) return RA_ERR_MEMORY;
  if (t->full) t->fade = UNI(450, 2000);
  t->margin = MARGIN_MAIN; /* until the tree is centred */
  RA_TRY(ra_phantom_chance(r, 0.45) ? grow_right(t, r) : grow_left(t, r));
  double wanted = UNI(0.0068, 0.0126) * t->width * t->height;
  for (int32_t i = 0; i < t->branches; i++) t->branch[i].stem = true;
  for (int32_t i = 0; t->full && i < t->points; i++) t->point[i].radius *= FULLER;
  centre(t, r);
  t->margin = MARGIN;
  RA_TRY(t->full ? ra_phantom_fill(t, r, wanted) : ra_phantom_sprout(t, r, wanted));
  return ra_phantom_chance(r, 0.85) ? add_catheter(t, r) : RA_OK;
}
