/* description.c: reading a checkpoint's description of its model's input and output. */
#include "description.h"

#include <jansson.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../codec/codec.h"

/* [own] The JSON object of a key; NULL on failure. */
static json_t *section(const ra_bundle *b, const char *key) {
  json_error_t error;
  const char *text = ra_bundle_meta_get(b, key);
  json_t *value = text ? json_loads(text, 0, &error) : NULL;
  if (json_is_object(value)) return value;
  json_decref(value);
  ra_fail(RA_ERR_FORMAT, "%s is %s", key, text ? "no JSON object" : "not there");
  return NULL;
}

/* Refuses keys that this build does not know: they say something of the model that would not be heeded. */
static int32_t check_keys(const json_t *object, const char *where, const char *known) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)object, key, value) {
    size_t n = strlen(key);
    const char *at = known;
    while ((at = strstr(at, key)) && !((at == known || at[-1] == ' ') && (at[n] == ' ' || at[n] == 0))) at++;
    if (!at || n == 0)
      return ra_fail(RA_ERR_FORMAT, "%s: unknown option '%.60s'; this build knows %s: is the file of a later version?", where, key, known);
  }
  return RA_OK;
}

static int32_t check_format(const ra_bundle *b) {
  const char *format = ra_bundle_meta_get(b, "ramus.format");
  if (format && strcmp(format, "2") == 0) return RA_OK;
  if (!format) return ra_fail(RA_ERR_FORMAT, "it is of format 1, which does not say how images are prepared; ramus predict reads it");
  return ra_fail(RA_ERR_FORMAT, "it is of format %.20s; this build reads format %d", format, RA_CHECKPOINT_FORMAT);
}

static int32_t read_step(const json_t *v, ra_augment_step *out) {
  const char *name = json_string_value(json_object_get(v, "step"));
  const json_t *a = json_object_get(v, "a"), *b = json_object_get(v, "b");
  const ra_augment_kind *kind;
  for (int32_t i = 0; name && (kind = ra_augment_kind_at(i)); i++) {
    if (!kind->prepares || strcmp(name, kind->name) != 0 || !json_is_number(a) || !json_is_number(b)) continue;
    *out = (ra_augment_step){.kind = kind->kind, .probability = 1, .a = json_number_value(a), .b = json_number_value(b)};
    return RA_OK;
  }
  return ra_fail(RA_ERR_FORMAT, "ramus.input: a step of the preparation is none that this build knows: '%.40s'", name ? name : "no name");
}

/* The scale of the training's images: { "range": [low, high] or "auto", "bits": [..] }, see data/scale.lua. */
static int32_t read_scale(ra_description *d, const json_t *scale) {
  if (!scale || json_is_null(scale)) return RA_OK;
  const json_t *range = json_object_get(scale, "range"), *low = json_array_get(range, 0), *high = json_array_get(range, 1);
  const json_t *bits = json_object_get(scale, "bits");
  d->automatic = json_is_string(range) && strcmp(json_string_value(range), "auto") == 0;
  if (!d->automatic && (json_array_size(range) != 2 || !json_is_number(low) || !json_is_number(high)))
    return ra_fail(RA_ERR_FORMAT, "ramus.input: the range of scale must be two numbers or \"auto\"");
  d->range[0] = json_number_value(low);
  d->range[1] = json_number_value(high);
  for (size_t i = 0; i < json_array_size(bits) && d->bit_counts < (int32_t)(sizeof d->bits / sizeof *d->bits); i++)
    d->bits[d->bit_counts++] = (int32_t)json_integer_value(json_array_get(bits, i));
  return RA_OK;
}

/* size and range repeat what the preparation and the training did: they may be absent, and must not say something else. */
static int32_t check_repeated(const ra_description *d, const json_t *input) {
  const json_t *size = json_object_get(input, "size"), *range = json_object_get(input, "range");
  double low = json_number_value(json_array_get(range, 0)), high = json_number_value(json_array_get(range, 1));
  if (range && (json_array_size(range) != 2 || low != 0 || high != 1))
    return ra_fail(RA_ERR_FORMAT, "ramus.input: range: must be [0,1], to which images are scaled");
  double side[2];
  for (size_t i = 0; size && i < 2; i++) {
    side[i] = json_number_value(json_array_get(size, i));
    if (json_array_size(size) != 2 || !(side[i] >= 1 && side[i] <= RA_IMAGE_SIDE_MAX))
      return ra_fail(RA_ERR_FORMAT, "ramus.input: size: must be two numbers from 1 to %d pixels", RA_IMAGE_SIDE_MAX);
  }
  for (int32_t i = 0; i < d->prepare.count; i++) {
    const ra_augment_step *s = &d->prepare.step[i];
    bool resizes = s->kind == RA_AUGMENT_RESIZE;
    if ((resizes || s->kind == RA_AUGMENT_CLAHE) && (s->a != (double)(int32_t)s->a || (resizes && s->b != (double)(int32_t)s->b)))
      return ra_fail(RA_ERR_FORMAT, "ramus.input: preparation: a step wants whole numbers");
    if (resizes && size && (side[0] != s->a || side[1] != s->b))
      return ra_fail(RA_ERR_FORMAT, "ramus.input: size: is not that of the preparation's resizing");
  }
  return RA_OK;
}

static int32_t read_input(ra_description *d, const json_t *input, const ra_template *t) {
  const json_t *list = json_object_get(input, "preparation"), *channels = json_object_get(input, "channels");
  size_t n = json_array_size(list);
  RA_TRY(check_keys(input, "ramus.input", "channels size preparation range scale"));
  if (!json_is_integer(channels) || json_integer_value(channels) != ra_template_channels(t))
    return ra_fail(RA_ERR_FORMAT, "ramus.input: channels differ from the model's %d", ra_template_channels(t));
  RA_TRY(read_scale(d, json_object_get(input, "scale")));
  if ((list && !json_is_array(list)) || n > RA_AUGMENT_STEPS)
    return ra_fail(RA_ERR_FORMAT, "ramus.input: the preparation is no list of steps");
  for (size_t i = 0; i < n; i++) RA_TRY(read_step(json_array_get(list, i), &d->prepare.step[i]));
  d->prepare.count = (int32_t)n;
  if (n) RA_TRY(ra_augment_check(&d->prepare));
  return check_repeated(d, input);
}

/* How the model computes: fast unless it says exact. */
static int32_t read_numerics(const json_t *v, int32_t *out) {
  const char *text = v ? json_string_value(v) : "fast";
  bool exact = text && strcmp(text, "exact") == 0;
  *out = exact ? RA_NUMERICS_EXACT : RA_NUMERICS_FAST;
  if (exact || (text && strcmp(text, "fast") == 0)) return RA_OK;
  return ra_fail(RA_ERR_FORMAT, "ramus.output: the numerics must be fast or exact");
}

/* 0xrrggbb of "#rrggbb"; -1 for anything else. */
static int32_t colour_of(const char *text) {
  int32_t value = 0;
  if (!text || text[0] != '#' || strlen(text) != 7) return -1;
  for (int i = 1; i < 7; i++) {
    const char *digits = "0123456789abcdef", *at = strchr(digits, text[i] >= 'A' && text[i] <= 'F' ? text[i] + 32 : text[i]);
    if (!at || !*at) return -1;
    value = value * 16 + (int32_t)(at - digits);
  }
  return value;
}

/* One class: its name alone, or an object with name and colour. */
static int32_t read_class(ra_class *out, const json_t *v) {
  const char *name = json_string_value(json_is_object(v) ? json_object_get(v, "name") : v);
  const json_t *colour = json_is_object(v) ? json_object_get(v, "colour") : NULL;
  out->colour = colour ? colour_of(json_string_value(colour)) : 0;
  if (!name || !*name || out->colour < 0)
    return ra_fail(RA_ERR_FORMAT, "ramus.output: a class has no name, or a colour that is not #rrggbb");
  out->name = ra_mem_strdup(name);
  return out->name ? RA_OK : RA_ERR_MEMORY;
}

/* The classes of a softmax. */
static int32_t read_classes(ra_description *d, const json_t *list) {
  size_t n = json_array_size(list);
  if (n < 2 || n > RA_CLASSES_MAX) return ra_fail(RA_ERR_FORMAT, "ramus.output: a softmax has a list of 2 to %d classes", RA_CLASSES_MAX);
  d->class_list = ra_mem_zalloc(n, sizeof *d->class_list);
  if (!d->class_list) return RA_ERR_MEMORY;
  d->classes = (int32_t)n;
  for (size_t i = 0; i < n; i++) RA_TRY(read_class(&d->class_list[i], json_array_get(list, i)));
  return RA_OK;
}

void ra_description_free(ra_description *d) {
  for (int32_t i = 0; i < d->classes; i++) ra_mem_free(d->class_list[i].name);
  ra_mem_free(d->class_list);
  *d = (ra_description){0};
}

static int32_t read_output(ra_description *d, const json_t *output, const ra_template *t) {
  const char *main = json_string_value(json_object_get(output, "main"));
  const char *activation = json_string_value(json_object_get(output, "activation"));
  const json_t *threshold = json_object_get(output, "threshold");
  RA_TRY(check_keys(output, "ramus.output", "main activation threshold classes numerics"));
  d->threshold = json_number_value(threshold);
  RA_TRY(read_numerics(json_object_get(output, "numerics"), &d->numerics));
  bool softmax = activation && strcmp(activation, "softmax") == 0;
  if (!softmax && (!activation || strcmp(activation, "sigmoid") != 0))
    return ra_fail(RA_ERR_FORMAT, "ramus.output: the activation must be sigmoid or softmax");
  if (softmax) RA_TRY(read_classes(d, json_object_get(output, "classes")));
  if (!json_is_number(threshold) || !(d->threshold >= 0 && d->threshold <= 1))
    return ra_fail(RA_ERR_FORMAT, "ramus.output: the threshold must be from 0 to 1");
  for (d->main = 0; d->main < ra_template_outputs(t); d->main++)
    if (main && strcmp(main, ra_template_output_name(t, d->main)) == 0) return RA_OK;
  return ra_fail(RA_ERR_FORMAT, "ramus.output: the model has no output '%.60s'", main ? main : "");
}

/* Whether the training keeps an average of the weights; a model that was saved by itself has no state. */
static int32_t read_state(ra_description *d, const ra_bundle *b) {
  d->averaged = false;
  if (!ra_bundle_meta_get(b, "ramus.state")) return RA_OK;
  json_t *state = section(b, "ramus.state");
  if (!state) return ra_error_code();
  const json_t *averaged = json_object_get(state, "averaged");
  bool right = !averaged || json_is_boolean(averaged);
  d->averaged = json_is_true(averaged);
  json_decref(state);
  return right ? RA_OK : ra_fail(RA_ERR_FORMAT, "ramus.state: averaged must be true or false");
}

int32_t ra_description_read(ra_description *d, const ra_bundle *b, const ra_template *t) {
  RA_TRY(check_format(b));
  json_t *input = section(b, "ramus.input"), *output = input ? section(b, "ramus.output") : NULL;
  int32_t code = input && output ? read_input(d, input, t) : ra_error_code();
  if (code == RA_OK) code = read_output(d, output, t);
  json_decref(input);
  json_decref(output);
  if (code != RA_OK) return code;
  return read_state(d, b);
}
