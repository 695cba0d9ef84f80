/* model.c: a trained model for programs in C: an image in, a probability out, as `ramus predict` makes it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "description.h"

/* train/run/names.lua takes these two from here and has the names of a run's other files. */
const char *ra_model_file(bool best) { return best ? "best.safetensors" : "last.safetensors"; }

struct ra_model {
  ra_template *template;
  ra_description about;
  ra_tensor **value; /* by leaf of the template */
  ra_arena *arena;
  ra_plan *plan;     /* of the last size, or NULL */
  int32_t input, height, width;
  int32_t frame;     /* of a file, that the next run takes */
  bool has_range;    /* range is in force */
  double range[2];
};

void ra_model_close(ra_model *m) {
  if (!m) return;
  ra_plan_release(m->plan);
  ra_arena_release(m->arena);
  for (int32_t i = 0; m->value && i < ra_template_leaves(m->template); i++) ra_tensor_release(m->value[i]);
  ra_mem_free(m->value);
  ra_template_release(m->template);
  ra_description_free(&m->about);
  ra_mem_free(m);
}

/* The checkpoint of a run folder (the best, else the last), or the file itself, opened and checked; NULL on failure. */
static ra_bundle *open_file(const char *path) {
  char name[4096];
  if (ra_path_kind(path, NULL, NULL) == RA_PATH_FOLDER) {
    int length = snprintf(name, sizeof name, "%s/%s", path, ra_model_file(true));
    if (length < (int)sizeof name && ra_path_kind(name, NULL, NULL) != RA_PATH_FILE)
      snprintf(name, sizeof name, "%s/%s", path, ra_model_file(false));
    path = name;
    if (length >= (int)sizeof name) {
      ra_fail(RA_ERR_ARG, "the path of the run is too long");
      return NULL;
    }
  }
  ra_bundle *b = ra_bundle_load(path);
  if (!b) return NULL;
  if (ra_bundle_meta_get(b, "ramus.model") && ra_bundle_checked(b)) return b;
  ra_fail(RA_ERR_FORMAT, "%s: it is no model that Ramus wrote", path);
  ra_bundle_release(b);
  return NULL;
}

/* The array of a leaf, of the weights' average where the training keeps one. */
static int32_t find_leaf(const ra_bundle *b, const char *plain, bool average, int32_t *at) {
  size_t size = strlen(plain) + sizeof "ema.";
  char *name = ra_mem_alloc(size, 1);
  if (!name) return RA_ERR_MEMORY;
  snprintf(name, size, "%s%s", average ? "ema." : "", plain);
  *at = ra_bundle_find(b, name);
  int32_t code = *at >= 0 ? RA_OK : ra_fail(RA_ERR_FORMAT, "the file lacks '%.400s'%s", name,
                                            average ? ", and its state says that the weights are averaged" : "");
  ra_mem_free(name);
  return code;
}

static int32_t read_leaf(ra_model *m, const ra_bundle *b, int32_t i) {
  const char *plain = ra_template_leaf_name(m->template, i);
  int32_t dim[RA_MAX_RANK], rank = ra_template_leaf_shape(m->template, i, dim), at;
  RA_TRY(find_leaf(b, plain, m->about.averaged && rank >= 0, &at));
  m->value[i] = ra_bundle_tensor(b, at);
  if (!m->value[i]) return ra_error_code();
  bool same = rank < 0 || (m->value[i]->rank == rank && memcmp(m->value[i]->dim, dim, (size_t)rank * sizeof *dim) == 0);
  return same ? RA_OK : ra_fail(RA_ERR_SHAPE, "'%s' has another shape in the file than in the model", plain);
}

static int32_t read_model(ra_model *m, const ra_bundle *b) {
  m->template = ra_template_parse(ra_bundle_meta_get(b, "ramus.model"));
  if (!m->template) return ra_error_code();
  RA_TRY(ra_description_read(&m->about, b, m->template));
  m->value = ra_mem_zalloc((size_t)ra_template_leaves(m->template) + 1, sizeof(ra_tensor *));
  m->arena = ra_arena_new();
  if (!m->value || !m->arena) return RA_ERR_MEMORY;
  for (int32_t i = 0; i < ra_template_leaves(m->template); i++) RA_TRY(read_leaf(m, b, i));
  return RA_OK;
}

ra_model *ra_model_open(const char *path) {
  ra_bundle *b = open_file(path);
  if (!b) return NULL;
  ra_model *m = ra_mem_zalloc(1, sizeof *m);
  int32_t code = m ? read_model(m, b) : RA_ERR_MEMORY;
  ra_bundle_release(b);
  if (code == RA_OK) return m;
  if (m) ra_fail_in(code, "%s", path);
  ra_model_close(m);
  return NULL;
}

int32_t ra_model_channels(const ra_model *m) { return ra_template_channels(m->template); }
double ra_model_threshold(const ra_model *m) { return m->about.threshold; }
int32_t ra_model_classes(const ra_model *m) { return m->about.classes ? m->about.classes : 2; }

const char *ra_model_class_name(const ra_model *m, int32_t k) {
  if (k < 0 || k >= ra_model_classes(m)) return NULL;
  return m->about.classes ? m->about.class_list[k].name : k ? "foreground" : "background";
}

int32_t ra_model_class_colour(const ra_model *m, int32_t k) {
  if (k < 0 || k >= ra_model_classes(m)) return -1;
  return m->about.classes ? m->about.class_list[k].colour : k ? 0xe69f00 : 0;
}

/* Records the template for one image of this size and plans its main output. */
static int32_t make_plan(ra_model *m, ra_graph *g, int32_t *leaf, int32_t height, int32_t width) {
  int32_t entries = ra_template_entries(m->template), outputs = ra_template_outputs(m->template);
  int32_t dim[4] = {1, ra_template_channels(m->template), height, width};
  int32_t *node = ra_mem_alloc((size_t)(entries + outputs) + 1, sizeof *node);
  if (!node) return RA_ERR_MEMORY;
  for (int32_t i = 0; i < ra_template_leaves(m->template); i++) leaf[i] = -1;
  int32_t input = ra_graph_input(g, 4, dim);
  int32_t code = input < 0 ? input : ra_template_record(m->template, g, input, false, m->value, leaf, node, node + entries);
  ra_plan_options options = {.outputs = 1, .output = node + entries + m->about.main, .loss = -1, .numerics = m->about.numerics,
                             .fuse = true, .arena = m->arena};
  ra_plan *plan = code == RA_OK ? ra_plan_new(g, &options) : NULL;
  ra_mem_free(node);
  if (!plan) return code == RA_OK ? ra_error_code() : code;
  ra_plan_release(m->plan);
  m->plan = plan, m->input = input, m->height = height, m->width = width;
  return RA_OK;
}

/* Makes the plan of a size the model's plan. */
static int32_t plan_for(ra_model *m, int32_t height, int32_t width) {
  if (m->plan && m->height == height && m->width == width) return RA_OK;
  ra_graph *g = ra_graph_new();
  int32_t *leaf = ra_mem_alloc((size_t)ra_template_leaves(m->template) + 1, sizeof *leaf);
  int32_t code = g && leaf ? make_plan(m, g, leaf, height, width) : RA_ERR_MEMORY;
  ra_mem_free(leaf);
  ra_graph_release(g);
  return code;
}

/* [own] Probabilities [K,h,w] of the model's input x [C,h,w], K = 1 of a sigmoid; NULL on failure. */
static ra_tensor *probability_of(ra_model *m, ra_tensor *x) {
  int32_t K = m->about.classes ? m->about.classes : 1;
  int32_t height = x->dim[1], width = x->dim[2];
  int32_t four[4] = {1, x->dim[0], height, width}, three[3] = {K, height, width};
  ra_tensor *batch = ra_tensor_reshape(x, 4, four), *logits = NULL, *p = NULL, *result = NULL;
  if (batch && plan_for(m, height, width) == RA_OK && ra_plan_bind(m->plan, m->input, batch) == RA_OK &&
      ra_plan_run(m->plan, false, 1, 0, 0, 0) == RA_OK)
    logits = ra_plan_output(m->plan, 0);
  if (logits && (logits->rank != 4 || logits->dim[1] != K || logits->size / K != height * width))
    ra_fail(RA_ERR_SHAPE, "the model's output has another size than its input, or not %d channel%s", K, K == 1 ? "" : "s");
  else if (logits) {
    ra_tensor *copy = ra_tensor_clone(logits); /* the arena is used again */
    const ra_op *op = ra_op_find(m->about.classes ? "softmax" : "sigmoid"); /* the softmax along dimension 1 */
    if (copy) p = ra_op_run(op, (double[RA_MAX_SLOTS]){m->about.classes ? 1 : 0}, 1, &copy, m->arena, 0, 0);
    ra_tensor_release(copy);
  }
  if (p) result = ra_tensor_reshape(p, 3, three);
  ra_tensor_release(p);
  ra_tensor_release(logits);
  ra_tensor_release(batch);
  return result;
}

void ra_model_set_frame(ra_model *m, int32_t frame) { m->frame = frame; }

/* The file as the caller says with ra_model_range, else as the training read files of as many bits, else as its type says. */
static int32_t source_of(const ra_model *m, const char *path, ra_source *out) {
  *out = (ra_source){.path = path, .frame = m->frame, .automatic = m->about.automatic && !m->has_range};
  if (m->has_range) memcpy(out->range, m->range, sizeof m->range);
  if (m->has_range || m->about.automatic || m->about.bit_counts == 0) return RA_OK;
  ra_image_details details;
  RA_TRY(ra_image_info(path, &details));
  for (int32_t i = 0; i < m->about.bit_counts; i++)
    if (m->about.bits[i] == details.bits) memcpy(out->range, m->about.range, sizeof out->range);
  return RA_OK;
}

/* Refuses a preparation that makes more of an image than a model takes at a time, before anything is decoded. */
static int32_t check_size(const ra_model *m, const char *path) {
  ra_image_details d;
  int32_t height, width;
  if (m->about.prepare.count == 0) return RA_OK;
  RA_TRY(ra_image_info(path, &d));
  RA_TRY(ra_augment_size(&m->about.prepare, d.height, d.width, &height, &width));
  double pixels = (double)height * width;
  if (pixels <= RA_PIXELS_AT_ONCE || pixels <= (double)d.height * d.width) return RA_OK;
  return ra_fail(RA_ERR_FORMAT, "the model's preparation makes %dx%d pixels of %dx%d; at most 2^24 are computed at a time", width, height,
                 d.width, d.height);
}

int32_t ra_model_range(ra_model *m, double low, double high) {
  m->has_range = low != high && isfinite(low) && isfinite(high);
  m->range[0] = low, m->range[1] = high;
  return m->has_range || (isnan(low) && isnan(high)) ? RA_OK
         : ra_fail(RA_ERR_ARG, "ra_model_range: wants two numbers that differ, or NaN twice, given %g and %g", low, high);
}

/* [own] Probabilities [K,H,W] of the image in a file, at its own size; NULL on failure. */
static ra_tensor *run_file(ra_model *m, const char *path) {
  ra_field field = {.name = "image", .kind = RA_FIELD_IMAGE, .channels = ra_template_channels(m->template)};
  ra_source source;
  ra_tensor *native = NULL, *x = NULL, *result = NULL;
  if (source_of(m, path, &source) != RA_OK || check_size(m, path) != RA_OK) return NULL;
  if (ra_sample_load(1, &field, path, &source, &m->about.prepare, &native, &x, NULL) != RA_OK) return NULL;
  int32_t height = native->dim[1], width = native->dim[2];
  ra_tensor *p = probability_of(m, x);
  if (p && (p->dim[1] != height || p->dim[2] != width)) result = ra_image_resize(p, height, width, RA_RESIZE_BILINEAR);
  else if (p) result = ra_tensor_clone(p);
  ra_tensor_release(p);
  ra_tensor_release(x);
  ra_tensor_release(native);
  return result;
}

ra_tensor *ra_model_run(ra_model *m, const char *path) {
  if (m->about.classes) {
    ra_fail(RA_ERR_STATE, "the model has %d classes and no single probability; call ra_model_run_classes and ra_model_labels",
            m->about.classes);
    return NULL;
  }
  ra_tensor *p = run_file(m, path), *result = p ? ra_tensor_reshape(p, 2, (int32_t[]){p->dim[1], p->dim[2]}) : NULL;
  ra_tensor_release(p);
  return result;
}

ra_tensor *ra_model_run_classes(ra_model *m, const char *path) {
  ra_tensor *p = run_file(m, path);
  if (!p || m->about.classes) return p;
  ra_tensor *both = ra_tensor_new(3, (int32_t[]){2, p->dim[1], p->dim[2]});
  for (int32_t i = 0; both && i < p->size; i++) {
    both->data[i] = 1 - p->data[i];
    both->data[p->size + i] = p->data[i];
  }
  ra_tensor_release(p);
  return both;
}

ra_tensor *ra_model_mask(const ra_model *m, const ra_tensor *probability) {
  return ra_image_threshold(probability, m->about.threshold);
}

ra_tensor *ra_model_labels(const ra_model *m, const ra_tensor *probability) {
  int32_t K = ra_model_classes(m);
  if (probability->rank != 3 || probability->dim[0] != K || !ra_tensor_contiguous(probability)) {
    ra_fail(RA_ERR_SHAPE, "ra_model_labels: wants the probabilities [%d,H,W] of ra_model_run_classes, given rank %d with %d values", K,
            probability->rank, probability->size);
    return NULL;
  }
  if (m->about.classes) return ra_image_labels(probability);
  ra_tensor *mask = ra_tensor_new(2, probability->dim + 1);
  const ra_real *foreground = probability->data + probability->size / 2;
  for (int32_t i = 0; mask && i < mask->size; i++) mask->data[i] = (double)foreground[i] >= m->about.threshold ? 1 : 0;
  return mask;
}
