/* A look at every image of a set, for `ramus check`: whether its file can be decoded, what numbers it holds, and what tells whether two
 * of them are one picture.
 *   pixels  SHA-256 of size and numbers: equal for copies in any lossless format; three equal channels count as one
 *   hash    difference hashes: bit (i,j) of 16 x 16 says whether cell (i,j+1) of 16 x 17 is brighter than cell (i,j), or darker; the same
 *           of cells (i+1,j) and (i,j) of 17 x 16: so the hashes of the mirrored and the turned picture are known
 *   fine    64 x 64 cells less the mean of the 9 x 9 cells around each, scaled to -127..127: the fine structure, which angiograms and
 *           fundus pictures, all alike from afar, do not share
 * Two pictures are nearly the same where at most `distance` of the 256 bits differ and the fine structures correlate with at least
 * `alike`: a copy that was resized, compressed, made brighter, mirrored or turned, and hardly any other. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../base/thread.h"
#include "../file/hash.h"
#include "../codec/codec.h"
#include "field.h"

enum { SIDE = 64, BITS = 16, AROUND = 4, TURNS = 8, HASH = BITS * BITS / 8 };
enum { RIGHT_BRIGHTER, RIGHT_DARKER, BELOW_BRIGHTER, BELOW_DARKER };       /* the hashes of a look */
enum { COLUMNS_BACKWARDS = 1, ROWS_BACKWARDS = 2, EXCHANGED = 4 };         /* of a turn */

/* Sums over cells [rows,columns] of an image [H,W]; first[0..W]: the first cell of each column of pixels. */
typedef struct grid {
  int32_t rows, columns, H, W;
  double *sum;
  int32_t *first; /* [own] */
} grid;

static int32_t cell(int32_t i, int32_t cells, int32_t pixels) { return (int32_t)((int64_t)i * cells / pixels); }

static int32_t grid_begin(grid *g) {
  g->first = ra_mem_alloc((size_t)g->W + 1, sizeof *g->first);
  if (!g->first) return RA_ERR_MEMORY;
  for (int32_t x = 0; x <= g->W; x++) g->first[x] = cell(x, g->columns, g->W);
  return RA_OK;
}

/* Adds row y of pixels to the cells that it covers: each pixel to one, or to several where there are more cells than pixels. */
static void grid_add(const grid *g, int32_t y, const double *row) {
  int32_t from = cell(y, g->rows, g->H), to = g->H >= g->rows ? from + 1 : cell(y + 1, g->rows, g->H);
  for (int32_t i = from; i < to; i++) {
    double *sum = g->sum + i * g->columns;
    if (g->W >= g->columns)
      for (int32_t x = 0; x < g->W; x++) sum[g->first[x]] += row[x];
    else
      for (int32_t x = 0; x < g->W; x++)
        for (int32_t j = g->first[x]; j < g->first[x + 1]; j++) sum[j] += row[x];
  }
}

/* Pixels along one side in cell i, at least one. */
static double pixels_in(int32_t i, int32_t cells, int32_t pixels) {
  return pixels >= cells ? ceil((double)(i + 1) * pixels / cells) - ceil((double)i * pixels / cells) : 1;
}

/* Sums become means. */
static void grid_end(grid *g) {
  for (int32_t i = 0; i < g->rows; i++)
    for (int32_t j = 0; j < g->columns; j++)
      g->sum[i * g->columns + j] /= pixels_in(i, g->rows, g->H) * pixels_in(j, g->columns, g->W);
  ra_mem_free(g->first);
}

static bool bit_of(const unsigned char *hash, int32_t i, int32_t j) { return hash[(i * BITS + j) / 8] >> j % 8 & 1; }
static void set_bit(unsigned char *hash, int32_t i, int32_t j) { hash[(i * BITS + j) / 8] |= (unsigned char)(1 << j % 8); }

/* Differences between each cell of a grid and the one behind it in its row, or below it. */
static void hash_of(const grid *g, unsigned char *brighter, unsigned char *darker) {
  int32_t next = g->columns > BITS ? 1 : g->columns;
  for (int32_t i = 0; i < BITS; i++)
    for (int32_t j = 0; j < BITS; j++) {
      const double *v = g->sum + i * g->columns + j;
      if (v[next] > v[0]) set_bit(brighter, i, j);
      if (v[next] < v[0]) set_bit(darker, i, j);
    }
}

/* The mean of the cells around (i,j), edges repeated. */
static double around(const double *x, int32_t i, int32_t j) {
  double sum = 0;
  for (int32_t a = i - AROUND; a <= i + AROUND; a++)
    for (int32_t b = j - AROUND; b <= j + AROUND; b++) {
      int32_t y = a < 0 ? 0 : a >= SIDE ? SIDE - 1 : a, k = b < 0 ? 0 : b >= SIDE ? SIDE - 1 : b;
      sum += x[y * SIDE + k];
    }
  return sum / ((2 * AROUND + 1) * (2 * AROUND + 1));
}

static void fine_of(const double *mean, signed char *fine) {
  double x[SIDE * SIDE], sum = 0, largest = 0;
  for (int32_t i = 0; i < SIDE * SIDE; i++) sum += x[i] = mean[i] - around(mean, i / SIDE, i % SIDE);
  for (int32_t i = 0; i < SIDE * SIDE; i++) {
    x[i] -= sum / (SIDE * SIDE);
    largest = fmax(largest, fabs(x[i]));
  }
  for (int32_t i = 0; i < SIDE * SIDE; i++) fine[i] = largest > 0 ? (signed char)lrint(127 * x[i] / largest) : 0;
}

static bool is_grey(const ra_pixels *p) {
  size_t area = (size_t)p->height * (size_t)p->width, C = (size_t)p->channels;
  for (size_t i = 0; C > 1 && i < area; i++)
    for (size_t c = 1; c < C; c++)
      if (p->value ? p->value[c * area + i] != p->value[i] : p->sample[i * C + c] != p->sample[i * C]) return false;
  return true;
}

/* One row's numbers [W,C] and their grey values [W] (three channels: ITU-R BT.601, else the mean); what is not finite counts as 0. */
static void read_row(const ra_pixels *p, int32_t y, int32_t C, float *number, double *value, ra_look *out) {
  static const double luma[3] = {0.299, 0.587, 0.114};
  size_t W = (size_t)p->width;
  double low = out->low, high = out->high;
  for (size_t x = 0; x < W; x++) {
    double sum = 0;
    for (int32_t c = 0; c < C; c++) {
      double v = ra_pixels_number(p, (size_t)y * W + x, c + 1);
      number[x * (size_t)C + (size_t)c] = (float)v;
      if (!isfinite(v)) {
        out->odd++;
        continue;
      }
      low = v < low ? v : low;
      high = v > high ? v : high;
      sum += C == 3 ? luma[c] * v : v / C;
    }
    value[x] = sum;
  }
  out->low = low;
  out->high = high;
}

/* Reads all rows: into the digest and the grids. */
static int32_t read_rows(const ra_pixels *p, ra_hash hash, const grid g[3], ra_look *out) {
  int32_t C = out->grey ? 1 : p->channels, code = RA_OK;
  size_t W = (size_t)p->width;
  char head[64];
  float *number = ra_mem_alloc(W * (size_t)C, sizeof *number);
  double *value = ra_mem_alloc(W, sizeof *value);
  if (!number || !value) code = RA_ERR_MEMORY;
  if (code == RA_OK) code = ra_hash_add(hash, head, (size_t)snprintf(head, sizeof head, "%d %d %d ", C, p->height, p->width));
  for (int32_t y = 0; code == RA_OK && y < p->height; y++) {
    read_row(p, y, C, number, value, out);
    code = ra_hash_add(hash, number, W * (size_t)C * sizeof *number);
    for (int32_t i = 0; i < 3; i++) grid_add(&g[i], y, value);
  }
  ra_mem_free(number);
  ra_mem_free(value);
  return code;
}

/* Everything of decoded pixels. */
static int32_t look_at(const ra_pixels *p, ra_look *out) {
  double small[SIDE * SIDE] = {0}, few[2][BITS * (BITS + 1)] = {{0}};
  grid g[3] = {{SIDE, SIDE, p->height, p->width, small, NULL}, {BITS, BITS + 1, p->height, p->width, few[0], NULL},
               {BITS + 1, BITS, p->height, p->width, few[1], NULL}};
  ra_hash hash = NULL;
  out->low = INFINITY;
  out->high = -INFINITY;
  out->grey = is_grey(p);
  int32_t code = RA_OK;
  for (int32_t i = 0; code == RA_OK && i < 3; i++) code = grid_begin(&g[i]);
  if (code == RA_OK) code = ra_hash_begin(&hash);
  if (code == RA_OK) {
    code = read_rows(p, hash, g, out);
    int32_t ended = ra_hash_end(hash, out->pixels);
    if (code == RA_OK) code = ended;
  }
  for (int32_t i = 0; i < 3; i++) grid_end(&g[i]);
  if (code != RA_OK) return code;
  fine_of(small, out->fine);
  hash_of(&g[1], out->hash[RIGHT_BRIGHTER], out->hash[RIGHT_DARKER]);
  hash_of(&g[2], out->hash[BELOW_BRIGHTER], out->hash[BELOW_DARKER]);
  return RA_OK;
}

typedef struct survey_job {
  const ra_source *source;
  ra_look *out;
} survey_job;

static void look_one(void *context, int32_t i) {
  const survey_job *k = context;
  const ra_source *source = &k->source[i];
  ra_look *out = &k->out[i];
  ra_pixels p;
  *out = (ra_look){0};
  out->code = ra_source_pixels(source, &p);
  if (out->code == RA_OK) {
    out->details = p.details;
    out->details.channels = p.channels;
    out->details.height = p.height;
    out->details.width = p.width;
    out->details.bits = p.bits;
    out->code = look_at(&p, out);
    if (source->tensor) p.value = NULL;
    ra_pixels_free(&p);
  }
  if (out->code != RA_OK) (void)snprintf(out->message, sizeof out->message, "%s", ra_error());
}

int32_t ra_survey(int32_t count, const ra_source *source, ra_look *out) {
  if (count < 0) return ra_fail(RA_ERR_ARG, "ra_survey: wants 0 or more sources, got %d", count);
  survey_job k = {source, out};
  ra_parallel(count, look_one, &k);
  return RA_OK;
}

/* ---- pairs ---- */

/* The hash RIGHT_BRIGHTER of a picture that is turned: rows and columns exchanged, then either backwards. */
static void turned_hash(const ra_look *a, int32_t turn, unsigned char *out) {
  bool back = turn & COLUMNS_BACKWARDS; /* what was brighter on the right is darker there */
  const unsigned char *from = a->hash[turn & EXCHANGED ? (back ? BELOW_DARKER : BELOW_BRIGHTER) : back ? RIGHT_DARKER : RIGHT_BRIGHTER];
  memset(out, 0, HASH);
  for (int32_t i = 0; i < BITS; i++)
    for (int32_t j = 0; j < BITS; j++) {
      int32_t y = turn & ROWS_BACKWARDS ? BITS - 1 - i : i, x = back ? BITS - 1 - j : j;
      if (turn & EXCHANGED ? bit_of(from, x, y) : bit_of(from, y, x)) set_bit(out, i, j);
    }
}

static int32_t distance(const unsigned char *a, const unsigned char *b) {
  int32_t n = 0;
  for (size_t i = 0; i < HASH; i += sizeof(uint64_t)) {
    uint64_t x, y;
    memcpy(&x, a + i, sizeof x);
    memcpy(&y, b + i, sizeof y);
    n += __builtin_popcountll(x ^ y);
  }
  return n;
}

/* Sum of the products of the cells of a, turned, and of b. */
static double product(const signed char *a, int32_t turn, const signed char *b) {
  int32_t sum = 0; /* 4096 * 127 * 127 fits */
  for (int32_t i = 0; i < SIDE; i++)
    for (int32_t j = 0; j < SIDE; j++) {
      int32_t y = turn & ROWS_BACKWARDS ? SIDE - 1 - i : i, x = turn & COLUMNS_BACKWARDS ? SIDE - 1 - j : j;
      sum += a[turn & EXCHANGED ? x * SIDE + y : y * SIDE + x] * b[i * SIDE + j];
    }
  return sum;
}

typedef struct likeness {
  double value; /* correlation; -1: the hashes differ too much */
  int32_t turn;
} likeness;

/* The turn of a that is most like b. hash: those of a by turn; norms: of both, multiplied. */
static likeness most_alike(const ra_look *a, unsigned char hash[TURNS][HASH], const ra_look *b, int32_t bits, double norms) {
  likeness best = {-1, 0};
  for (int32_t t = 0; t < TURNS; t++) {
    if (distance(hash[t], b->hash[RIGHT_BRIGHTER]) > bits) continue;
    double r = product(a->fine, t, b->fine) / norms;
    if (r > best.value) best = (likeness){r, t};
  }
  return best;
}

int32_t ra_survey_alike(int32_t count, const ra_look *look, int32_t bits, double alike, int32_t most, int32_t *pair, double *value,
                        int32_t *turn) {
  double *norm = ra_mem_alloc((size_t)(count > 0 ? count : 0) + 1, sizeof *norm);
  unsigned char hash[TURNS][HASH];
  int32_t found = 0;
  if (!norm) return -1;
  for (int32_t i = 0; i < count; i++) norm[i] = look[i].code == RA_OK ? sqrt(product(look[i].fine, 0, look[i].fine)) : 0;
  for (int32_t i = 0; i < count; i++) {
    for (int32_t t = 0; norm[i] > 0 && t < TURNS; t++) turned_hash(&look[i], t, hash[t]);
    for (int32_t k = i + 1; norm[i] > 0 && k < count; k++) {
      if (!(norm[k] > 0)) continue;
      likeness best = most_alike(&look[i], hash, &look[k], bits, norm[i] * norm[k]);
      if (best.value < alike) continue;
      if (found < most) {
        pair[2 * found] = i;
        pair[2 * found + 1] = k;
        value[found] = best.value;
        turn[found] = best.turn;
      }
      found++;
    }
  }
  ra_mem_free(norm);
  return found;
}
