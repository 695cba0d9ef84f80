/* png_mark.h: the mark by which whoever wrote a PNG knows it again. It stands in a chunk of its own, "raMK", before the pixels: by its
 * name (last letter large) it is not to be copied when the pixels change, so that a file which somebody edited has none any more.
 * The chunk "Software" says the same to people and programs, and many programs keep it. */
#ifndef RA_PNG_MARK_H
#define RA_PNG_MARK_H

#include <png.h>
#include <string.h>

/* png_write_info with a mark [opt]. */
static inline void ra_png_write_info(png_structp png, png_infop info, const char *mark) {
  char key[] = "Software", text[200] = "";
  if (mark) {
    strncpy(text, mark, sizeof text - 1);
    png_text entry = {.compression = PNG_TEXT_COMPRESSION_NONE, .key = key, .text = text, .text_length = strlen(text)};
    png_set_text(png, info, &entry, 1);
  }
  png_write_info(png, info);
  if (mark) png_write_chunk(png, (png_const_bytep)"raMK", (png_const_bytep)text, strlen(text));
}

#endif
