/* limits.h: how much a file from elsewhere may ask for. A size that a file gives is compared with the file first; these hold where that
 * bounds nothing, as behind compression. docs/reference/limits.md is made from the lines below: name, value, unit; why. */
#ifndef RA_BASE_LIMITS_H
#define RA_BASE_LIMITS_H

#include <stddef.h>

/* Images */
#define RA_LIMIT_IMAGE_FILE (1 << 30) /* bytes of an image's file; it is read whole */
#define RA_IMAGE_SIDE_MAX (1 << 20) /* pixels along one side; products of two sides stay below 2^41 */
#define RA_IMAGE_SAMPLES_MAX (1 << 28) /* pixels times channels; 1 GB as float32 */
#define RA_LIMIT_JPEG_SCANS 100 /* scans of a progressive JPEG; a file with more is made to waste time */
#define RA_LIMIT_DICOM_DEPTH 16 /* sequences in sequences of a DICOM file; each takes a frame of the stack */
#define RA_LIMIT_DICOM_INFLATED (1 << 28) /* bytes of a deflated DICOM data set */
#define RA_LIMIT_POLYGON_POINTS (1 << 20) /* points of a polygon */

/* Arrays and checkpoints */
#define RA_LIMIT_NPY_HEADER (1 << 16) /* bytes of the header of a .npy array; NumPy's own is below 10 000 */
#define RA_LIMIT_NPZ_BYTES ((size_t)4 << 30) /* bytes of all arrays of a .npz file, unpacked; they are held in memory */
#define RA_LIMIT_NPZ_ALWAYS ((size_t)64 << 20) /* bytes that any .npz file may unpack to, however small it is */
#define RA_LIMIT_SAFETENSORS_HEADER (100 << 20) /* bytes of the header of a safetensors file; as the format's own library has it */
#define RA_LIMIT_TEMPLATE_CHANNELS (1 << 20) /* channels of a model's input */
#define RA_LIMIT_TEMPLATE_ENTRIES (1 << 20) /* ops, parameters and outputs of a model's template, each */

/* Archives, folders and downloads */
#define RA_LIMIT_UNPACK_RATIO 250 /* times its own size that an archive or .npz file unpacks to; real ones stay below 50 */
#define RA_LIMIT_UNPACK_ALWAYS 100e6 /* bytes that any archive may unpack to, whatever its ratio */
#define RA_LIMIT_UNPACK_BYTES 64e9 /* bytes that an archive unpacks to */
#define RA_LIMIT_UNPACK_FILES 1000000 /* files in an archive */
#define RA_LIMIT_DEPTH 64 /* folders in folders of an archive; what was unpacked can also be removed */
#define RA_LIMIT_REMOVE_DEPTH (RA_LIMIT_DEPTH + 16) /* folders in folders that are removed; an archive's, below those of a data set */
#define RA_LIMIT_DOWNLOAD 64e9 /* bytes of a download whose size nobody says */
#define RA_LIMIT_REDIRECTS 10 /* addresses that a server may send on to */
#define RA_LIMIT_ERROR_PAGE (1 << 16) /* bytes of the page that comes with a server's error; it is not kept */

#endif
