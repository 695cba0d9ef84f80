/* Decoding by kind.
 *   image  [C,H,W] in 0..1 by the source's range; grey is repeated, colours become luma (ITU-R BT.601)
 *   mask   [1,H,W] of 0 and 1 by a threshold in units of 0..255, or by rules
 *   label  [1,H,W] the numbers of the file, or the classes that its rules give them; RA_VOID where there is none
 *   map    [C,H,W] real numbers: a .npy array as it is, other files in 0..1
 * A new kind is a row of `kinds` here and one of ra_field_kinds in core/image/kind.c. */
#include "field.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../codec/codec.h"
#include "../image/kind.h"

/* ---- image ---- */

static void luma(const ra_real *rgb, int32_t area, ra_real *out) {
  const ra_real *r = rgb, *g = r + area, *b = g + area;
  bool grey = memcmp(r, g, (size_t)area * sizeof *r) == 0 && memcmp(r, b, (size_t)area * sizeof *r) == 0;
  for (int32_t i = 0; i < area; i++)
    out[i] = grey ? r[i] : (ra_real)(0.299 * (double)r[i] + 0.587 * (double)g[i] + 0.114 * (double)b[i]);
}

/* A file whose scale is neither declared nor clear is refused. */
static int32_t scale(const ra_source *source, ra_pixels *p) {
  ra_image_report report;
  RA_TRY(ra_pixels_scale(p, source, &report));
  return ra_pixels_unclear(&report);
}

static int32_t decode_image(const ra_field *field, const ra_source *source, ra_pixels *p, ra_tensor *out, ra_mask_report *report) {
  (void)report;
  RA_TRY(scale(source, p));
  int32_t area = p->height * p->width;
  if (p->channels == field->channels) {
    ra_pixels_planes(p, out->data);
    return RA_OK;
  }
  RA_TRY(ra_pixels_is_image(p));
  if (p->channels == 1) {
    ra_pixels_planes(p, out->data);
    for (int32_t c = 1; c < field->channels; c++) memcpy(out->data + c * area, out->data, (size_t)area * sizeof(ra_real));
    return RA_OK;
  }
  ra_real *rgb = ra_mem_alloc(3 * (size_t)area, sizeof *rgb);
  if (!rgb) return RA_ERR_MEMORY;
  ra_pixels_planes(p, rgb);
  luma(rgb, area, out->data);
  ra_mem_free(rgb);
  return RA_OK;
}

/* ---- mask and label: core/codec/mask.c ---- */

static int32_t decode_mask(const ra_field *field, const ra_source *source, ra_pixels *p, ra_tensor *out, ra_mask_report *report) {
  (void)field;
  ra_mask_report unused;
  return ra_pixels_mask(p, source, out->data, report ? report : &unused);
}

static int32_t decode_label(const ra_field *field, const ra_source *source, ra_pixels *p, ra_tensor *out, ra_mask_report *report) {
  (void)field;
  (void)report;
  return ra_pixels_label(p, source, out->data);
}

/* ---- map ---- */

static int32_t decode_map(const ra_field *field, const ra_source *source, ra_pixels *p, ra_tensor *out, ra_mask_report *report) {
  (void)source;
  (void)report;
  if (p->channels != field->channels)
    return ra_fail(RA_ERR_SHAPE, "the map has %d channels, the data set says %d", p->channels, field->channels);
  ra_pixels_planes(p, out->data);
  return RA_OK;
}

/* ---- by kind ---- */

static const struct {
  int32_t most_channels;
  int32_t (*decode)(const ra_field *field, const ra_source *source, ra_pixels *p, ra_tensor *out, ra_mask_report *report);
} kinds[RA_FIELD_KINDS] = {
  [RA_FIELD_IMAGE] = {3, decode_image},
  [RA_FIELD_MASK] = {1, decode_mask},
  [RA_FIELD_LABEL] = {1, decode_label},
  [RA_FIELD_MAP] = {64, decode_map},
};

int32_t ra_fields_check(int32_t count, const ra_field *field) {
  if (count < 1 || count > RA_FIELDS_MAX) return ra_fail(RA_ERR_ARG, "loader: a sample has 1 to %d fields, given %d", RA_FIELDS_MAX, count);
  for (int32_t f = 0; f < count; f++) {
    const ra_field *a = &field[f];
    if (!a->name || a->kind < 0 || a->kind >= RA_FIELD_KINDS)
      return ra_fail(RA_ERR_ARG, "loader: field %d has no name or the unknown kind %d", f, a->kind);
    if (a->channels < 1 || a->channels > kinds[a->kind].most_channels || (a->kind == RA_FIELD_IMAGE && a->channels == 2))
      return ra_fail(RA_ERR_ARG, "loader: channels of %s is %d; a field of kind %s has %s",
             a->name, a->channels, ra_field_kinds[a->kind].name,
             a->kind == RA_FIELD_IMAGE ? "1 or 3" : a->kind == RA_FIELD_MAP ? "1 to 64" : "1");
  }
  if (field[0].kind != RA_FIELD_IMAGE)
    return ra_fail(RA_ERR_ARG, "loader: the first field must be of kind image, %s is not", field[0].name);
  return RA_OK;
}

int32_t ra_fields_foreground(int32_t count, const ra_field *field) {
  for (int32_t f = 0; f < count; f++)
    if (field[f].kind == RA_FIELD_MASK && strcmp(field[f].name, "mask") == 0) return f;
  for (int32_t f = 0; f < count; f++)
    if (field[f].kind == RA_FIELD_LABEL) return f;
  return -1;
}

int32_t ra_source_pixels(const ra_source *source, ra_pixels *p) {
  const ra_tensor *t = source->tensor;
  if (!t) return ra_pixels_read(source->path, source->frame, false, p);
  if (t->rank < 2 || t->rank > 4 || t->size == 0 || (t->rank == 4 && t->dim[0] != 1) || !ra_tensor_contiguous(t))
    return ra_fail(RA_ERR_SHAPE, "values in memory are [H,W], [C,H,W] or [1,C,H,W], contiguous and not empty; given rank %d", t->rank);
  *p = (ra_pixels){.channels = t->rank > 2 ? t->dim[t->rank - 3] : 1, .height = t->dim[t->rank - 2], .width = t->dim[t->rank - 1],
                   .bits = 8 * (int32_t)sizeof(ra_real), .max_value = 1, .value = t->data, .borrowed = true};
  return RA_OK;
}

int32_t ra_field_decode(const ra_field *field, const ra_source *source, ra_tensor **out, ra_mask_report *report) {
  *out = NULL;
  if (!source->path && !source->tensor) return RA_OK;
  ra_pixels p;
  const char *where = source->path ? source->path : field->name;
  if (source->frame < 0 || (source->tensor && source->frame > 0))
    return ra_fail(RA_ERR_ARG, "%s: there is no frame %d", where, source->frame);
  RA_TRY(ra_source_pixels(source, &p));
  int32_t dim[3] = {kinds[field->kind].most_channels == 1 ? 1 : field->channels, p.height, p.width};
  *out = ra_tensor_new(3, dim);
  int32_t code = *out ? kinds[field->kind].decode(field, source, &p, *out, report) : RA_ERR_MEMORY;
  ra_pixels_free(&p);
  if (code == RA_OK) return RA_OK;
  ra_tensor_release(*out);
  *out = NULL;
  return code == RA_ERR_MEMORY ? code : ra_fail_in(code, "%s", where);
}

/* The facts of a channel that the file has; of one that it lacks nothing is known, and the declaration does not fit. */
static int32_t inspect(const ra_pixels *p, const ra_source *source, ra_mask_facts *out) {
  ra_source known = *source;
  if (!ra_pixels_has_channel(p, known.channel)) known.channel = 0;
  return ra_pixels_facts(p, &known, out);
}

int32_t ra_mask_inspect(int32_t kind, const ra_source *source, ra_mask_facts *out) {
  if (kind != RA_FIELD_MASK && kind != RA_FIELD_LABEL)
    return ra_fail(RA_ERR_ARG, "ra_mask_inspect: the kind is mask or label, given %d", kind);
  ra_pixels p;
  *out = (ra_mask_facts){0};
  RA_TRY(ra_source_pixels(source, &p));
  ra_real *plane = ra_mem_alloc((size_t)p.height * (size_t)p.width, sizeof *plane);
  ra_mask_report report = {0};
  int32_t code = plane ? inspect(&p, source, out) : RA_ERR_MEMORY;
  if (code == RA_OK) {
    int32_t fits = kind == RA_FIELD_MASK ? ra_pixels_mask(&p, source, plane, &report) : ra_pixels_label(&p, source, plane);
    if (fits != RA_OK) (void)snprintf(out->refused, sizeof out->refused, "%s", ra_error());
    for (int32_t i = 0; fits == RA_OK && kind == RA_FIELD_LABEL && i < p.height * p.width; i++) {
      report.ones += plane[i] > 0;
      report.voids += plane[i] < 0;
    }
    out->ones = report.ones;
    out->voids = report.voids;
  }
  ra_mem_free(plane);
  ra_pixels_free(&p);
  return code;
}

/* ---- sources ---- */

int32_t ra_kept_source_set(ra_kept_source *k, const ra_source *from) {
  *k = (ra_kept_source){.source = *from, .path = from->path ? ra_mem_strdup(from->path) : NULL};
  if (from->rules > 0) k->rule = ra_mem_alloc((size_t)from->rules, sizeof *k->rule);
  if (from->tensor) k->tensor = ra_tensor_clone(from->tensor);
  if ((from->path && !k->path) || (from->rules > 0 && !k->rule) || (from->tensor && !k->tensor)) {
    ra_kept_source_free(k);
    return RA_ERR_MEMORY;
  }
  if (k->rule) memcpy(k->rule, from->rule, (size_t)from->rules * sizeof *k->rule);
  k->source.path = k->path;
  k->source.tensor = k->tensor;
  k->source.rule = k->rule;
  return RA_OK;
}

void ra_kept_source_free(ra_kept_source *k) {
  ra_mem_free(k->path);
  ra_mem_free(k->rule);
  ra_tensor_release(k->tensor);
  *k = (ra_kept_source){0};
}
