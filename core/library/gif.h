/* giflib, opened when it is first needed (dl.h). Its functions keep their names, which are macros here; before the
 * first call: RA_TRY(ra_gif_open()). */
#ifndef RA_DL_GIF_H
#define RA_DL_GIF_H

#include <gif_lib.h>

#include "dl.h"

#define RA_GIF_CALLS(f) \
  f(DGifCloseFile) f(DGifGetExtension) f(DGifGetExtensionNext) f(DGifGetImageDesc) f(DGifGetLine) \
  f(DGifGetRecordType) f(DGifOpen) f(GifErrorString)

extern struct ra_gif {
  RA_GIF_CALLS(RA_DL_MEMBER)
} ra_gif;

int32_t ra_gif_open(void);

#ifndef RA_DL_C /* dl.c itself needs the names */
#define DGifCloseFile ra_gif.DGifCloseFile
#define DGifGetExtension ra_gif.DGifGetExtension
#define DGifGetExtensionNext ra_gif.DGifGetExtensionNext
#define DGifGetImageDesc ra_gif.DGifGetImageDesc
#define DGifGetLine ra_gif.DGifGetLine
#define DGifGetRecordType ra_gif.DGifGetRecordType
#define DGifOpen ra_gif.DGifOpen
#define GifErrorString ra_gif.GifErrorString
#endif

#endif
