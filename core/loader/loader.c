/* The loader: batches [B,C,H,W] of the fields of a sample set, which its own
 * threads make ahead of their use.
 *
 * Which samples a batch holds is a function of (seed, epoch, step), and how each
 * is augmented one of (seed, epoch, occurrence), occurrence = pass * n + sample:
 * so the bits of a batch depend neither on the number of threads nor on where
 * the loader was started. An epoch is one pass over the set, or `steps` batches,
 * which may be less than one pass or several; every pass has its own shuffle. Images of a batch are mixed (mix.h) as it is copied out.
 *
 * Workers make single samples, in order; a ring of `depth` batches holds them
 * until ra_loader_next copies the oldest batch out. */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../base/thread.h"
#include "../tensor/tensor.h"
#include "field.h"
#include "mix.h"
#include "order.h"
#include "sample.h"

enum { NICE = 5 };

typedef struct {
  int32_t index, occurrence;
  int32_t code;              /* RA_OK, or the error in making it */
  char *message;             /* [opt] where code != RA_OK */
  ra_sample sample;
} slot;

typedef struct {
  int32_t epoch, step, count; /* samples in it */
  int32_t taken, made;        /* slots given to workers, slots that are ready */
  slot *slot;                 /* [batch] */
} work;

struct ra_loader {
  ra_loader_config config;
  ra_sample_set *set;
  pthread_mutex_t lock;
  pthread_cond_t may_work, is_made;
  bool running, stopping;
  pthread_t thread[RA_LOADER_THREADS];
  int32_t thread_count;
  work *ring;                 /* [depth] */
  int64_t head, fill;         /* batches handed out, batches opened for work; batch k is ring[k % depth] */
  int32_t epoch, step;        /* of the next batch to open */
  ra_loader_part part;
  int32_t *order;             /* [n] the shuffle of (order_epoch, order_pass) */
  int32_t order_epoch, order_pass;
  ra_augment mixing;          /* of which mixup and cutmix count */
  int32_t *partner;           /* [batch] */
  double waited;
};

/* ---- the order ---- */

static void make_order(ra_loader *l, int32_t epoch, int32_t pass) {
  if (l->order_epoch == epoch && l->order_pass == pass) return;
  int32_t n = ra_sample_set_count(l->set);
  for (int32_t i = 0; i < n; i++) l->order[i] = i;
  if (l->config.shuffle) ra_shuffle(l->config.seed, epoch, pass, n, l->order);
  l->order_epoch = epoch;
  l->order_pass = pass;
}

int32_t ra_loader_steps(const ra_loader *l) {
  int32_t n = ra_sample_set_count(l->set), batch = l->config.batch;
  if (l->config.steps > 0) return l->config.steps;
  return l->config.drop_last ? n / batch : (n + batch - 1) / batch;
}

static bool at_end(const ra_loader *l) { return l->config.epochs > 0 && l->epoch >= l->config.epochs; }

static void advance(ra_loader *l) {
  if (++l->step < ra_loader_steps(l)) return;
  l->step = 0;
  l->epoch++;
}

/* Opens the next batch: decides its samples. The lock is held. */
static void open_batch(ra_loader *l) {
  work *w = &l->ring[l->fill % l->config.depth];
  int32_t n = ra_sample_set_count(l->set), batch = l->config.batch;
  int64_t first = (int64_t)l->step * batch;
  w->epoch = l->epoch;
  w->step = l->step;
  w->taken = w->made = 0;
  w->count = l->config.steps > 0 || first + batch <= n ? batch : (int32_t)(n - first);
  for (int32_t i = 0; i < w->count; i++) {
    int32_t pass = (int32_t)((first + i) / n);
    make_order(l, l->epoch, pass);
    slot *s = &w->slot[i];
    s->index = l->order[(first + i) % n];
    s->occurrence = pass * n + s->index;
  }
  l->fill++;
  advance(l);
}

/* ---- the workers ---- */

/* The next slot to make, or NULL: nothing to do now. The lock is held. */
static slot *take_slot(ra_loader *l, work **from) {
  for (int64_t k = l->head;; k++) {
    if (k == l->fill) {
      if (k - l->head >= l->config.depth) return NULL;
      while (!at_end(l) && !ra_loader_part_has(&l->part, l->epoch, l->step, ra_loader_steps(l))) advance(l);
      if (at_end(l)) return NULL;
      open_batch(l);
    }
    work *w = &l->ring[k % l->config.depth];
    if (w->taken == w->count) continue;
    *from = w;
    return &w->slot[w->taken++];
  }
}

static void *worker(void *context) {
  ra_loader *l = context;
  ra_thread_alone(true);
  (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* computing has priority */
  pthread_mutex_lock(&l->lock);
  while (!l->stopping) {
    work *w = NULL;
    slot *s = take_slot(l, &w);
    if (!s) {
      pthread_cond_wait(&l->may_work, &l->lock);
      continue;
    }
    int32_t index = s->index, occurrence = s->occurrence, epoch = w->epoch;
    pthread_mutex_unlock(&l->lock);
    ra_sample sample;
    int32_t code = ra_sample_make(l->set, index, l->config.seed, epoch, occurrence, &sample);
    char *message = code == RA_OK ? NULL : ra_mem_strdup(ra_error());
    pthread_mutex_lock(&l->lock);
    s->code = code;
    s->message = message;
    s->sample = sample;
    if (++w->made == w->count) pthread_cond_broadcast(&l->is_made);
  }
  pthread_mutex_unlock(&l->lock);
  return NULL;
}

static void clear_work(work *w) {
  for (int32_t i = 0; i < w->made || i < w->taken; i++) {
    ra_sample_clear(&w->slot[i].sample);
    ra_mem_free(w->slot[i].message);
    w->slot[i].message = NULL;
    w->slot[i].code = RA_OK;
  }
  w->count = w->taken = w->made = 0;
}

void ra_loader_stop(ra_loader *l) {
  if (!l || !l->running) return;
  pthread_mutex_lock(&l->lock);
  l->stopping = true;
  pthread_cond_broadcast(&l->may_work);
  pthread_mutex_unlock(&l->lock);
  for (int32_t i = 0; i < l->thread_count; i++) pthread_join(l->thread[i], NULL);
  for (int32_t i = 0; i < l->config.depth; i++) clear_work(&l->ring[i]);
  l->thread_count = 0;
  l->running = l->stopping = false;
  l->head = l->fill = 0;
}

/* Signals belong to the main thread: workers start with all of them blocked. */
static int32_t start_threads(ra_loader *l) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int bad = 0;
  while (l->thread_count < l->config.threads && !bad) {
    bad = pthread_create(&l->thread[l->thread_count], NULL, worker, l);
    if (!bad) l->thread_count++;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (l->thread_count > 0) return RA_OK; /* fewer threads make the same batches */
  return ra_fail(RA_ERR_MEMORY, "loader: no thread could be started: %s", strerror(bad));
}

int32_t ra_loader_share(ra_loader *l, int32_t group, int32_t ranks, int32_t rank) {
  int32_t most = group < ra_loader_steps(l) ? group : ra_loader_steps(l);
  if (l->running) return ra_fail(RA_ERR_STATE, "loader: it is shared before it starts");
  if (rank < 0 || rank >= ranks || ranks > most)
    return ra_fail(RA_ERR_ARG, "loader: rank %d of %d ranks; a step has %d batches to share", rank, ranks, most);
  l->part = (ra_loader_part){.group = group, .ranks = ranks, .rank = rank};
  return RA_OK;
}

int32_t ra_loader_start(ra_loader *l, int32_t epoch, int32_t step) {
  ra_loader_stop(l);
  int32_t n = ra_sample_set_count(l->set), steps = ra_loader_steps(l);
  if (n == 0) return ra_fail(RA_ERR_STATE, "loader: it has no samples");
  if (steps == 0) return ra_fail(RA_ERR_ARG, "loader: %d samples make no full batch of %d", n, l->config.batch);
  if (epoch < 0 || step < 0 || step >= steps)
    return ra_fail(RA_ERR_ARG, "loader: start at epoch %d, step %d; epochs count from 0, steps are 0 to %d", epoch, step,
                   steps - 1);
  if ((double)steps * l->config.batch + n > INT32_MAX) return ra_fail(RA_ERR_ARG, "loader: %d steps are too many", steps);
  int32_t *order = ra_mem_realloc(l->order, (size_t)n, sizeof *order);
  if (!order) return RA_ERR_MEMORY;
  l->order = order;
  l->order_epoch = l->order_pass = -1;
  l->epoch = l->part.from_epoch = epoch;
  l->step = l->part.from_step = step;
  l->running = true;
  int32_t code = start_threads(l);
  if (code != RA_OK) l->running = false;
  return code;
}

/* ---- the caller's side ---- */

/* Waits for the oldest batch; NULL at the end of the last epoch. */
static int32_t wait_batch(ra_loader *l, work **out) {
  *out = NULL;
  if (!l->running) return ra_fail(RA_ERR_STATE, "loader: it was not started");
  double start = ra_clock();
  pthread_mutex_lock(&l->lock);
  for (;;) {
    work *w = &l->ring[l->head % l->config.depth];
    if (l->head < l->fill && w->made == w->count) {
      *out = w;
      break;
    }
    if (l->head == l->fill && at_end(l)) break;
    pthread_cond_wait(&l->is_made, &l->lock);
  }
  pthread_mutex_unlock(&l->lock);
  l->waited += ra_clock() - start;
  for (int32_t i = 0; *out && i < (*out)->count; i++) {
    const slot *s = &(*out)->slot[i];
    if (s->code != RA_OK)
      return ra_fail(s->code, "epoch %d, batch %d: %s", (*out)->epoch, (*out)->step + 1,
                     s->message ? s->message : "out of memory");
  }
  return RA_OK;
}

static int32_t check_sizes(const ra_loader *l, const work *w) {
  const ra_tensor *a = w->slot[0].sample.field[0];
  for (int32_t i = 1; i < w->count; i++) {
    const ra_tensor *b = w->slot[i].sample.field[0];
    if (b->dim[1] != a->dim[1] || b->dim[2] != a->dim[2])
      return ra_fail(RA_ERR_SHAPE,
                     "loader: sample %s has %dx%d pixels and sample %s %dx%d; give data a size or a crop, or batch = 1",
                     ra_sample_set_id(l->set, w->slot[0].index), a->dim[2], a->dim[1],
                     ra_sample_set_id(l->set, w->slot[i].index), b->dim[2], b->dim[1]);
  }
  return RA_OK;
}

int32_t ra_loader_peek(ra_loader *l, int32_t *shape, int32_t *epoch, int32_t *step) {
  work *w;
  RA_TRY(wait_batch(l, &w));
  memset(shape, 0, 4 * sizeof *shape);
  if (!w) return RA_OK;
  RA_TRY(check_sizes(l, w));
  const ra_tensor *x = w->slot[0].sample.field[0];
  shape[0] = w->count;
  for (int i = 0; i < 3; i++) shape[i + 1] = x->dim[i];
  if (epoch) *epoch = w->epoch;
  if (step) *step = w->step;
  return RA_OK;
}

static int32_t check_target(const ra_field *field, const ra_tensor *t, const work *w) {
  const ra_tensor *x = w->slot[0].sample.field[0];
  char text[80];
  if (!t) return RA_OK;
  if (t->rank == 4 && t->dim[0] >= w->count && t->dim[1] == field->channels && t->dim[2] == x->dim[1] && t->dim[3] == x->dim[2] &&
      ra_tensor_contiguous(t))
    return RA_OK;
  return ra_fail(RA_ERR_SHAPE, "loader: the buffer of %s has shape %s, the batch [%d,%d,%d,%d]", field->name,
                 ra_shape_text(t->rank, t->dim, text), w->count, field->channels, x->dim[1], x->dim[2]);
}

/* Copies one field of one sample into image i of t [B,C,H,W]. */
static int32_t put(const ra_field *field, const char *id, const ra_tensor *from, ra_tensor *t, int32_t i) {
  int32_t size = t->dim[1] * t->dim[2] * t->dim[3];
  ra_real *to = t->data + (int64_t)i * size;
  if (from) memcpy(to, from->data, (size_t)size * sizeof *to);
  else if (isnan(field->absent)) return ra_fail(RA_ERR_ARG, "loader: sample %s has no %s", id, field->name);
  else
    for (int32_t k = 0; k < size; k++) to[k] = (ra_real)field->absent;
  return RA_OK;
}

/* Mixes the images of a batch that was copied out. */
static void mix(ra_loader *l, const work *w, ra_tensor *const *to) {
  const int32_t *size = w->slot[0].sample.field[0]->dim;
  ra_mixture m = ra_mix_draw(&l->mixing, l->config.seed, w->epoch, w->step, w->count, size[1], size[2], l->partner);
  for (int32_t f = 0; m.acts && f < ra_sample_set_fields(l->set); f++)
    for (int32_t i = 0; to[f] && i < w->count; i++) {
      const ra_tensor *from = w->slot[l->partner[i]].sample.field[f];
      int64_t at = (int64_t)i * to[f]->dim[1] * to[f]->dim[2] * to[f]->dim[3];
      if (l->partner[i] != i) ra_mix_put(&m, ra_sample_set_field(l->set, f), from ? from->data : NULL, size[1], size[2], to[f]->data + at);
    }
}

static int32_t copy_out(ra_loader *l, const work *w, ra_tensor *const *to, int32_t *index) {
  int32_t fields = ra_sample_set_fields(l->set);
  RA_TRY(check_sizes(l, w));
  for (int32_t f = 0; f < fields; f++) RA_TRY(check_target(ra_sample_set_field(l->set, f), to[f], w));
  for (int32_t i = 0; i < w->count; i++) {
    const slot *s = &w->slot[i];
    for (int32_t f = 0; f < fields; f++)
      if (to[f]) RA_TRY(put(ra_sample_set_field(l->set, f), ra_sample_set_id(l->set, s->index), s->sample.field[f], to[f], i));
    if (index) index[i] = s->index;
  }
  mix(l, w, to);
  return RA_OK;
}

int32_t ra_loader_next(ra_loader *l, ra_tensor *const *to, int32_t *count, int32_t *index) {
  work *w;
  *count = 0;
  RA_TRY(wait_batch(l, &w));
  if (!w) return RA_OK;
  RA_TRY(copy_out(l, w, to, index));
  *count = w->count;
  pthread_mutex_lock(&l->lock);
  clear_work(w);
  l->head++;
  pthread_cond_broadcast(&l->may_work);
  pthread_mutex_unlock(&l->lock);
  return RA_OK;
}

double ra_loader_waited(const ra_loader *l) { return l->waited; }

_Bool ra_loader_mask_report(ra_loader *l, int32_t index, int32_t field, ra_mask_report *report) {
  return ra_sample_report(l->set, index, field, report);
}

/* ---- making and releasing ---- */

static int32_t check_config(const ra_loader_config *c) {
  if (c->batch < 1 || c->batch > 1 << 16) return ra_fail(RA_ERR_ARG, "loader: batch is %d, wanted 1 to 65536", c->batch);
  if (c->threads < 1 || c->threads > RA_LOADER_THREADS)
    return ra_fail(RA_ERR_ARG, "loader: threads is %d, wanted 1 to %d", c->threads, RA_LOADER_THREADS);
  if (c->depth < 1 || c->depth > RA_LOADER_DEPTH)
    return ra_fail(RA_ERR_ARG, "loader: depth is %d, wanted 1 to %d", c->depth, RA_LOADER_DEPTH);
  if (c->steps < 0 || c->epochs < 0) return ra_fail(RA_ERR_ARG, "loader: steps and epochs must be >= 0");
  if (!(c->cache_bytes >= 0)) return ra_fail(RA_ERR_ARG, "loader: cache_bytes must be >= 0");
  return RA_OK;
}

ra_loader *ra_loader_new(const ra_loader_config *config, int32_t fields, const ra_field *field, const ra_augment *prepare,
                         const ra_augment *augment) {
  if (check_config(config) != RA_OK || ra_fields_check(fields, field) != RA_OK) return NULL;
  if (prepare && ra_augment_check(prepare) != RA_OK) return NULL;
  if (augment && (ra_augment_check(augment) != RA_OK || ra_mix_check(augment, fields, field) != RA_OK)) return NULL;
  ra_loader *l = ra_mem_zalloc(1, sizeof *l);
  if (!l) return NULL;
  l->config = *config;
  l->part.group = l->part.ranks = 1;
  if (augment) l->mixing = *augment;
  pthread_mutex_init(&l->lock, NULL);
  pthread_cond_init(&l->may_work, NULL);
  pthread_cond_init(&l->is_made, NULL);
  l->set = ra_sample_set_new(fields, field, config->cache_bytes, prepare, augment);
  l->ring = ra_mem_zalloc((size_t)config->depth, sizeof *l->ring);
  l->partner = ra_mem_alloc((size_t)config->batch, sizeof *l->partner);
  bool good = l->set && l->ring && l->partner;
  for (int32_t i = 0; good && i < config->depth; i++)
    good = (l->ring[i].slot = ra_mem_zalloc((size_t)config->batch, sizeof(slot))) != NULL;
  if (good) return l;
  ra_loader_release(l);
  return NULL;
}

int32_t ra_loader_add(ra_loader *l, const char *id, const ra_source *source) {
  if (l->running) return ra_fail(RA_ERR_STATE, "loader: samples are added before it starts");
  return ra_sample_set_add(l->set, id, source);
}

void ra_loader_release(ra_loader *l) {
  if (!l) return;
  ra_loader_stop(l);
  for (int32_t i = 0; l->ring && i < l->config.depth; i++) ra_mem_free(l->ring[i].slot);
  ra_mem_free(l->ring);
  ra_mem_free(l->order);
  ra_mem_free(l->partner);
  ra_sample_set_free(l->set);
  pthread_cond_destroy(&l->is_made);
  pthread_cond_destroy(&l->may_work);
  pthread_mutex_destroy(&l->lock);
  ra_mem_free(l);
}
