/* png_mark.h: the text by which whoever wrote a PNG knows it again: its chunk "Software", before the pixels. */
#ifndef RA_PNG_MARK_H
#define RA_PNG_MARK_H

#include <png.h>
#include <string.h>

static inline void ra_png_mark(png_structp png, png_infop info, const char *mark) {
  char key[] = "Software", text[200] = "";
  strncpy(text, mark, sizeof text - 1);
  png_text entry = {.compression = PNG_TEXT_COMPRESSION_NONE, .key = key, .text = text, .text_length = strlen(text)};
  png_set_text(png, info, &entry, 1);
}

#endif
