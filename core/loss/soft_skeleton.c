/* soft_skeleton.c: erosions, dilations and the soft skeleton of a plane, with its gradient (soft_skeleton.h). All loops are over rows and
 * independent from one pixel to the next; of a gradient, every pixel gets what its neighbours give in their order. */
#include "soft_skeleton.h"

#include "../base/math.h"
#include "../kernel/vec.h"

static inline ra_real least(ra_real a, ra_real b) { return a < b ? a : b; }
static inline ra_real most(ra_real a, ra_real b) { return a > b ? a : b; }

static void erode(const ra_soft_skeleton *j, const ra_real *x, ra_real *y) {
  int32_t W = j->W;
  for (int32_t r = 0; r < j->H; r++) {
    const ra_real *row = x + (int64_t)r * W, *up = r > 0 ? row - W : row, *down = r + 1 < j->H ? row + W : row;
    ra_real *out = y + (int64_t)r * W;
    RA_SIMD
    for (int32_t i = 1; i < W - 1; i++) out[i] = least(least(row[i], least(up[i], down[i])), least(row[i - 1], row[i + 1]));
    for (int32_t i = 0; i < W; i += ra_max(W - 1, 1))
      out[i] = least(least(row[i], least(up[i], down[i])), least(row[i > 0 ? i - 1 : 0], row[i + 1 < W ? i + 1 : i]));
  }
}

/* The dilation of n <= RA_TILE pixels of row r. */
static void dilate(const ra_soft_skeleton *j, const ra_real *x, int32_t r, int32_t first, int32_t n, ra_real *out) {
  const ra_real *row = x + (int64_t)r * j->W + first, *up = r > 0 ? row - j->W : row, *down = r + 1 < j->H ? row + j->W : row;
  ra_real column[RA_TILE + 2]; /* the greatest of three; one more at both sides */
  int32_t left = first > 0, right = first + n < j->W;
  column[1] = column[n] = row[0];
  RA_SIMD
  for (int32_t i = -left; i < n + right; i++) column[i + 1] = most(row[i], most(up[i], down[i]));
  if (!left) column[0] = column[1];
  if (!right) column[n + 1] = column[n];
  RA_SIMD
  for (int32_t i = 0; i < n; i++) out[i] = most(column[i + 1], most(column[i], column[i + 2]));
}

void ra_soft_skeleton_forward(const ra_soft_skeleton *j, ra_real *x, ra_real *s, int64_t step_x, int64_t step_s) {
  int64_t area = ra_soft_area(j);
  for (int32_t k = 0; k < j->levels; k++) {
    const ra_real *now = x + (step_x ? k * step_x : (k & 1) * area);
    ra_real *next = x + (step_x ? (k + 1) * step_x : (~k & 1) * area);
    erode(j, now, next);
    for (int32_t r = 0; r < j->H; r++)
      for (int32_t first = 0; first < j->W; first += RA_TILE) {
        ra_real opened[RA_TILE];
        int32_t n = ra_min(j->W - first, (int32_t)RA_TILE);
        int64_t at = (int64_t)r * j->W + first;
        const ra_real *old = s + (k - 1) * step_s + at;
        ra_real *out = s + k * step_s + at;
        dilate(j, next, r, first, n, opened);
        RA_SIMD
        for (int32_t i = 0; i < n; i++) opened[i] = most(now[at + i] - opened[i], 0);
        if (k == 0) memcpy(out, opened, (size_t)n * sizeof *out);
        else {
          RA_SIMD
          for (int32_t i = 0; i < n; i++) out[i] = old[i] + opened[i] * (1 - old[i]);
        }
      }
  }
}

/* ---- backward ---- */

/* Pixels around one, the first of equal ones first; number[1 + dy][1 + dx]: of each, -1 where there is none. */
typedef struct around {
  int32_t n, dy[9], dx[9], number[3][3];
} around;

static const around SQUARE = {9, {-1, -1, -1, 0, 0, 0, 1, 1, 1}, {-1, 0, 1, -1, 0, 1, -1, 0, 1}, {{0, 1, 2}, {3, 4, 5}, {6, 7, 8}}};
static const around CROSS = {5, {-1, 0, 1, 0, 0}, {0, 0, 0, -1, 1}, {{-1, 0, -1}, {3, 1, 4}, {-1, 2, -1}}};

enum { BLOCK = 64, FEW = 8, PAD = 16 }; /* pixels of a row */

/* Pixels of row r that hand on `g` [n], from column `first`: each to that around it whose x is equal to `extreme`. */
typedef struct block {
  const ra_soft_skeleton *plane;
  const around *around;
  const ra_real *x, *extreme, *g; /* x: of the plane; extreme, g: of the block */
  ra_real sign;                   /* 1 or -1, of what is handed on */
  ra_real *to;                    /* of the plane */
  int32_t r, first, n;
} block;

static bool inside(const block *b, int32_t k, int32_t i) {
  int32_t row = b->r + b->around->dy[k], column = b->first + i + b->around->dx[k];
  return row >= 0 && row < b->plane->H && column >= 0 && column < b->plane->W;
}

/* Pixel k around the block's first, as a place in the plane; it may lie outside. */
static int64_t place(const block *b, int32_t k) {
  return (int64_t)(b->r + b->around->dy[k]) * b->plane->W + b->first + b->around->dx[k];
}

/* The number of the first pixel around pixel i that is equal to `extreme`; -1 for none. */
static int32_t find_one(const block *b, int32_t i) {
  for (int32_t k = 0; k < b->around->n; k++)
    if (inside(b, k, i) && b->x[place(b, k) + i] == b->extreme[i]) return k;
  return -1;
}

/* One by one: for blocks of which few pixels have anything. */
static void hand_on_few(const block *b) {
  for (int32_t i = 0; i < b->n; i++) {
    int32_t k = b->g[i] != 0 ? find_one(b, i) : -1;
    if (k >= 0) b->to[place(b, k) + i] += b->sign * b->g[i];
  }
}

/* Numbers of the pixels that each of a block hands on to, and what; nothing beside the block. */
typedef struct handed {
  ra_real number[PAD + BLOCK + PAD], g[PAD + BLOCK + PAD];
} handed;

static void find_all(const block *b, handed *h) {
  const ra_real *x[9], *extreme = b->extreme;
  ra_real number[9];
  int32_t n = 0, W = b->plane->W;
  for (int32_t k = b->around->n - 1; k >= 0; k--) { /* the first one is the last to be written */
    int32_t row = b->r + b->around->dy[k];
    number[n] = (ra_real)k;
    if (row >= 0 && row < b->plane->H) x[n++] = b->x + place(b, k);
  }
  for (int32_t i = 0, step; i < b->n; i += step) {
    step = b->first + i > 0 && i + VL <= b->n && b->first + i + VL < W ? VL : 1;
    if (step == 1) {
      h->number[PAD + i] = (ra_real)find_one(b, i);
      continue;
    }
    vec wanted = vec_load(extreme + i), found = vec_splat(-1);
    for (int32_t k = 0; k < n; k++) found = vec_select(vec_load(x[k] + i) == wanted, vec_splat(number[k]), found);
    vec_store(h->number + PAD + i, found);
  }
}

static inline vec part(const handed *h, int32_t i, vec number) {
  return (vec)((vec_load(h->number + PAD + i) == number) & (veci)vec_load(h->g + PAD + i));
}

/* All at once: what each of the pixels around gets, from left to right. */
static void hand_on_many(const block *b) {
  handed h;
  for (int32_t i = 0; i < PAD + BLOCK + PAD; i++) h.number[i] = -1;
  memset(h.g, 0, sizeof h.g);
  for (int32_t i = 0; i < b->n; i++) h.g[PAD + i] = b->sign * b->g[i];
  find_all(b, &h);
  for (int32_t dy = -1; dy <= 1; dy++) {
    const int32_t *number = b->around->number[dy + 1];
    if (b->r + dy < 0 || b->r + dy >= b->plane->H) continue;
    ra_real *to = b->to + (int64_t)(b->r + dy) * b->plane->W + b->first;
    vec left = vec_splat((ra_real)number[2]), here = vec_splat((ra_real)number[1]), right = vec_splat((ra_real)number[0]);
    int32_t i = b->first > 0 ? -1 : 0, end = b->first + b->n < b->plane->W ? b->n + 1 : b->n;
    bool three = number[0] >= 0;
    for (; i + VL <= end; i += VL) {
      vec sum = vec_load(to + i);
      if (three) sum += part(&h, i - 1, left);
      sum += part(&h, i, here);
      if (three) sum += part(&h, i + 1, right);
      vec_store(to + i, sum);
    }
    for (; i < end; i++)
      for (int32_t k = 2; k >= 0; k--) {
        int32_t from = PAD + i + 1 - k;
        if (number[k] >= 0 && h.number[from] == (ra_real)number[k]) to[i] += h.g[from];
      }
  }
}

/* How many of n numbers are not 0. */
static int32_t count_full(int32_t n, const ra_real *g) {
  veci sum = {0};
  int32_t i = 0, count = 0;
  for (; i + VL <= n; i += VL) sum -= vec_load(g + i) != vec_zero();
  for (int32_t k = 0; k < VL; k++) count += (int32_t)sum[k];
  for (; i < n; i++) count += g[i] != 0;
  return count;
}

/* Hands g on to `to`, block by block: every pixel gets its parts in the order of those that they come from. */
static void hand_on(const block *b) {
  int32_t count = count_full(b->n, b->g);
  if (count > FEW) hand_on_many(b);
  else if (count > 0) hand_on_few(b);
}

/* The gradient of d_k, with respect to x_k: to `gain`, added to now; gs becomes that of s_(k-1). old: s_(k-1), NULL for none. */
static void backward_tile(int32_t n, const ra_real *x, const ra_real *opened, const ra_real *old, ra_real *gs, ra_real *now,
                          ra_real *gain) {
  int32_t i = 0;
  for (; i + VL <= n; i += VL) {
    vec d = vec_load(x + i) - vec_load(opened + i), g = vec_load(gs + i);
    veci up = d > vec_zero();
    g = (vec)(up & (veci)(old ? g * (vec_splat(1) - vec_load(old + i)) : g));
    vec_store(gain + i, g);
    vec_store(now + i, vec_load(now + i) + g);
    vec_store(gs + i, vec_load(gs + i) * (vec_splat(1) - (vec)(up & (veci)d)));
  }
  for (; i < n; i++) {
    ra_real d = most(x[i] - opened[i], 0);
    gain[i] = d > 0 ? gs[i] * (old ? 1 - old[i] : 1) : 0;
    now[i] += gain[i];
    gs[i] *= 1 - d;
  }
}

void ra_soft_skeleton_backward(const ra_soft_skeleton *j, int32_t k, const ra_real *x, const ra_real *s, ra_real *gs, ra_real *now,
                               ra_real *next) {
  int64_t area = ra_soft_area(j);
  const ra_real *below = x + area, *old = s - area;
  for (int32_t r = 0; r < j->H; r++)
    for (int32_t first = 0; first < j->W; first += BLOCK) {
      ra_real opened[BLOCK], gain[BLOCK];
      int32_t n = ra_min(j->W - first, (int32_t)BLOCK);
      int64_t at = (int64_t)r * j->W + first;
      dilate(j, below, r, first, n, opened);
      backward_tile(n, x + at, opened, k > 0 ? old + at : NULL, gs + at, now + at, gain);
      hand_on(&(block){j, &SQUARE, below, opened, gain, -1, next, r, first, n});
    }
  for (int32_t r = 0; r < j->H; r++)
    for (int32_t first = 0; first < j->W; first += BLOCK) {
      int64_t at = (int64_t)r * j->W + first;
      hand_on(&(block){j, &CROSS, x, below + at, next + at, 1, now, r, first, ra_min(j->W - first, (int32_t)BLOCK)});
    }
}
