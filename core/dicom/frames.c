/* Encapsulated pixels (PS3.5, annex A.4): a list of items. The first is the basic offset table, which may be empty, the others are
 * fragments of compressed streams, up to a delimiter. A frame is
 *   what the extended offset table (7FE0,0001) or the basic one points to,
 *   else all fragments where there is one frame, fragment k where there are as many as frames,
 *   else the fragments from the k-th that begins as a stream does up to the next. */
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "dicom.h"

typedef struct list {
  const uint8_t *first, *end; /* the fragments' items; offsets count from first */
  ra_dicom_span offsets;      /* the basic table */
  int32_t fragments, starts;
} list;

static const uint8_t ITEM[4] = {0xfe, 0xff, 0x00, 0xe0}, END[4] = {0xfe, 0xff, 0xdd, 0xe0};

/* The item at `at`; *next <- what follows it. */
static int32_t item(const uint8_t *at, const uint8_t *end, ra_dicom_span *value, const uint8_t **next) {
  if (at > end || end - at < 8 || memcmp(at, ITEM, 4) != 0)
    return ra_fail(RA_ERR_FORMAT, "the compressed pixels end without a delimiter: broken or cut off");
  size_t length = ra_dicom_word(at + 4, 4, false);
  if (length > (size_t)(end - at) - 8)
    return ra_fail(RA_ERR_FORMAT, "a fragment of the pixels is %zu bytes, of which the file holds %zu: broken or cut off", length,
                   (size_t)(end - at) - 8);
  *value = (ra_dicom_span){at + 8, length};
  *next = at + 8 + length;
  return RA_OK;
}

/* Does a compressed image begin here? */
static bool starts(const ra_dicom *d, ra_dicom_span s) {
  if (d->syntax->codec == RA_DICOM_RLE) return true;
  const char *mark = d->syntax->codec == RA_DICOM_JPEG_2000 ? "\xff\x4f\xff\x51" : "\xff\xd8\xff";
  return s.size >= strlen(mark) && memcmp(s.at, mark, strlen(mark)) == 0;
}

static int32_t look(const ra_dicom *d, list *l) {
  ra_dicom_span pixels = d->value[RA_DICOM_PIXELS], s;
  const uint8_t *end = pixels.at + pixels.size;
  RA_TRY(item(pixels.at, end, &l->offsets, &l->first));
  for (const uint8_t *at = l->first;; l->fragments++) {
    if (end - at >= 8 && memcmp(at, END, 4) == 0) {
      l->end = at;
      return RA_OK;
    }
    RA_TRY(item(at, end, &s, &at));
    l->starts += starts(d, s);
  }
}

/* *at <- entry k of a table of offsets of `bytes` bytes; l->end for the one behind the last. */
static int32_t pointed(const list *l, ra_dicom_span table, int32_t bytes, int32_t k, const uint8_t **at) {
  *at = l->end;
  if (((size_t)k + 1) * (size_t)bytes > table.size) return RA_OK;
  const uint8_t *entry = table.at + (size_t)k * (size_t)bytes;
  uint64_t offset = ra_dicom_word(entry, 4, false) | (bytes == 8 ? (uint64_t)ra_dicom_word(entry + 4, 4, false) << 32 : 0);
  if (offset >= (uint64_t)(l->end - l->first) || memcmp(l->first + offset, ITEM, 4) != 0)
    return ra_fail(RA_ERR_FORMAT, "the offset table points to no fragment for frame %d: broken", k);
  *at = l->first + offset;
  return RA_OK;
}

/* Items [*from, *to) of a frame. */
static int32_t items_of(const ra_dicom *d, const list *l, int32_t frame, const uint8_t **from, const uint8_t **to) {
  int32_t bytes = d->value[RA_DICOM_OFFSETS].size > 0 ? 8 : 4;
  ra_dicom_span table = bytes == 8 ? d->value[RA_DICOM_OFFSETS] : l->offsets;
  if (table.size >= (size_t)d->frames * (size_t)bytes) {
    RA_TRY(pointed(l, table, bytes, frame, from));
    if (frame + 1 < d->frames) return pointed(l, table, bytes, frame + 1, to);
    *to = l->end;
    return RA_OK;
  }
  *from = l->first;
  *to = l->end;
  if (d->frames == 1) return RA_OK;
  bool each = l->fragments == d->frames;
  if (!each && l->starts != d->frames)
    return ra_fail(RA_ERR_FORMAT, "there are %d fragments for %d frames, and no offset table that says whose they are", l->fragments,
                   d->frames);
  const uint8_t *at = l->first, *next;
  for (int32_t k = -1; at < l->end; at = next) {
    ra_dicom_span s;
    RA_TRY(item(at, l->end, &s, &next));
    k += each || starts(d, s);
    if (k == frame + 1) break;
    if (k < frame) *from = next;
  }
  *to = at;
  return RA_OK;
}

int32_t ra_dicom_stream(const ra_dicom *d, int32_t frame, ra_dicom_span *stream, uint8_t **joined) {
  list l = {0};
  const uint8_t *from = NULL, *to = NULL, *next;
  ra_dicom_span s;
  size_t used = 0, total = 0;
  *joined = NULL;
  RA_TRY(look(d, &l));
  RA_TRY(items_of(d, &l, frame, &from, &to));
  if (from >= to) return ra_fail(RA_ERR_FORMAT, "frame %d has no fragment: broken", frame);
  RA_TRY(item(from, to, stream, &next));
  if (next >= to) return RA_OK;
  for (const uint8_t *at = from; at < to; at = next) {
    RA_TRY(item(at, to, &s, &next));
    total += s.size;
  }
  *joined = ra_mem_alloc(total, 1);
  if (!*joined) return RA_ERR_MEMORY;
  for (const uint8_t *at = from; at < to; at = next) {
    (void)item(at, to, &s, &next);
    memcpy(*joined + used, s.at, s.size);
    used += s.size;
  }
  *stream = (ra_dicom_span){*joined, total};
  return RA_OK;
}
