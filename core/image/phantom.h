/* Inner parts of the synthetic angiograms: the vessel tree (phantom_tree.c) and
 * its projection (phantom_draw.c). phantom.c puts the image together.
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
} phantom_branch;

typedef struct phantom_tree {
  double width, height; /* of the frame, in its own pixels */
  double margin;        /* how far beyond it branches are followed */
  phantom_point *point;
  int32_t points, room;
  phantom_branch *branch; /* [RA_PHANTOM_BRANCHES] */
  int32_t branches;
} phantom_tree;
enum { RA_PHANTOM_BRANCHES = 48 };

/* Fills an empty tree (width and height set); the caller frees point and branch, also on failure. */
int32_t ra_phantom_grow(phantom_tree *t, phantom_random *r);

/* density [H,W] <- dye along the ray of each pixel; catheter [H,W] likewise, of
 * the catheter; mask [H,W] <- 1 where at least half of 4x4 samples hit a vessel. label [opt] [H,W] <- RA_PHANTOM_*: a vessel's
 * pixel belongs to the stem where no fewer samples hit the stem than branches alone; others are catheter where half of the samples are. */
int32_t ra_phantom_draw(const phantom_tree *t, double scale, int32_t H, int32_t W, float *density, float *catheter,
                        ra_real *mask, ra_real *label);

#endif
