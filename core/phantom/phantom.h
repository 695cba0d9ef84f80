/* Inner parts of the synthetic angiograms: the vessel tree (tree.c) and
 * its projection (draw.c). phantom.c puts the image together.
 *
 * Lengths are in pixels of a frame whose shorter side is 300; `scale` turns them
 * into pixels of the image. */
#ifndef RA_IMAGE_PHANTOM_H
#define RA_IMAGE_PHANTOM_H

#include "../base/random.h"
#include "../ramus.h"

/* Draws in sequence from one counter-based stream. */
typedef struct phantom_random {
  ra_random_key key;
  uint64_t next;
} phantom_random;
double ra_phantom_uniform(phantom_random *r, double low, double high);
bool ra_phantom_chance(phantom_random *r, double probability);
double ra_phantom_smooth(double u); /* 0 to 1 with level ends */

/* One point of a centreline. */
typedef struct phantom_point {
  float x, y, radius;
  float dye;  /* contrast agent, 1 at the ostium */
  float join; /* 0 inside the parent's lumen to 1: how much this adds to what it crosses */
  float heading;
} phantom_point;

typedef struct phantom_branch {
  int32_t first, count; /* points */
  bool catheter;        /* drawn, but no vessel */
  bool stem;            /* one of the main vessels, no side branch */
  bool twig;            /* drawn, but too thin for the mask */
  int32_t order;        /* 0 of the main vessels, 1 of their side branches, and so on; of full trees */
} phantom_branch;

typedef struct phantom_tree {
  double width, height; /* of the frame, in its own pixels */
  double margin;        /* how far beyond it branches are followed */
  bool full;            /* side branches of fill.c, dye that streams and fades */
  double fade;          /* way after which a full tree's dye has fallen to 1/e */
  phantom_point *point;
  int32_t points, room;
  phantom_branch *branch; /* [most] */
  int32_t branches, most;
} phantom_tree;
enum { RA_PHANTOM_BRANCHES = 48, RA_PHANTOM_FULL_BRANCHES = 160 };
#define RA_PHANTOM_STEP 0.4 /* between points of a centreline */

/* Course of a branch: two bends (centre and width as fractions of its length), waves, taper. */
typedef struct phantom_course {
  double x, y, heading, radius, end_radius, length;
  double bend[2], bend_at[2], bend_width[2];
  double wave, wave_length;
  double dye, end_dye, parent_radius;
  bool catheter;
} phantom_course;

/* From which ranges the shape of a course is drawn, in this order. */
typedef struct phantom_shape {
  double bend[2][2], bend_at[2][2], bend_width[2][2], wave[2], wave_length[2];
} phantom_shape;
void ra_phantom_draw_shape(phantom_random *r, const phantom_shape *from, phantom_course *c);

/* Appends one branch; it ends where it leaves the frame and its margin. */
int32_t ra_phantom_run(phantom_tree *t, phantom_random *r, const phantom_course *c);
bool ra_phantom_inside(const phantom_tree *t, double x, double y, double margin);

/* Fills an empty tree (width, height and full set); the caller frees point and branch, also on failure. */
int32_t ra_phantom_grow(phantom_tree *t, phantom_random *r);
int32_t ra_phantom_sprout(phantom_tree *t, phantom_random *r, double wanted); /* side branches up to a visible length in all */
int32_t ra_phantom_fill(phantom_tree *t, phantom_random *r, double wanted);   /* likewise of a full tree, and its twigs */

/* A coarse map of the vessels drawn so far. */
enum { RA_PHANTOM_CELLS = 256 };
typedef struct phantom_crowd {
  uint8_t cell[RA_PHANTOM_CELLS * RA_PHANTOM_CELLS];
  int32_t w, h;
  double per_cell, length;                      /* length: what is visible */
  phantom_point root[RA_PHANTOM_FULL_BRANCHES]; /* where side branches start */
  int32_t roots;
} phantom_crowd;
phantom_crowd *ra_phantom_crowd_new(const phantom_tree *t); /* of its branches; NULL without memory; to be freed */
void ra_phantom_occupy(phantom_crowd *c, const phantom_tree *t, const phantom_branch *b);
double ra_phantom_overlap(const phantom_crowd *c, const phantom_tree *t, const phantom_branch *b);
double ra_phantom_seen(const phantom_tree *t, const phantom_branch *b);
bool ra_phantom_near_root(const phantom_crowd *c, const phantom_point *p, double distance);

/* light [H,W] (logarithm) darkened by what is no vessel of the tree: lung vessels, wires, clips, edges of the heart and of organs. */
int32_t ra_phantom_clutter(float *light, int32_t H, int32_t W, double scale, phantom_random *r);

/* density [H,W] <- dye along the ray of each pixel; catheter [H,W] likewise, of the catheter; mask [H,W] <- 1 where at least half of
 * 4x4 samples hit a vessel (of a full tree: 0.87 of its radius). label [opt] [H,W] <- RA_PHANTOM_*: a vessel's pixel belongs to the
 * stem where no fewer samples hit the stem than branches alone; others are catheter where half of the samples are. */
int32_t ra_phantom_draw(const phantom_tree *t, double scale, int32_t H, int32_t W, float *density, float *catheter,
                        ra_real *mask, ra_real *label);

#endif
