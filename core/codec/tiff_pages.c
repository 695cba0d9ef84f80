/* The list of a TIFF's pages, walked before libtiff sees the file: libtiff keeps the data of every tag, so that a page whose tags
 * share their bytes would become as many copies; and a file that was cut in a later page would pass for a whole one. */
#include "../base/error.h"
#include "tiff.h"

typedef struct walk {
  const uint8_t *bytes;
  uint64_t size;
  bool swapped, big; /* big-endian; BigTIFF */
} walk;

/* An unsigned number of n bytes, which lie inside the file. */
static uint64_t number(const walk *w, uint64_t at, int32_t n) {
  uint64_t v = 0;
  for (int32_t i = 0; i < n; i++) v = v << 8 | w->bytes[at + (uint64_t)(w->swapped ? i : n - 1 - i)];
  return v;
}

/* Bytes of one value, by the tag's type. */
static uint64_t type_bytes(uint64_t type) {
  static const uint8_t bytes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
  return type < sizeof bytes ? bytes[type] : 0;
}

/* Bytes that the tags of the page at `at` refer to, at most the file's size for each. */
static double data_of(const walk *w, uint64_t at, uint64_t tags) {
  double sum = 0;
  for (uint64_t i = 0; i < tags; i++, at += w->big ? 20 : 12) {
    double bytes = (double)number(w, at + 4, w->big ? 8 : 4) * (double)type_bytes(number(w, at + 2, 2));
    sum += bytes < (double)w->size ? bytes : (double)w->size;
  }
  return sum;
}

int32_t ra_tiff_pages(const uint8_t *bytes, size_t size, int32_t *frames) {
  walk w = {bytes, size, bytes[0] == 'M', bytes[0] == 'M' ? bytes[3] == 43 : bytes[2] == 43};
  uint64_t link = w.big ? 8 : 4, head = w.big ? 8 : 2, entry = w.big ? 20 : 12, used = 0, at = 0;
  if (size < 2 * link) return ra_fail(RA_ERR_FORMAT, "the file ends in its header: cut off");
  *frames = 0;
  for (at = number(&w, link, (int32_t)link); at != 0; at = number(&w, at, (int32_t)link)) {
    bool inside = at <= size && size - at >= head + link;
    uint64_t tags = inside ? number(&w, at, (int32_t)head) : 0;
    if (!inside || tags > (size - at - head - link) / entry)
      return ra_fail(RA_ERR_FORMAT, "page %d lies beyond the end of the file: broken or cut off", *frames + 1);
    used += head + tags * entry + link;
    if (used > size) return ra_fail(RA_ERR_FORMAT, "the pages refer to each other in a circle: broken");
    if (data_of(&w, at + head, tags) > 4.0 * (double)size)
      return ra_fail(RA_ERR_FORMAT, "the tags of page %d promise more data than the file holds: broken", *frames + 1);
    at += head + tags * entry;
    ++*frames;
  }
  if (*frames == 0) return ra_fail(RA_ERR_FORMAT, "the file has no page");
  return RA_OK;
}
