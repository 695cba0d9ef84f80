/* GIF through giflib, which is opened when the first one is met: the first frame, on the canvas of the file. It gives RGB and the
 * entries of the palette; the entry that is declared transparent has alpha 0. Later frames are drawn over the first by rules of
 * their own, so they are counted and not read. */
#include <stdio.h>
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "../library/gif.h"
#include "codec.h"

/* ---- the blocks of the file, walked before giflib sees it: a file that was cut in a later frame is not whole ---- */

typedef struct walk {
  const uint8_t *bytes;
  size_t size, at;
} walk;

static bool skip(walk *w, size_t n) {
  if (n > w->size - w->at) return false;
  w->at += n;
  return true;
}

/* Blocks of 1 to 255 bytes until an empty one. */
static bool skip_blocks(walk *w) {
  while (w->at < w->size) {
    size_t n = w->bytes[w->at++];
    if (n == 0) return true;
    if (!skip(w, n)) return false;
  }
  return false;
}

static size_t palette_bytes(uint8_t flags) { return flags & 0x80 ? (size_t)6 << (flags & 7) : 0; }

static int32_t count_frames(const uint8_t *bytes, size_t size, int32_t *frames) {
  walk w = {bytes, size, 0};
  bool whole = size >= 13 && skip(&w, 13 + palette_bytes(bytes[10]));
  *frames = 0;
  while (whole && w.at < size) {
    uint8_t kind = bytes[w.at++];
    if (kind == ';') return *frames > 0 ? RA_OK : ra_fail(RA_ERR_FORMAT, "the file has no image");
    if (kind == '!') whole = skip(&w, 1) && skip_blocks(&w);
    else if (kind == ',') {
      uint8_t flags = size - w.at >= 9 ? bytes[w.at + 8] : 0;
      whole = skip(&w, 10 + palette_bytes(flags)) && skip_blocks(&w);
      ++*frames;
    } else if (*frames > 0) return RA_OK; /* what follows the images is not of the format */
    else return ra_fail(RA_ERR_FORMAT, "byte %zu begins no block: broken", w.at);
  }
  return ra_fail(RA_ERR_FORMAT, "the file ends before its end mark: cut off");
}

/* ---- the first frame ---- */

typedef struct job {
  const uint8_t *bytes;
  size_t size, at;
  GifFileType *gif;
  ra_pixels *picture;
  int32_t transparent; /* entry; -1: none */
} job;

static int take(GifFileType *gif, GifByteType *to, int count) {
  job *j = gif->UserData;
  size_t left = j->size - j->at, n = (size_t)count < left ? (size_t)count : left;
  memcpy(to, j->bytes + j->at, n);
  j->at += n;
  return (int)n;
}

static int32_t fail_library(int error) {
  const char *why = GifErrorString(error);
  return ra_fail(RA_ERR_FORMAT, "%s", why ? why : "giflib gives no reason");
}

static int32_t read_extension(job *j) {
  int code;
  GifByteType *data;
  if (DGifGetExtension(j->gif, &code, &data) == GIF_ERROR) return fail_library(j->gif->Error);
  while (data) {
    if (code == GRAPHICS_EXT_FUNC_CODE && data[0] >= 4) j->transparent = data[1] & 1 ? data[4] : -1;
    if (DGifGetExtensionNext(j->gif, &data) == GIF_ERROR) return fail_library(j->gif->Error);
  }
  return RA_OK;
}

/* Up to the first image and its description. */
static int32_t find_image(job *j) {
  for (;;) {
    GifRecordType kind;
    if (DGifGetRecordType(j->gif, &kind) == GIF_ERROR) return fail_library(j->gif->Error);
    if (kind == EXTENSION_RECORD_TYPE) RA_TRY(read_extension(j));
    else if (kind != IMAGE_DESC_RECORD_TYPE) return ra_fail(RA_ERR_FORMAT, "the file has no image");
    else return DGifGetImageDesc(j->gif) == GIF_ERROR ? fail_library(j->gif->Error) : RA_OK;
  }
}

/* Entries of the frame's rows, which stand in the order of the file: in an interlaced one every 8th, 8th, 4th, 2nd. */
static int32_t read_rows(job *j) {
  static const int32_t from[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
  const GifImageDesc *d = &j->gif->Image;
  ra_pixels *p = j->picture;
  for (int32_t pass = 0; pass < (d->Interlace ? 4 : 1); pass++)
    for (int32_t y = d->Interlace ? from[pass] : 0; y < d->Height; y += d->Interlace ? step[pass] : 1) {
      uint8_t *to = p->entry + (size_t)(d->Top + y) * (size_t)p->width + (size_t)d->Left;
      if (DGifGetLine(j->gif, to, d->Width) == GIF_ERROR) return fail_library(j->gif->Error);
    }
  return RA_OK;
}

/* Colours of the entries; without a palette they are grey values. An entry that the palette lacks is black. */
static void colour(job *j) {
  ra_pixels *p = j->picture;
  const ColorMapObject *map = j->gif->Image.ColorMap ? j->gif->Image.ColorMap : j->gif->SColorMap;
  p->entries = map ? map->ColorCount : 256;
  for (size_t i = 0; i < (size_t)p->width * (size_t)p->height; i++) {
    int32_t k = p->entry[i];
    GifColorType c = {0, 0, 0};
    if (!map) c.Red = c.Green = c.Blue = (GifByteType)k;
    else if (k < map->ColorCount) c = map->Colors[k];
    p->sample[3 * i] = c.Red;
    p->sample[3 * i + 1] = c.Green;
    p->sample[3 * i + 2] = c.Blue;
    if (p->alpha) p->alpha[i] = k == j->transparent ? 0 : 255;
  }
}

static int32_t read_all(job *j, bool header_only) {
  RA_TRY(find_image(j));
  const GifImageDesc *d = &j->gif->Image;
  ra_pixels *p = j->picture;
  int32_t width = d->Left + d->Width, height = d->Top + d->Height;
  if (d->Width < 1 || d->Height < 1) return ra_fail(RA_ERR_FORMAT, "an image of %d x %d pixels is empty", d->Width, d->Height);
  if (width < j->gif->SWidth) width = j->gif->SWidth;
  if (height < j->gif->SHeight) height = j->gif->SHeight;
  p->bits = 8;
  p->max_value = 255;
  /* a code of 12 bits stands for 4096 pixels at most */
  RA_TRY(ra_pixels_size(p, 3, width, height, (double)j->size * 4096 * 8 / 12 * 3, header_only));
  if (header_only) return RA_OK;
  size_t area = (size_t)width * (size_t)height;
  if (!(p->entry = ra_mem_alloc(area, 1))) return RA_ERR_MEMORY;
  if (j->transparent >= 0 && !(p->alpha = ra_mem_alloc(area, sizeof *p->alpha))) return RA_ERR_MEMORY;
  memset(p->entry, j->transparent >= 0 ? j->transparent : 0, area); /* where the frame is smaller than the canvas */
  RA_TRY(read_rows(j));
  colour(j);
  return RA_OK;
}

static bool is_gif(const uint8_t *bytes, size_t size) { return size >= 4 && memcmp(bytes, "GIF8", 4) == 0; }

static int32_t decode(const uint8_t *bytes, size_t size, bool header_only, ra_pixels *out) {
  job j = {.bytes = bytes, .size = size, .picture = out, .transparent = -1};
  int error = 0;
  RA_TRY(count_frames(bytes, size, &out->details.frames));
  if (out->frame > 0 && out->frame < out->details.frames)
    return ra_fail(RA_ERR_FORMAT, "the frames of an animation are drawn over each other, and only the first is read; convert FILE.gif "
                   "-coalesce FILE_%%03d.png (ImageMagick) makes an image of each");
  RA_TRY(ra_gif_open());
  if (!(j.gif = DGifOpen(&j, take, &error))) return fail_library(error);
  int32_t code = read_all(&j, header_only);
  DGifCloseFile(j.gif, &error);
  return code;
}

const ra_image_format ra_image_gif = {
  .name = "GIF", .extensions = "gif", .is = is_gif, .decode = decode, .writes = "no",
  .reads = "through giflib: the first frame, interlaced too (gives RGB); transparency is alpha as in PNG",
};
