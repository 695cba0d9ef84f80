#define _DEFAULT_SOURCE
#include "sample.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../tensor/tensor.h"

/* A prepared plane set. Most pictures have 8 bits: where every value is exactly q / 255, bytes are kept. */
typedef struct {
  int32_t rank, dim[3];
  uint8_t *byte;  /* one of these two */
  ra_real *real;
} packed;

typedef struct {
  char *id, *image, *mask, *fov; /* mask and fov [opt] */
  double threshold;
  bool ready;                    /* the packed parts are kept */
  bool reported;
  packed x, y, f;
  ra_mask_report report;
} item;

enum { SPARES = 16 };

struct ra_sample_set {
  item *item;
  int32_t count, room, channels;
  double budget;                 /* bytes that may still be kept */
  ra_augment prepare, augment;   /* copies: threads may outlive what Lua gave */
  bool has_prepare, has_augment;
  pthread_mutex_t lock;          /* over budget, the items' kept parts and the spares */
  ra_augment_scratch *spare[SPARES];
  int32_t spares;
};

static ra_real level[256];
static pthread_once_t level_once = PTHREAD_ONCE_INIT;
static void make_level(void) {
  for (int q = 0; q < 256; q++) level[q] = (ra_real)q / (ra_real)255;
}

void ra_sample_clear(ra_sample *s) {
  ra_tensor_release(s->x);
  ra_tensor_release(s->y);
  ra_tensor_release(s->fov);
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

/* Bytes used; 0 where memory failed (then the sample is just not kept). t NULL: nothing to keep. */
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

ra_sample_set *ra_sample_set_new(int32_t channels, double cache_bytes, const ra_augment *prepare, const ra_augment *augment) {
  pthread_once(&level_once, make_level);
  ra_sample_set *set = ra_mem_zalloc(1, sizeof *set);
  if (!set) return NULL;
  set->channels = channels;
  set->budget = cache_bytes;
  if ((set->has_prepare = prepare && prepare->count > 0)) set->prepare = *prepare;
  if ((set->has_augment = augment && (augment->count > 0 || augment->height > 0))) set->augment = *augment;
  pthread_mutex_init(&set->lock, NULL);
  return set;
}

static void item_free(item *it) {
  ra_mem_free(it->id);
  ra_mem_free(it->image);
  ra_mem_free(it->mask);
  ra_mem_free(it->fov);
  packed_free(&it->x);
  packed_free(&it->y);
  packed_free(&it->f);
}

void ra_sample_set_free(ra_sample_set *set) {
  if (!set) return;
  for (int32_t i = 0; i < set->count; i++) item_free(&set->item[i]);
  for (int32_t i = 0; i < set->spares; i++) ra_augment_scratch_release(set->spare[i]);
  ra_mem_free(set->item);
  pthread_mutex_destroy(&set->lock);
  ra_mem_free(set);
}

int32_t ra_sample_set_add(ra_sample_set *set, const char *id, const char *image, const char *mask, const char *fov,
                          double threshold) {
  if (!id || !image) return ra_fail(RA_ERR_ARG, "loader: a sample needs an id and the path of a picture");
  if (set->count == set->room) {
    int32_t room = set->room ? 2 * set->room : 64;
    item *larger = ra_mem_realloc(set->item, (size_t)room, sizeof *larger);
    if (!larger) return RA_ERR_MEMORY;
    set->item = larger;
    set->room = room;
  }
  item it = {.id = ra_mem_strdup(id), .image = ra_mem_strdup(image), .mask = mask ? ra_mem_strdup(mask) : NULL,
             .fov = fov ? ra_mem_strdup(fov) : NULL, .threshold = threshold};
  if (!it.id || !it.image || (mask && !it.mask) || (fov && !it.fov)) {
    item_free(&it);
    return RA_ERR_MEMORY;
  }
  set->item[set->count++] = it;
  return RA_OK;
}

int32_t ra_sample_set_count(const ra_sample_set *set) { return set->count; }
const char *ra_sample_set_id(const ra_sample_set *set, int32_t index) { return set->item[index].id; }

/* ---- one sample ---- */

/* [C,H,W] with the wanted number of channels: grey is repeated, colours become luma (ITU-R BT.601). */
static int32_t with_channels(ra_tensor **image, int32_t channels) {
  ra_tensor *from = *image;
  if (from->dim[0] == channels) return RA_OK;
  if (from->dim[0] != 1 && !(from->dim[0] == 3 && channels == 1))
    return ra_fail(RA_ERR_SHAPE, "the picture has %d channels, wanted %d", from->dim[0], channels);
  int32_t dim[3] = {channels, from->dim[1], from->dim[2]};
  ra_tensor *to = ra_tensor_new(3, dim);
  if (!to) return RA_ERR_MEMORY;
  int32_t area = dim[1] * dim[2];
  if (channels == 1) {
    const ra_real *r = from->data, *g = r + area, *b = g + area;
    bool grey = memcmp(r, g, (size_t)area * sizeof *r) == 0 && memcmp(r, b, (size_t)area * sizeof *r) == 0;
    for (int32_t i = 0; i < area; i++)
      to->data[i] = grey ? r[i] : (ra_real)(0.299 * (double)r[i] + 0.587 * (double)g[i] + 0.114 * (double)b[i]);
  } else {
    for (int32_t c = 0; c < channels; c++) memcpy(to->data + c * area, from->data, (size_t)area * sizeof(ra_real));
  }
  ra_tensor_release(from);
  *image = to;
  return RA_OK;
}

static int32_t same_size(const ra_tensor *image, const ra_tensor *plane, const char *what, const char *path) {
  if (!plane || (plane->dim[0] == image->dim[1] && plane->dim[1] == image->dim[2])) return RA_OK;
  return ra_fail(RA_ERR_SHAPE, "the %s '%s' has %dx%d pixels, the picture %dx%d", what, path, plane->dim[1], plane->dim[0],
                 image->dim[2], image->dim[1]);
}

static int32_t decode(const ra_sample_set *set, const item *it, ra_sample *s, ra_mask_report *report) {
  if (!(s->x = ra_image_load(it->image))) return RA_ERR_IO;
  if (s->x->rank != 3) return ra_fail(RA_ERR_SHAPE, "'%s' is not a picture of shape [C,H,W]", it->image);
  RA_TRY(with_channels(&s->x, set->channels));
  if (it->mask && !(s->y = ra_mask_load(it->mask, it->threshold, report))) return RA_ERR_IO;
  if (it->fov && !(s->fov = ra_mask_load(it->fov, 128, NULL))) return RA_ERR_IO;
  RA_TRY(same_size(s->x, s->y, "mask", it->mask));
  return same_size(s->x, s->fov, "field of view", it->fov);
}

static void keep(ra_sample_set *set, item *it, const ra_sample *s) {
  packed x, y, f;
  double least = s->x->size + (s->y ? s->y->size : 0) + (s->fov ? s->fov->size : 0);
  pthread_mutex_lock(&set->lock);
  bool hopeless = it->ready || least > set->budget;
  pthread_mutex_unlock(&set->lock);
  if (hopeless) return;
  double nx = pack(s->x, &x), ny = pack(s->y, &y), nf = pack(s->fov, &f), bytes = nx + ny + nf;
  pthread_mutex_lock(&set->lock);
  bool take = nx > 0 && ny > 0 && nf > 0 && !it->ready && bytes <= set->budget;
  if (take) {
    it->x = x;
    it->y = y;
    it->f = f;
    it->ready = true;
    set->budget -= bytes;
  }
  pthread_mutex_unlock(&set->lock);
  if (take) return;
  packed_free(&x);
  packed_free(&y);
  packed_free(&f);
}

/* Scratch for one call: a spare one, or a new one. */
static ra_augment_scratch *take_scratch(ra_sample_set *set) {
  ra_augment_scratch *s = NULL;
  pthread_mutex_lock(&set->lock);
  if (set->spares > 0) s = set->spare[--set->spares];
  pthread_mutex_unlock(&set->lock);
  return s ? s : ra_augment_scratch_new();
}

static void give_scratch(ra_sample_set *set, ra_augment_scratch *s) {
  pthread_mutex_lock(&set->lock);
  bool keep_it = set->spares < SPARES;
  if (keep_it) set->spare[set->spares++] = s;
  pthread_mutex_unlock(&set->lock);
  if (!keep_it) ra_augment_scratch_release(s);
}

static ra_real *data_of(const ra_tensor *t) { return t ? t->data : NULL; }

/* A program of core/image over picture, mask and field of view together. A field of view that was not known stays so. */
static int32_t augmented(ra_sample_set *set, const ra_augment *program, ra_sample *s, double seed, int32_t epoch,
                         int32_t occurrence) {
  int32_t dim[3] = {s->x->dim[0]};
  RA_TRY(ra_augment_size(program, s->x->dim[1], s->x->dim[2], &dim[1], &dim[2]));
  ra_sample to = {.x = ra_tensor_new(3, dim), .y = s->y ? ra_tensor_new(2, dim + 1) : NULL,
                  .fov = s->fov ? ra_tensor_new(2, dim + 1) : NULL};
  ra_augment_scratch *scratch = take_scratch(set);
  int32_t code = RA_ERR_MEMORY;
  if (scratch && to.x && (to.y || !s->y) && (to.fov || !s->fov)) {
    ra_picture in = {.image = s->x->data, .mask = data_of(s->y), .fov = data_of(s->fov), .channels = dim[0],
                     .height = s->x->dim[1], .width = s->x->dim[2]};
    ra_picture out = {.image = to.x->data, .mask = data_of(to.y), .fov = data_of(to.fov), .channels = dim[0],
                      .height = dim[1], .width = dim[2]};
    code = ra_augment_apply(program, &in, &out, seed, epoch, occurrence, scratch);
  }
  if (scratch) give_scratch(set, scratch);
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
  if (ready) {
    RA_TRY(unpack(&it->x, &s->x));
    RA_TRY(unpack(&it->y, &s->y));
    return unpack(&it->f, &s->fov);
  }
  ra_mask_report report;
  RA_TRY(decode(set, it, s, &report));
  if (it->mask) {
    pthread_mutex_lock(&set->lock);
    it->report = report;
    it->reported = true;
    pthread_mutex_unlock(&set->lock);
  }
  if (set->has_prepare) RA_TRY(augmented(set, &set->prepare, s, 0, 0, 0));
  keep(set, it, s);
  return RA_OK;
}

int32_t ra_sample_make(ra_sample_set *set, int32_t index, double seed, int32_t epoch, int32_t occurrence, ra_sample *out) {
  item *it = &set->item[index];
  *out = (ra_sample){0};
  int32_t code = prepared(set, it, out);
  if (code == RA_OK && set->has_augment) code = augmented(set, &set->augment, out, seed, epoch, occurrence);
  if (code == RA_OK) return RA_OK;
  ra_sample_clear(out);
  return ra_fail_in(code, "sample %s", it->id);
}

bool ra_sample_report(ra_sample_set *set, int32_t index, ra_mask_report *report) {
  if (index < 0 || index >= set->count) return false;
  pthread_mutex_lock(&set->lock);
  bool known = set->item[index].reported;
  if (known) *report = set->item[index].report;
  pthread_mutex_unlock(&set->lock);
  return known;
}
