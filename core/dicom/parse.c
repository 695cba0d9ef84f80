/* The data set of a DICOM file: a list of elements (tag, VR, length, value), where a value may be a sequence of items that hold
 * lists of elements themselves (PS3.5, section 7; PS3.10 for preamble and group 2). Elements of the list in dicom.h are kept as
 * spans, all others are stepped over. */
#include <stdio.h>
#include <string.h>

#include "../base/error.h"
#include "../base/limits.h"
#include "../base/mem.h"
#include "../file/inflate.h"
#include "dicom.h"

static const uint32_t UNDEFINED = UINT32_MAX, ITEM = 0xfffee000, ITEM_END = 0xfffee00d, SEQUENCE_END = 0xfffee0dd;
#define REGIONS 0x00186011u
#define FRAME_GROUPS 0x52009230u

typedef struct reader {
  const uint8_t *at, *end;
  bool big, implicit;
  int32_t frame; /* whose functional group is wanted */
  ra_dicom *d;
} reader;

typedef struct element {
  uint32_t tag, length;
  char vr[3];
} element;

static const uint32_t tags[RA_DICOM_COUNT] = {
#define RA_DICOM_TAG(name, tag) [RA_DICOM_##name] = tag,
  RA_DICOM_ELEMENTS(RA_DICOM_TAG)
#undef RA_DICOM_TAG
};

/* Sequences whose items are looked into: regions of an ultrasound, modality LUT, functional groups and what they hold of measures,
 * window and rescaling. */
static const uint32_t entered[] = {REGIONS, 0x00283000, 0x52009229, FRAME_GROUPS, 0x00289110, 0x00289132, 0x00289145};

static bool is_entered(uint32_t tag) {
  for (size_t i = 0; i < sizeof entered / sizeof *entered; i++)
    if (entered[i] == tag) return true;
  return false;
}

uint32_t ra_dicom_word(const uint8_t *at, int32_t bytes, bool big) {
  uint32_t v = 0;
  for (int32_t i = 0; at && i < bytes; i++) v = v << 8 | at[big ? i : bytes - 1 - i];
  return v;
}

static bool is_letter(uint8_t c) { return c >= 'A' && c <= 'Z'; }

/* Is this VR followed by two reserved bytes and a length of four? */
static bool long_vr(const char *vr) {
  static const char list[] = "OB OD OF OL OV OW SQ SV UC UN UR UT UV";
  return strlen(vr) == 2 && strstr(list, vr) != NULL;
}

static int32_t cut(const reader *r, uint32_t tag) {
  return ra_fail(RA_ERR_FORMAT, "the file ends %zu bytes into element (%04X,%04X), before its end: broken or cut off",
                 (size_t)(r->end - r->at), tag >> 16, tag & 0xffff);
}

/* Tag, VR and length of the next element, of which at least 8 bytes are there. */
static int32_t next(reader *r, element *e) {
  if (r->end - r->at < 8) return ra_fail(RA_ERR_FORMAT, "the file ends in the middle of an element: broken or cut off");
  *e = (element){.tag = ra_dicom_word(r->at, 2, r->big) << 16 | ra_dicom_word(r->at + 2, 2, r->big)};
  if (r->implicit || e->tag >> 16 == 0xfffe) {
    e->length = ra_dicom_word(r->at + 4, 4, r->big);
    r->at += 8;
    return RA_OK;
  }
  if (!is_letter(r->at[4]) || !is_letter(r->at[5]))
    return ra_fail(RA_ERR_FORMAT, "element (%04X,%04X) has no value representation: broken", e->tag >> 16, e->tag & 0xffff);
  memcpy(e->vr, r->at + 4, 2);
  if (!long_vr(e->vr)) {
    e->length = ra_dicom_word(r->at + 6, 2, r->big);
    r->at += 8;
    return RA_OK;
  }
  if (r->end - r->at < 12) return cut(r, e->tag);
  e->length = ra_dicom_word(r->at + 8, 4, r->big);
  r->at += 12;
  return RA_OK;
}

static int32_t walk(reader *r, const uint8_t *end, int32_t depth, bool wanted);

/* An ultrasound's region that is flat and measured in cm is the one whose spacing counts: the first of them stays. */
static void choose_region(ra_dicom *d) {
  const ra_dicom_span *v = d->value;
  bool flat = v[RA_DICOM_REGION_FORMAT].size == 2 && ra_dicom_word(v[RA_DICOM_REGION_FORMAT].at, 2, d->syntax->big) == 1;
  for (int32_t k = RA_DICOM_REGION_UNITS_X; k <= RA_DICOM_REGION_UNITS_Y; k++)
    flat = flat && v[k].size == 2 && ra_dicom_word(v[k].at, 2, d->syntax->big) == 3;
  if (!flat) memset(&d->value[RA_DICOM_REGION_FORMAT], 0, 5 * sizeof *v);
}

/* The items of a sequence, up to its end or its delimiter; at the end of an encapsulated stream's too. */
static int32_t items(reader *r, const element *of, int32_t depth, bool wanted) {
  const uint8_t *end = of->length == UNDEFINED ? r->end : r->at + of->length;
  for (int32_t i = 0; r->at < end; i++) {
    element e;
    RA_TRY(next(r, &e));
    if (e.tag == SEQUENCE_END && of->length == UNDEFINED) return RA_OK;
    if (e.tag != ITEM)
      return ra_fail(RA_ERR_FORMAT, "sequence (%04X,%04X) holds (%04X,%04X) where an item was wanted: broken", of->tag >> 16,
                     of->tag & 0xffff, e.tag >> 16, e.tag & 0xffff);
    if (e.length != UNDEFINED && e.length > (size_t)(end - r->at)) return cut(r, e.tag);
    bool into = wanted && (of->tag == FRAME_GROUPS ? i == r->frame : of->tag == REGIONS ? !r->d->value[RA_DICOM_REGION_FORMAT].at : i == 0);
    if (!into && e.length != UNDEFINED) r->at += e.length;
    else RA_TRY(walk(r, e.length == UNDEFINED ? NULL : r->at + e.length, depth + 1, into));
    if (into && of->tag == REGIONS) choose_region(r->d);
  }
  return of->length == UNDEFINED ? cut(r, of->tag) : RA_OK;
}

static int32_t sequence(reader *r, const element *e, int32_t depth, bool wanted) {
  if (depth >= RA_LIMIT_DICOM_DEPTH) return ra_fail(RA_ERR_FORMAT, "more than %d sequences in sequences: broken", RA_LIMIT_DICOM_DEPTH);
  bool implicit = r->implicit;
  if (strcmp(e->vr, "UN") == 0) r->implicit = true; /* PS3.5, 6.2.2, note 2 */
  int32_t code = items(r, e, depth, wanted);
  r->implicit = implicit;
  return code;
}

static void keep(reader *r, const element *e) {
  for (int32_t k = 0; k < RA_DICOM_COUNT; k++)
    if (tags[k] == e->tag) r->d->value[k] = (ra_dicom_span){r->at, e->length};
}

/* A list of elements: up to `end`, or (NULL) up to an item's delimiter. The data set's own list (depth 0) ends with its pixels. */
static int32_t walk(reader *r, const uint8_t *end, int32_t depth, bool wanted) {
  while (end ? r->at < end : true) {
    element e;
    RA_TRY(next(r, &e));
    if (e.tag == ITEM_END && !end) return RA_OK;
    bool pixels = depth == 0 && e.tag == tags[RA_DICOM_PIXELS];
    if (pixels && e.length == UNDEFINED) {
      r->d->encapsulated = true;
      r->d->value[RA_DICOM_PIXELS] = (ra_dicom_span){r->at, (size_t)(r->end - r->at)};
      return RA_OK;
    }
    size_t left = (size_t)((end ? end : r->end) - r->at);
    if (e.length != UNDEFINED && e.length > left) {
      if (pixels)
        return ra_fail(RA_ERR_FORMAT, "the pixels are %u bytes, of which the file holds %zu: broken or cut off", e.length, left);
      return cut(r, e.tag);
    }
    bool enter = wanted && is_entered(e.tag);
    if (enter || e.length == UNDEFINED) {
      RA_TRY(sequence(r, &e, depth, enter));
      continue;
    }
    if (wanted) keep(r, &e);
    if (pixels) r->d->word_pixels = strcmp(e.vr, "OW") == 0;
    r->at += e.length;
    if (pixels) return RA_OK;
  }
  return RA_OK;
}

/* ---- the file around the data set ---- */

/* Does a data set begin here, with an element of group 2 or 8? */
static bool begins(const uint8_t *at, size_t size, bool *big, bool *implicit) {
  if (size < 8) return false;
  *big = at[0] == 0;
  uint32_t group = ra_dicom_word(at, 2, *big), number = ra_dicom_word(at + 2, 2, *big);
  *implicit = !(is_letter(at[4]) && is_letter(at[5]));
  uint32_t length = *implicit ? ra_dicom_word(at + 4, 4, *big) : 0;
  return (group == 2 || group == 8) && number <= 0x0140 && length <= size - 8;
}

bool ra_dicom_is(const uint8_t *bytes, size_t size) {
  bool big, implicit;
  return (size >= 132 && memcmp(bytes + 128, "DICM", 4) == 0) || begins(bytes, size, &big, &implicit);
}

/* Group 2 is always explicit and little endian (a file without preamble may have it implicit). */
static int32_t meta(reader *r) {
  while (r->end - r->at >= 8 && ra_dicom_word(r->at, 2, false) == 2) {
    element e;
    RA_TRY(next(r, &e));
    if (e.length > (size_t)(r->end - r->at)) return cut(r, e.tag);
    keep(r, &e);
    r->at += e.length;
  }
  return RA_OK;
}

static int32_t choose_syntax(reader *r) {
  static const char *const guess[2][2] = {{"1.2.840.10008.1.2.1", "1.2.840.10008.1.2"}, {"1.2.840.10008.1.2.2", NULL}};
  ra_dicom_span uid = r->d->value[RA_DICOM_TRANSFER_SYNTAX];
  if (!uid.at) {
    bool big, implicit;
    if (!begins(r->at, (size_t)(r->end - r->at), &big, &implicit) || !guess[big][implicit])
      return ra_fail(RA_ERR_FORMAT, "there is no Transfer Syntax (0002,0010), and no data set that would tell it: broken");
    uid = (ra_dicom_span){(const uint8_t *)guess[big][implicit], strlen(guess[big][implicit])};
  }
  r->d->syntax = ra_dicom_syntax_of(uid);
  if (r->d->syntax) return RA_OK;
  char text[65] = "";
  for (size_t i = 0; i < uid.size && i < 64; i++) text[i] = (uid.at[i] >= '.' && uid.at[i] <= '9') ? (char)uid.at[i] : 0;
  return ra_fail(RA_ERR_FORMAT, "the Transfer Syntax '%s' is unknown; convert the file: gdcmconv --raw IN OUT", text);
}

/* The data set of a deflated file. */
static int32_t inflate_all(reader *r) {
  uint8_t *block;
  size_t size;
  int32_t code = ra_inflate_raw(r->at, (size_t)(r->end - r->at), RA_LIMIT_DICOM_INFLATED + 1, &block, &size);
  if (code != RA_OK) return code == RA_ERR_FORMAT ? ra_fail(code, "the deflated data set is broken or cut off") : code;
  r->d->inflated = block;
  if (size > RA_LIMIT_DICOM_INFLATED) return ra_fail(RA_ERR_FORMAT, "the deflated data set has more than 2^28 bytes");
  r->at = block;
  r->end = block + size;
  return RA_OK;
}

int32_t ra_dicom_parse(const uint8_t *bytes, size_t size, int32_t frame, ra_dicom *d) {
  *d = (ra_dicom){0};
  reader r = {.at = bytes, .end = bytes + size, .frame = frame, .d = d};
  if (size >= 132 && memcmp(bytes + 128, "DICM", 4) == 0) r.at += 132;
  else if (ra_dicom_word(bytes, 2, false) == 2) r.implicit = !(is_letter(bytes[4]) && is_letter(bytes[5]));
  RA_TRY(meta(&r));
  RA_TRY(choose_syntax(&r));
  if (d->syntax->deflated) RA_TRY(inflate_all(&r));
  r.big = d->syntax->big;
  r.implicit = !(r.end - r.at >= 8 && is_letter(r.at[4]) && is_letter(r.at[5])); /* of files that say the one and do the other, too */
  return walk(&r, r.end, 0, true);
}

int32_t ra_dicom_open(const uint8_t *bytes, size_t size, int32_t frame, ra_dicom *d) {
  RA_TRY(ra_dicom_parse(bytes, size, frame, d));
  return ra_dicom_facts(d);
}

void ra_dicom_close(ra_dicom *d) {
  ra_mem_free(d->inflated);
  *d = (ra_dicom){0};
}
