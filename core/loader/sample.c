/* Samples: decode, prepare (once, kept while the budget lasts), augment. */
#define _DEFAULT_SOURCE
#include "sample.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../tensor/tensor.h"
#include "field.h"

/* A prepared field. Most files have 8 bits: where every value is exactly q / 255, bytes are kept. */
typedef struct {
  int32_t rank, dim[3]; /* rank -1: the sample has no such field */
  uint8_t *byte;        /* either this or the next is set */
  ra_real *real;
} packed;

/* One field of one sample. */
typedef struct {
  ra_kept_source from;
  packed kept;
  bool reported;
  ra_mask_report report;
} part;

typedef struct {
  char *id;
  part *part;                    /* [fields] */
  bool ready;                    /* the packed fields are kept */
} item;

enum { SPARES = 16 };

struct ra_sample_set {
  int32_t fields, foreground;
  ra_field field[RA_FIELDS_MAX];
  char *name[RA_FIELDS_MAX];     /* owns the strings of field[].name */
  item *item;
  int32_t count, capacity;
  double budget;                 /* bytes that may still be kept */
  ra_augment prepare, augment;   /* copies: threads may outlive what Lua gave */
  bool has_prepare, has_augment;
  pthread_mutex_t lock;          /* guards budget, the items' kept fields and reports, and the spares */
  ra_augment_scratch *spare[SPARES];
  int32_t spares;
};

static ra_real level[256];
static pthread_once_t level_once = PTHREAD_ONCE_INIT;
static void make_level(void) {
  for (int q = 0; q < 256; q++) level[q] = (ra_real)q / (ra_real)255;
}

void ra_sample_clear(ra_sample *s) {
  for (int32_t f = 0; f < RA_FIELDS_MAX; f++) ra_tensor_release(s->field[f]);
  *s = (ra_sample){0};
}

/* ---- packing ---- */

static void packed_free(packed *p) {
  ra_mem_free(p->byte);
  ra_mem_free(p->real);
  *p = (packed){0};
}

static bool to_bytes(const ra_tensor *t, uint8_t *byte) {
  for (int32_t i = 0; i < t->size; i++) {
    ra_real v = t->data[i];
    if (!(v >= 0 && v <= 1)) return false;
    int q = (int)(v * 255 + (ra_real)0.5);
    if (level[q] != v) return false;
    byte[i] = (uint8_t)q;
  }
  return true;
}

/* Returns the bytes used; 0 where an allocation failed (then the sample is not kept). t NULL: nothing to keep. */
static double pack(const ra_tensor *t, packed *p) {
  *p = (packed){.rank = -1};
  if (!t) return 1;
  p->rank = t->rank;
  memcpy(p->dim, t->dim, sizeof p->dim);
  size_t n = (size_t)t->size;
  p->byte = ra_mem_alloc(n, 1);
  if (p->byte && to_bytes(t, p->byte)) return (double)n + 1;
  ra_mem_free(p->byte);
  p->byte = NULL;
  p->real = ra_mem_alloc(n, sizeof *p->real);
  if (!p->real) return 0;
  memcpy(p->real, t->data, n * sizeof *p->real);
  return (double)(n * sizeof *p->real) + 1;
}

static int32_t unpack(const packed *p, ra_tensor **out) {
  *out = NULL;
  if (p->rank < 0) return RA_OK;
  ra_tensor *t = ra_tensor_new(p->rank, p->dim);
  if (!t) return RA_ERR_MEMORY;
  if (p->real) memcpy(t->data, p->real, (size_t)t->size * sizeof(ra_real));
  else
    for (int32_t i = 0; i < t->size; i++) t->data[i] = level[p->byte[i]];
  *out = t;
  return RA_OK;
}

/* ---- the set ---- */

ra_sample_set *ra_sample_set_new(int32_t fields, const ra_field *field, double cache_bytes, const ra_augment *prepare,
                                 const ra_augment *augment) {
  pthread_once(&level_once, make_level);
  if (ra_fields_check(fields, field) != RA_OK) return NULL;
  ra_sample_set *set = ra_mem_zalloc(1, sizeof *set);
  if (!set) return NULL;
  pthread_mutex_init(&set->lock, NULL);
  set->fields = fields;
  set->foreground = ra_fields_foreground(fields, field);
  set->budget = cache_bytes;
  if ((set->has_prepare = prepare && prepare->count > 0)) set->prepare = *prepare;
  if ((set->has_augment = augment && (augment->count > 0 || augment->height > 0))) set->augment = *augment;
  for (int32_t f = 0; f < fields; f++) {
    set->field[f] = field[f];
    set->field[f].name = set->name[f] = ra_mem_strdup(field[f].name);
    if (set->name[f]) continue;
    ra_sample_set_free(set);
    return NULL;
  }
  return set;
}

static void item_free(const ra_sample_set *set, item *it) {
  for (int32_t f = 0; it->part && f < set->fields; f++) {
    ra_kept_source_free(&it->part[f].from);
    packed_free(&it->part[f].kept);
  }
  ra_mem_free(it->part);
  ra_mem_free(it->id);
}

void ra_sample_set_free(ra_sample_set *set) {
  if (!set) return;
  for (int32_t i = 0; i < set->count; i++) item_free(set, &set->item[i]);
  for (int32_t i = 0; i < set->spares; i++) ra_augment_scratch_release(set->spare[i]);
  for (int32_t f = 0; f < set->fields; f++) ra_mem_free(set->name[f]);
  ra_mem_free(set->item);
  pthread_mutex_destroy(&set->lock);
  ra_mem_free(set);
}

static int32_t grow(ra_sample_set *set) {
  if (set->count < set->capacity) return RA_OK;
  int32_t capacity = set->capacity ? 2 * set->capacity : 64;
  item *larger = ra_mem_realloc(set->item, (size_t)capacity, sizeof *larger);
  if (!larger) return RA_ERR_MEMORY;
  set->item = larger;
  set->capacity = capacity;
  return RA_OK;
}

int32_t ra_sample_set_add(ra_sample_set *set, const char *id, const ra_source *source) {
  if (!id || !source || (!source[0].path && !source[0].tensor)) return ra_fail(RA_ERR_ARG, "loader: a sample needs an id and an image");
  RA_TRY(grow(set));
  item it = {.id = ra_mem_strdup(id), .part = ra_mem_zalloc((size_t)set->fields, sizeof *it.part)};
  int32_t code = it.id && it.part ? RA_OK : RA_ERR_MEMORY;
  for (int32_t f = 0; code == RA_OK && f < set->fields; f++) code = ra_kept_source_set(&it.part[f].from, &source[f]);
  if (code != RA_OK) {
    item_free(set, &it);
    return code;
  }
  set->item[set->count++] = it;
  return RA_OK;
}

int32_t ra_sample_set_count(const ra_sample_set *set) { return set->count; }
const char *ra_sample_set_id(const ra_sample_set *set, int32_t index) { return set->item[index].id; }
int32_t ra_sample_set_fields(const ra_sample_set *set) { return set->fields; }
const ra_field *ra_sample_set_field(const ra_sample_set *set, int32_t f) { return &set->field[f]; }

/* ---- one sample ---- */

static int32_t same_size(const ra_field *field, const ra_tensor *image, const ra_tensor *plane, const char *path) {
  if (!plane || (plane->dim[1] == image->dim[1] && plane->dim[2] == image->dim[2])) return RA_OK;
  return ra_fail(RA_ERR_SHAPE, "the %s '%s' has %dx%d pixels, the image %dx%d", field->name, path ? path : "in memory", plane->dim[2],
                 plane->dim[1], image->dim[2], image->dim[1]);
}

static int32_t decode(ra_sample_set *set, item *it, ra_sample *s) {
  for (int32_t f = 0; f < set->fields; f++) {
    ra_mask_report report;
    part *p = &it->part[f];
    RA_TRY(ra_field_decode(&set->field[f], &p->from.source, &s->field[f], &report));
    RA_TRY(same_size(&set->field[f], s->field[0], s->field[f], p->from.path));
    if (!s->field[f] || set->field[f].kind != RA_FIELD_MASK) continue;
    pthread_mutex_lock(&set->lock);
    p->report = report;
    p->reported = true;
    pthread_mutex_unlock(&set->lock);
  }
  return RA_OK;
}

static void keep(ra_sample_set *set, item *it, const ra_sample *s) {
  packed kept[RA_FIELDS_MAX] = {0};
  double least = 0, bytes = 0;
  for (int32_t f = 0; f < set->fields; f++) least += s->field[f] ? s->field[f]->size : 0;
  pthread_mutex_lock(&set->lock);
  bool hopeless = it->ready || least > set->budget;
  pthread_mutex_unlock(&set->lock);
  if (hopeless) return;
  bool good = true;
  for (int32_t f = 0; good && f < set->fields; f++) {
    double n = pack(s->field[f], &kept[f]);
    good = n > 0;
    bytes += n;
  }
  pthread_mutex_lock(&set->lock);
  bool accepted = good && !it->ready && bytes <= set->budget;
  if (accepted) {
    for (int32_t f = 0; f < set->fields; f++) it->part[f].kept = kept[f];
    it->ready = true;
    set->budget -= bytes;
  }
  pthread_mutex_unlock(&set->lock);
  for (int32_t f = 0; !accepted && f < set->fields; f++) packed_free(&kept[f]);
}

/* Scratch for one call: a spare one, or a new one. */
static ra_augment_scratch *borrow_scratch(ra_sample_set *set) {
  ra_augment_scratch *s = NULL;
  pthread_mutex_lock(&set->lock);
  if (set->spares > 0) s = set->spare[--set->spares];
  pthread_mutex_unlock(&set->lock);
  return s ? s : ra_augment_scratch_new();
}

static void return_scratch(ra_sample_set *set, ra_augment_scratch *s) {
  pthread_mutex_lock(&set->lock);
  bool kept = set->spares < SPARES;
  if (kept) set->spare[set->spares++] = s;
  pthread_mutex_unlock(&set->lock);
  if (!kept) ra_augment_scratch_release(s);
}

static ra_sample_planes planes_of(const ra_sample_set *set, const ra_sample *s) {
  /* NOLINTNEXTLINE: a set has a first field, the image */
  ra_sample_planes p = {.count = set->fields, .foreground = set->foreground, .height = s->field[0]->dim[1],
                        .width = s->field[0]->dim[2]};
  for (int32_t f = 0; f < set->fields; f++) {
    const ra_field *a = &set->field[f];
    p.set[f] = (ra_plane_set){.data = s->field[f] ? s->field[f]->data : NULL, .kind = a->kind,
                              .channels = a->channels, .absent = a->absent, .outside = a->outside};
  }
  return p;
}

/* Applies a program to all fields together. An absent field stays absent, unless made: then its value for absence is warped too. */
static int32_t transform(ra_sample_set *set, const ra_augment *program, bool made, ra_sample *s, double seed, int32_t epoch,
                         int32_t occurrence) {
  int32_t dim[3] = {0};
  ra_sample to = {0};
  RA_TRY(ra_augment_size(program, s->field[0]->dim[1], s->field[0]->dim[2], &dim[1], &dim[2]));
  ra_augment_scratch *scratch = borrow_scratch(set);
  int32_t code = scratch ? RA_OK : RA_ERR_MEMORY;
  for (int32_t f = 0; code == RA_OK && f < set->fields; f++) {
    if (!s->field[f] && !(made && !isnan(set->field[f].absent))) continue;
    dim[0] = set->field[f].channels;
    if (!(to.field[f] = ra_tensor_new(3, dim))) code = ra_error_code();
  }
  if (code == RA_OK) {
    ra_sample_planes in = planes_of(set, s), out = planes_of(set, &to);
    code = ra_augment_apply(program, &in, &out, seed, epoch, occurrence, scratch);
  }
  if (scratch) return_scratch(set, scratch);
  if (code != RA_OK) {
    ra_sample_clear(&to);
    return code;
  }
  ra_sample_clear(s);
  *s = to;
  return RA_OK;
}

static int32_t prepared(ra_sample_set *set, item *it, ra_sample *s) {
  pthread_mutex_lock(&set->lock);
  bool ready = it->ready;
  pthread_mutex_unlock(&set->lock);
  for (int32_t f = 0; ready && f < set->fields; f++) RA_TRY(unpack(&it->part[f].kept, &s->field[f]));
  if (ready) return RA_OK;
  RA_TRY(decode(set, it, s));
  if (set->has_prepare) RA_TRY(transform(set, &set->prepare, false, s, 0, 0, 0));
  keep(set, it, s);
  return RA_OK;
}

int32_t ra_sample_make(ra_sample_set *set, int32_t index, double seed, int32_t epoch, int32_t occurrence, ra_sample *out) {
  item *it = &set->item[index];
  *out = (ra_sample){0};
  int32_t code = prepared(set, it, out);
  if (code == RA_OK && set->has_augment) code = transform(set, &set->augment, true, out, seed, epoch, occurrence);
  if (code == RA_OK) return RA_OK;
  ra_sample_clear(out);
  return ra_fail_in(code, "sample %s", it->id);
}

bool ra_sample_report(ra_sample_set *set, int32_t index, int32_t field, ra_mask_report *report) {
  if (index < 0 || index >= set->count || field < 0 || field >= set->fields) return false;
  const part *p = &set->item[index].part[field];
  pthread_mutex_lock(&set->lock);
  bool known = p->reported;
  if (known) *report = p->report;
  pthread_mutex_unlock(&set->lock);
  return known;
}

/* ---- one sample without a loader ---- */

static int32_t copy_fields(const ra_sample_set *set, const ra_sample *s, ra_tensor **out) {
  for (int32_t f = 0; f < set->fields; f++) {
    int32_t dim[3] = {set->field[f].channels, s->field[0]->dim[1], s->field[0]->dim[2]};
    if (s->field[f]) out[f] = ra_tensor_clone(s->field[f]);
    else if (isnan(set->field[f].absent)) continue;
    else if ((out[f] = ra_tensor_new(3, dim))) (void)ra_tensor_fill(out[f], set->field[f].absent);
    if (!out[f]) return RA_ERR_MEMORY;
  }
  return RA_OK;
}

/* Names the sample in the message; a file that is its own sample is named once. */
static int32_t failed(int32_t code, const item *it) {
  const char *path = it->part[0].from.path;
  if (!path || strcmp(path, it->id) != 0) return ra_fail_in(code, "sample %s", it->id);
  return strncmp(ra_error(), path, strlen(path)) == 0 ? code : ra_fail_in(code, "%s", path);
}

static int32_t load_one(ra_sample_set *set, ra_tensor **native, ra_tensor **prepared_out, ra_mask_report *report) {
  ra_sample s = {0};
  int32_t code = decode(set, &set->item[0], &s);
  if (code == RA_OK && native) code = copy_fields(set, &s, native);
  if (code == RA_OK && prepared_out && set->has_prepare) code = transform(set, &set->prepare, false, &s, 0, 0, 0);
  if (code == RA_OK && prepared_out) code = copy_fields(set, &s, prepared_out);
  for (int32_t f = 0; code == RA_OK && report && f < set->fields; f++)
    if (set->item[0].part[f].reported) report[f] = set->item[0].part[f].report;
  ra_sample_clear(&s);
  return code == RA_OK ? code : failed(code, &set->item[0]);
}

int32_t ra_sample_load(int32_t fields, const ra_field *field, const char *id, const ra_source *source, const ra_augment *prepare,
                       ra_tensor **native, ra_tensor **prepared_out, ra_mask_report *report) {
  if (prepare) RA_TRY(ra_augment_check(prepare));
  RA_TRY(ra_fields_check(fields, field));
  for (int32_t f = 0; f < fields; f++) {
    if (native) native[f] = NULL;
    if (prepared_out) prepared_out[f] = NULL;
  }
  ra_sample_set *set = ra_sample_set_new(fields, field, 0, prepare, NULL);
  int32_t code = set ? ra_sample_set_add(set, id, source) : RA_ERR_MEMORY;
  if (code == RA_OK) code = load_one(set, native, prepared_out, report);
  ra_sample_set_free(set);
  for (int32_t f = 0; code != RA_OK && f < fields; f++) {
    ra_tensor **lists[2] = {native, prepared_out};
    for (int k = 0; k < 2; k++) {
      if (!lists[k]) continue;
      ra_tensor_release(lists[k][f]);
      lists[k][f] = NULL;
    }
  }
  return code;
}
