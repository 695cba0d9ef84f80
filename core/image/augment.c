/* Augmentation: a program of steps over all fields of a sample together.
 *   out [C,h,w] of every field <- in [C,H,W]
 * A resize (first, where there is one), then all geometric steps and the crop
 * as one warp (one interpolation), then the steps on grey values in their
 * order, then clamped to 0..1. Every random number is a function of (seed,
 * epoch, sample, kind of step, draw) and nothing else, so any thread may make any
 * sample. */
#include <math.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "augment.h"
#include "kind.h"

struct ra_augment_scratch {
  ra_real *block;
  size_t capacity; /* values in block */
};

ra_augment_scratch *ra_augment_scratch_new(void) { return ra_mem_zalloc(1, sizeof(ra_augment_scratch)); }

void ra_augment_scratch_release(ra_augment_scratch *s) {
  if (!s) return;
  ra_mem_free(s->block);
  ra_mem_free(s);
}

ra_real *ra_augment_reserve(ra_augment_scratch *s, size_t n) {
  if (s->capacity >= n) return s->block;
  ra_real *larger = ra_mem_alloc(n, sizeof *larger);
  if (!larger) return NULL;
  ra_mem_free(s->block);
  s->block = larger;
  s->capacity = n;
  return larger;
}

int32_t ra_augment_number(const ra_augment *program, int32_t step) {
  int32_t kind = program->step[step].kind, earlier = 0;
  for (int32_t i = 0; i < step; i++) earlier += program->step[i].kind == kind;
  return kind < 16 ? kind + 16 * earlier : 400 + RA_AUGMENT_STEPS * (kind - 16) + earlier;
}

double ra_augment_draw(const ra_random_key *key, int32_t number, int32_t draw, double low, double high) {
  return low + (high - low) * ra_random_uniform_at(key, (uint64_t)number * 4096 + (uint64_t)draw);
}

uint64_t ra_augment_many(int32_t number) { return (uint64_t)(number + 1) << 32; }

bool ra_augment_acts(const ra_augment *program, int32_t step, const ra_random_key *key) {
  double probability = program->step[step].probability;
  return probability >= 1 || ra_augment_draw(key, ra_augment_number(program, step), 0, 0, 1) < probability;
}

/* ---- the kinds ---- */

static const ra_augment_row resize_row = {
  {RA_AUGMENT_RESIZE, RA_STEP_PAIR, RA_EXPAND_NONE, true, "size", "resize to side, or { height, width }", " pixels",
   {1, 1}, {1 << 20, 1 << 20}, {"height", "width"}, {0, 0}}, NULL, NULL};

static const ra_augment_row *row_at(int32_t i) {
  if (i == 0) return &resize_row;
  i -= 1;
  if (i >= 0 && i < ra_augment_space_count) return &ra_augment_space_rows[i];
  i -= ra_augment_space_count;
  return i >= 0 && i < ra_augment_tone_count ? &ra_augment_tone_rows[i] : NULL;
}

const ra_augment_kind *ra_augment_kind_at(int32_t i) {
  const ra_augment_row *row = row_at(i);
  return row ? &row->about : NULL;
}

const ra_augment_row *ra_augment_row_of(int32_t kind) {
  const ra_augment_row *row;
  for (int32_t i = 0; (row = row_at(i)); i++)
    if (row->about.kind == kind) return row;
  return NULL;
}

bool ra_augment_is_space(int32_t kind) {
  for (int32_t i = 0; i < ra_augment_space_count; i++)
    if (ra_augment_space_rows[i].about.kind == kind) return true;
  return false;
}

static int32_t check_step(const ra_augment_step *s, int32_t number) {
  const ra_augment_row *row = ra_augment_row_of(s->kind);
  if (!row) return ra_fail(RA_ERR_ARG, "augment: step %d has the unknown kind %d", number, s->kind);
  const ra_augment_kind *k = &row->about;
  const double value[2] = {s->a, s->b};
  for (int i = 0; i < 2 && k->form != RA_STEP_FLAG; i++) {
    if (value[i] >= k->low[i] && value[i] <= k->high[i]) continue;
    if (k->form == RA_STEP_PAIR)
      return ra_fail(RA_ERR_ARG, "augment: %s wants %s of %g to %g, given %g", k->name, k->label[i], k->low[i], k->high[i], value[i]);
    return ra_fail(RA_ERR_ARG, "augment: %s wants values of %g to %g, given %g and %g", k->name, k->low[0], k->high[0], s->a, s->b);
  }
  if (!(s->probability >= 0 && s->probability <= 1))
    return ra_fail(RA_ERR_ARG, "augment: the probability of %s is 0 to 1, given %g", k->name, s->probability);
  if (s->kind == RA_AUGMENT_CLAHE && s->a != floor(s->a))
    return ra_fail(RA_ERR_ARG, "augment: clahe wants a whole number of tiles, given %g", s->a);
  if (s->kind == RA_AUGMENT_ELASTIC && s->a > s->b)
    return ra_fail(RA_ERR_ARG, "augment: elastic wants alpha of 0 to sigma (%g), else the image folds; given %g", s->b, s->a);
  if (s->kind == RA_AUGMENT_RESIZE && number != 0) return ra_fail(RA_ERR_ARG, "augment: resize must be the first step");
  return RA_OK;
}

static int32_t check_mix(const char *name, const ra_mix *m) {
  if (m->alpha == 0 && m->probability == 0) return RA_OK;
  if (!(m->alpha >= 0.05 && m->alpha <= 1)) return ra_fail(RA_ERR_ARG, "augment: %s: alpha is 0.05 to 1, given %g", name, m->alpha);
  if (!(m->probability >= 0 && m->probability <= 1))
    return ra_fail(RA_ERR_ARG, "augment: %s: probability is 0 to 1, given %g", name, m->probability);
  return RA_OK;
}

int32_t ra_augment_check(const ra_augment *program) {
  if (program->count < 0 || program->count > RA_AUGMENT_STEPS)
    return ra_fail(RA_ERR_ARG, "augment: a program has at most %d steps, given %d", RA_AUGMENT_STEPS, program->count);
  for (int32_t i = 0; i < program->count; i++) RA_TRY(check_step(&program->step[i], i));
  if (program->height < 0 || program->width < 0 || (program->height == 0) != (program->width == 0))
    return ra_fail(RA_ERR_ARG, "augment: the crop is height x width, or 0 x 0 for none; given %d x %d", program->height,
                   program->width);
  if (!(program->foreground_share >= 0 && program->foreground_share <= 1))
    return ra_fail(RA_ERR_ARG, "augment: foreground_share is 0 to 1, given %g", program->foreground_share);
  RA_TRY(check_mix("mixup", &program->mixup));
  RA_TRY(check_mix("cutmix", &program->cutmix));
  if (program->mixup.probability + program->cutmix.probability > 1 + 1e-9)
    return ra_fail(RA_ERR_ARG, "augment: a batch is mixed by mixup or by cutmix, and their probabilities, %g and %g, add to more than 1; "
                   "write mixup = { alpha, probability = 0.5 }", program->mixup.probability, program->cutmix.probability);
  if (program->border < 0 || program->border >= RA_BORDER_COUNT)
    return ra_fail(RA_ERR_ARG, "augment: unknown border %d", program->border);
  return RA_OK;
}

static const ra_augment_step *resize_of(const ra_augment *program) {
  return program->count > 0 && program->step[0].kind == RA_AUGMENT_RESIZE ? &program->step[0] : NULL;
}

int32_t ra_augment_size(const ra_augment *program, int32_t height, int32_t width, int32_t *out_height, int32_t *out_width) {
  RA_TRY(ra_augment_check(program));
  const ra_augment_step *resize = resize_of(program);
  *out_height = program->height > 0 ? program->height : resize ? (int32_t)resize->a : height;
  *out_width = program->width > 0 ? program->width : resize ? (int32_t)resize->b : width;
  return RA_OK;
}

/* One field at another size in a new tensor. */
static ra_tensor *resized(const ra_sample_planes *in, const ra_plane_set *set, const ra_augment_step *resize) {
  int32_t dim[3] = {set->channels, in->height, in->width};
  const ra_field_kind *kind = &ra_field_kinds[set->kind];
  ra_tensor *whole = ra_tensor_new(3, dim);
  if (!whole) return NULL;
  memcpy(whole->data, set->data, (size_t)whole->size * sizeof *set->data);
  ra_tensor *out = ra_image_resize(whole, (int32_t)resize->a, (int32_t)resize->b, kind->resize);
  ra_tensor_release(whole);
  if (out && kind->binary) ra_plane_binary((size_t)out->size, out->data);
  return out;
}

static int32_t check_planes(const ra_sample_planes *in, const ra_sample_planes *out, int32_t h, int32_t w) {
  if (in->count < 1 || in->count > RA_FIELDS_MAX || out->count != in->count || in->foreground >= in->count)
    return ra_fail(RA_ERR_ARG, "augment: wants 1 to %d fields in and as many out, given %d and %d", RA_FIELDS_MAX, in->count,
                   out->count);
  if (in->height < 1 || in->width < 1 || !in->set[0].data || !out->set[0].data)
    return ra_fail(RA_ERR_ARG, "augment: the image is empty");
  for (int32_t f = 0; f < in->count; f++) {
    const ra_plane_set *a = &in->set[f], *b = &out->set[f];
    if (a->kind < 0 || a->kind >= RA_FIELD_KINDS || a->channels < 1 || b->kind != a->kind)
      return ra_fail(RA_ERR_ARG, "augment: field %d has kind %d and %d channels, its result kind %d", f, a->kind, a->channels, b->kind);
    if (out->height != h || out->width != w || b->channels != a->channels)
      return ra_fail(RA_ERR_SHAPE, "augment: the result of field %d is [%d,%d,%d], the buffer [%d,%d,%d]", f, a->channels, h, w,
                     b->channels, out->height, out->width);
  }
  return RA_OK;
}

static int32_t apply(const ra_augment *program, const ra_sample_planes *in, const ra_sample_planes *out,
                     const ra_random_key *key, ra_augment_scratch *s) {
  RA_TRY(ra_augment_space(program, in, out, key, s));
  return ra_augment_tone(program, out, key, s);
}

int32_t ra_augment_apply(const ra_augment *program, const ra_sample_planes *in, const ra_sample_planes *out, double seed,
                         int32_t epoch, int32_t sample, ra_augment_scratch *scratch) {
  int32_t h, w;
  RA_TRY(ra_augment_size(program, in->height, in->width, &h, &w));
  RA_TRY(check_planes(in, out, h, w));
  ra_random_key key = {.seed = (uint64_t)(int64_t)seed, .a = (uint32_t)epoch, .b = (uint32_t)sample,
                       .stream = RA_RANDOM_AUGMENT};
  const ra_augment_step *resize = resize_of(program);
  if (!resize) return apply(program, in, out, &key, scratch);
  ra_tensor *held[RA_FIELDS_MAX] = {0};
  ra_sample_planes middle = *in;
  middle.height = (int32_t)resize->a;
  middle.width = (int32_t)resize->b;
  int32_t code = RA_OK;
  for (int32_t f = 0; code == RA_OK && f < in->count; f++) {
    if (!in->set[f].data) continue;
    held[f] = resized(in, &in->set[f], resize);
    if (!held[f]) code = RA_ERR_MEMORY;
    else middle.set[f].data = held[f]->data;
  }
  if (code == RA_OK) code = apply(program, &middle, out, &key, scratch);
  for (int32_t f = 0; f < in->count; f++) ra_tensor_release(held[f]);
  return code;
}
