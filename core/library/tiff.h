/* libtiff (4.5 or newer), opened when it is first needed (dl.h). Its functions keep their names, which are macros here;
 * before the first call: RA_TRY(ra_tiff_open()). */
#ifndef RA_DL_TIFF_H
#define RA_DL_TIFF_H

#include <tiffio.h>

#include "dl.h"

#define RA_TIFF_CALLS(f) \
  f(TIFFClientOpenExt) f(TIFFClose) f(TIFFGetField) f(TIFFGetFieldDefaulted) f(TIFFIsTiled) f(TIFFNumberOfStrips) \
  f(TIFFNumberOfTiles) f(TIFFOpenOptionsAlloc) f(TIFFOpenOptionsFree) f(TIFFOpenOptionsSetErrorHandlerExtR) \
  f(TIFFOpenOptionsSetMaxSingleMemAlloc) f(TIFFOpenOptionsSetWarningHandlerExtR) f(TIFFRGBAImageBegin) \
  f(TIFFRGBAImageEnd) f(TIFFRGBAImageGet) f(TIFFRGBAImageOK) f(TIFFReadEncodedStrip) f(TIFFReadEncodedTile) \
  f(TIFFScanlineSize64) f(TIFFSetDirectory) f(TIFFSetField) f(TIFFTileRowSize64)

extern struct ra_tiff {
  RA_TIFF_CALLS(RA_DL_MEMBER)
} ra_tiff;

int32_t ra_tiff_open(void);

#ifndef RA_DL_C /* dl.c itself needs the names */
#define TIFFClientOpenExt ra_tiff.TIFFClientOpenExt
#define TIFFClose ra_tiff.TIFFClose
#define TIFFGetField ra_tiff.TIFFGetField
#define TIFFGetFieldDefaulted ra_tiff.TIFFGetFieldDefaulted
#define TIFFIsTiled ra_tiff.TIFFIsTiled
#define TIFFNumberOfStrips ra_tiff.TIFFNumberOfStrips
#define TIFFNumberOfTiles ra_tiff.TIFFNumberOfTiles
#define TIFFOpenOptionsAlloc ra_tiff.TIFFOpenOptionsAlloc
#define TIFFOpenOptionsFree ra_tiff.TIFFOpenOptionsFree
#define TIFFOpenOptionsSetErrorHandlerExtR ra_tiff.TIFFOpenOptionsSetErrorHandlerExtR
#define TIFFOpenOptionsSetMaxSingleMemAlloc ra_tiff.TIFFOpenOptionsSetMaxSingleMemAlloc
#define TIFFOpenOptionsSetWarningHandlerExtR ra_tiff.TIFFOpenOptionsSetWarningHandlerExtR
#define TIFFRGBAImageBegin ra_tiff.TIFFRGBAImageBegin
#define TIFFRGBAImageEnd ra_tiff.TIFFRGBAImageEnd
#define TIFFRGBAImageGet ra_tiff.TIFFRGBAImageGet
#define TIFFRGBAImageOK ra_tiff.TIFFRGBAImageOK
#define TIFFReadEncodedStrip ra_tiff.TIFFReadEncodedStrip
#define TIFFReadEncodedTile ra_tiff.TIFFReadEncodedTile
#define TIFFScanlineSize64 ra_tiff.TIFFScanlineSize64
#define TIFFSetDirectory ra_tiff.TIFFSetDirectory
#define TIFFSetField ra_tiff.TIFFSetField
#define TIFFTileRowSize64 ra_tiff.TIFFTileRowSize64
#endif

#endif
