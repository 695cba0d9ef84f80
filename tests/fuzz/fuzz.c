/* Every reader of files, for libFuzzer: fuzzer --reader=NAME [its own options] CORPUS..   fuzzer --list names them.
 * A reader may refuse its input; it may not crash, hang, lose memory or ask for memory that its input does not hold. A new reader is
 * a function and a row; a new image format has its target by its line in core/codec/formats.def. make fuzz runs them all. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../core/base/mem.h"
#include "../../core/file/transfer.h"
#include "../../core/codec/codec.h"

/* What a reader promises, and does not keep, ends the process. */
static void must(bool kept, const char *promise) {
  if (kept) return;
  fprintf(stderr, "broken promise: %s\n", promise);
  abort();
}

/* ---- images ---- */

enum { SAMPLES_MAX = 1 << 20 }; /* larger ones take their time and show nothing new */

/* Everything that happens to decoded pixels. */
static void use(ra_pixels *p) {
  must((p->sample != NULL) != (p->value != NULL), "samples or values");
  must(p->channels >= 1 && p->height >= 1 && p->width >= 1 && p->max_value >= 1, "a size");
  must(p->details.frames >= 1, "a frame");
  if (ra_pixels_orient(p) != RA_OK) return;
  size_t area = (size_t)p->height * (size_t)p->width, count = area * (size_t)p->channels;
  ra_real *data = ra_mem_alloc(count, sizeof *data);
  if (!data) return;
  ra_pixels_planes(p, data);
  for (size_t i = 0; i < count; i++) must(isfinite(data[i]), "finite values");
  for (size_t i = 0; p->sample && i < count; i++) must(p->sample[i] <= p->max_value, "samples up to the largest value");
  for (size_t i = 0; p->alpha && i < area; i++) must(p->alpha[i] <= p->max_value, "alpha up to the largest value");
  ra_mask_facts facts;
  ra_mask_report report;
  for (int32_t channel = 0; channel <= 4; channel++) {
    const ra_source source = {.threshold = 128, .channel = channel};
    if (!ra_pixels_has_channel(p, channel) || count > 1 << 16) continue;
    (void)ra_pixels_facts(p, &source, &facts);
    (void)ra_pixels_mask(p, &source, data, &report);
    (void)ra_pixels_label(p, &source, data);
  }
  ra_mem_free(data);
}

static void read_image(const ra_image_format *f, const uint8_t *bytes, size_t size) {
  const ra_pixels none = {.details = {.frames = 1, .window = {(double)NAN, (double)NAN}}};
  ra_pixels head = none;
  if (!f->is(bytes, size)) return;
  if (f->check) (void)f->check(bytes, size);
  int32_t code = f->decode(bytes, size, true, &head);
  ra_pixels_free(&head);
  if (code == RA_OK && (double)head.width * head.height * head.channels > SAMPLES_MAX) return;
  for (int32_t k = 0; k < (code == RA_OK && head.details.frames > 1 ? 2 : 1); k++) {
    ra_pixels p = none;
    p.frame = k ? head.details.frames - 1 : 0;
    if (f->decode(bytes, size, false, &p) == RA_OK) {
      must(code == RA_OK, "an image that is read has a header");
      must(k > 0 || (p.width == head.width && p.height == head.height && p.channels == head.channels), "the size of the header");
      use(&p);
    }
    ra_pixels_free(&p);
  }
}

#define RA_IMAGE_FORMAT(name) \
  extern const ra_image_format ra_image_##name; \
  static void read_##name(const uint8_t *bytes, size_t size) { read_image(&ra_image_##name, bytes, size); }
#include "../../core/codec/formats.def"
#undef RA_IMAGE_FORMAT

/* ---- arrays, checkpoints, archives ---- */

static void read_arrays(const uint8_t *bytes, size_t size) {
  ra_bundle *b = ra_bundle_parse(bytes, (double)size);
  for (int32_t i = 0; b && i < ra_bundle_count(b); i++) {
    double dim[RA_BUNDLE_RANK], bytes_of = 0;
    (void)ra_bundle_shape(b, i, dim);
    (void)ra_bundle_bytes(b, i, &bytes_of);
    if (bytes_of < 1 << 20) ra_tensor_release(ra_bundle_tensor(b, i));
  }
  ra_bundle_release(b);
}

/* A copy of the input [own] with a zero behind it. Where it begins as a file of ours does, its checksum is made right: otherwise
 * nothing behind the checksum would ever be reached. */
static uint8_t *with_checksum(const uint8_t *bytes, size_t size) {
  static const char prefix[] = "{\"__metadata__\":{\"ramus.version\":\"1\",\"ramus.sha256\":\"";
  enum { AT = 8 + sizeof prefix - 1, DIGITS = 64 };
  uint8_t *copy = malloc(size + 1);
  must(copy != NULL, "memory");
  memcpy(copy, bytes, size);
  copy[size] = 0;
  if (size < AT + DIGITS || memcmp(copy + 8, prefix, sizeof prefix - 1) != 0) return copy;
  char hex[DIGITS + 1];
  memset(copy + AT, '0', DIGITS);
  if (ra_sha256(copy, (double)size, hex) == RA_OK) memcpy(copy + AT, hex, DIGITS);
  return copy;
}

static void read_safetensors(const uint8_t *bytes, size_t size) {
  uint8_t *copy = with_checksum(bytes, size);
  read_arrays(copy, size);
  free(copy);
}

static void read_template(const uint8_t *bytes, size_t size) {
  uint8_t *text = with_checksum(bytes, size);
  ra_template_release(ra_template_parse((const char *)text));
  free(text);
}

/* Calls f with the path of a file in memory that holds the bytes. */
static void with_file(const uint8_t *bytes, size_t size, void (*f)(const char *path)) {
  char path[64];
  int fd = memfd_create("input", 0);
  must(fd >= 0 && write(fd, bytes, size) == (ssize_t)size, "a file in memory");
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  f(path);
  close(fd);
}

static void open_model(const char *path) { ra_model_close(ra_model_open(path)); }

static void read_checkpoint(const uint8_t *bytes, size_t size) {
  uint8_t *copy = with_checksum(bytes, size);
  with_file(copy, size, open_model);
  free(copy);
}

static void extract(const char *path) {
  char folder[64];
  snprintf(folder, sizeof folder, "build/fuzz/unpacked_%d", (int)getpid());
  (void)ra_archive_extract(path, folder, 1e6);
  must(ra_path_remove(folder) == RA_OK, "a folder that can be removed");
}

static void read_archive(const uint8_t *bytes, size_t size) { with_file(bytes, size, extract); }

/* ---- what a server says ---- */

/* A response's head, line by line as libcurl hands it over. Its first byte says whether a part is there already. */
static void read_headers(const uint8_t *bytes, size_t size) {
  ra_attempt a = {.fd = memfd_create("part", 0), .range_start = -1};
  char why[RA_TRANSFER_TEXT];
  must(a.fd >= 0, "a file in memory");
  if (size > 0 && bytes[0] & 1) a.offset = a.have = 100, strcpy(a.saved.etag, "\"tag\""), a.saved.total = 1000;
  for (size_t at = 1, end; at < size; at = end) {
    const uint8_t *line_end = memchr(bytes + at, '\n', size - at);
    end = line_end ? (size_t)(line_end - bytes) + 1 : size;
    char *line = malloc(end - at); /* nothing behind it */
    must(line != NULL, "memory");
    memcpy(line, bytes + at, end - at);
    must(ra_attempt_header(line, 1, end - at, &a) == end - at, "a line is taken");
    free(line);
  }
  must(a.now.total >= 0 && a.now.total < 1e15 && a.range_total >= 0 && a.retry_after >= 0 && a.range_start >= -1,
       "numbers that digits can say");
  must(memchr(a.now.etag, 0, sizeof a.now.etag) && memchr(a.now.modified, 0, sizeof a.now.modified), "texts that end");
  must(a.status >= 0 && a.status <= 999, "a status");
  (void)ra_attempt_decide(&a);
  must(a.anew || a.status != 206 || a.range_start == a.offset, "a part goes on where it ends");
  (void)ra_attempt_refused(&a, 0, why);
  close(a.fd);
}

static void look_at(const char *path) {
  char why[RA_TRANSFER_TEXT];
  must(ra_stranger(path, why) == RA_OK && memchr(why, 0, sizeof why), "a text");
}

static void read_stranger(const uint8_t *bytes, size_t size) { with_file(bytes, size, look_at); }

/* ---- the list, and libFuzzer's two functions ---- */

typedef struct reader {
  const char *name;
  void (*read)(const uint8_t *bytes, size_t size);
} reader;

static const reader readers[] = {
#define RA_IMAGE_FORMAT(name) {#name, read_##name},
#include "../../core/codec/formats.def"
  {"arrays", read_arrays}, {"safetensors", read_safetensors}, {"template", read_template}, {"checkpoint", read_checkpoint},
  {"archive", read_archive}, {"headers", read_headers}, {"stranger", read_stranger},
};
enum { READERS = sizeof readers / sizeof *readers };

static const reader *chosen;

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerInitialize(int *count, char ***arguments) {
  for (int i = 1; i < *count; i++) {
    const char *given = (*arguments)[i];
    for (int k = 0; k < READERS; k++) {
      if (strcmp(given, "--list") == 0) puts(readers[k].name);
      if (strncmp(given, "--reader=", 9) == 0 && strcmp(given + 9, readers[k].name) == 0) chosen = &readers[k];
    }
  }
  if (!chosen) exit(2);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  double before = ra_mem_live();
  chosen->read(bytes, size);
  must(ra_mem_live() == before, "memory is given back");
  return 0;
}
