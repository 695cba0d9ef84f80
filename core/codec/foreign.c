/* Files that come in the place of an image and are well known: what they are, and what makes an image of them. One row each, the
 * first that fits holds. A format that Ramus reads needs no row. In a text, FILE stands for the file's name without its ending. */
#include <string.h>
#include <strings.h>

#include "codec.h"

typedef struct kind {
  size_t at;           /* where the mark stands */
  size_t length;       /* of the mark; 0: a text, compared without regard to case, blanks before it passed over */
  const char *mark;
  const char *name, *cure;
} kind;

#define MARK(at, mark, name, cure) {at, sizeof mark - 1, mark, name, cure}
#define TEXT(mark, name, cure) {0, 0, mark, name, cure}
#define JP2 "opj_decompress -i FILE.jp2 -o FILE.png"
#define PAGE "it was fetched from a wrong or protected address: look at it in a browser, and fetch the image itself"
#define UNPACK "unpack it and name the image in it"
#define HEIF "heif-convert FILE.heic FILE.png"
#define MAGICK "convert FILE FILE.png (ImageMagick)"
#define NUMPY "save the array with numpy.save, as FILE.npy"
#define NIFTI "save a slice with numpy.save (nibabel.load), as FILE.npy"
#define FILM "ffmpeg -i FILE -vsync 0 FILE_%04d.png makes an image of every frame"

static const kind kinds[] = {
  TEXT("version https://git-lfs.github.com", "a Git LFS pointer", "git lfs install && git lfs pull"),
  TEXT("/annex/objects/", "a git-annex pointer", "git annex get FILE"),
  TEXT("<!doctype html", "a web page (HTML)", PAGE),
  TEXT("<html", "a web page (HTML)", PAGE),
  TEXT("<head", "a web page (HTML)", PAGE),
  TEXT("<svg", "a drawing (SVG)", "rsvg-convert -o FILE.png FILE.svg"),
  TEXT("<?xml", "XML", "a drawing (SVG): rsvg-convert -o FILE.png FILE.svg; a message of a server: fetch the image itself"),
  TEXT("{\"", "JSON", "it describes images, or is a message of a server; name the image itself"),
  MARK(0, "\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000", JP2),
  MARK(0, "\xff\x4f\xff\x51", "JPEG 2000 (a codestream)", "opj_decompress -i FILE.j2k -o FILE.png"),
  MARK(0, "\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL", "djxl FILE.jxl FILE.png"),
  MARK(0, "\xff\x0a", "JPEG XL", "djxl FILE.jxl FILE.png"),
  MARK(0, "II\xbc\1", "JPEG XR", "JxrDecApp -i FILE.jxr -o FILE.tif"),
  MARK(4, "ftypavif", "AVIF", "avifdec FILE.avif FILE.png"),
  MARK(4, "ftypavis", "AVIF", "avifdec FILE.avif FILE.png"),
  MARK(4, "ftyphei", "HEIC", HEIF),
  MARK(4, "ftyphev", "HEIC", HEIF),
  MARK(4, "ftypmif1", "HEIF", HEIF),
  MARK(4, "ftypmsf1", "HEIF", HEIF),
  MARK(4, "ftyp", "a film (MP4, MOV)", FILM),
  MARK(8, "AVI ", "a film (AVI)", FILM),
  MARK(0, "\x1a\x45\xdf\xa3", "a film (Matroska, WebM)", FILM),
  MARK(0, "\0\0\1\xba", "a film (MPEG)", FILM),
  MARK(0, "P7\n", "PAM", "pamtopnm FILE.pam > FILE.ppm"),
  MARK(0, "Pf\n", "PFM (float)", NUMPY),
  MARK(0, "PF\n", "PFM (float)", NUMPY),
  MARK(0, "8BPS", "Photoshop (PSD)", MAGICK),
  MARK(0, "gimp xcf", "GIMP (XCF)", "export it as PNG"),
  MARK(0, "\x76\x2f\x31\x01", "OpenEXR", MAGICK),
  MARK(0, "#?RADIANCE", "Radiance HDR", MAGICK),
  MARK(0, "\0\0\1\0", "an icon (ICO)", MAGICK),
  MARK(0, "SIMPLE  =", "FITS", "save the array with numpy.save (astropy.io.fits.getdata), as FILE.npy"),
  MARK(0, "%PDF", "PDF", "pdfimages -png FILE.pdf FILE (poppler-utils)"),
  MARK(0, "%!PS", "PostScript", "gs -sDEVICE=png16m -r300 -o FILE.png FILE.ps"),
  MARK(0, "NRRD", "NRRD", "save a slice with numpy.save (nrrd.read of pynrrd), as FILE.npy"),
  MARK(0, "ObjectType = Image", "MetaImage", "save a slice with numpy.save (SimpleITK.ReadImage), as FILE.npy"),
  MARK(0, "NDims = ", "MetaImage", "save a slice with numpy.save (SimpleITK.ReadImage), as FILE.npy"),
  MARK(344, "ni1\0", "the header of NIfTI, whose pixels are in a second file", NIFTI),
  MARK(0, "MATLAB 7.3", "MATLAB (HDF5)", "save the array with numpy.save (h5py), as FILE.npy"),
  MARK(0, "MATLAB 5.0", "MATLAB", "save the array with numpy.save (scipy.io.loadmat), as FILE.npy"),
  MARK(0, "\x89HDF\r\n\x1a\n", "HDF5", "save the array with numpy.save (h5py), as FILE.npy"),
  MARK(0, "\x80\2", "a Python pickle", NUMPY),
  MARK(0, "\x80\3", "a Python pickle", NUMPY),
  MARK(0, "\x80\4", "a Python pickle", NUMPY),
  MARK(0, "\x80\5", "a Python pickle", NUMPY),
  MARK(0, "PK\3\4", "a zip archive (without arrays of NumPy)", UNPACK),
  MARK(0, "PK\5\6", "an empty zip archive", UNPACK),
  MARK(0, "BZh", "bzip2", "bunzip2 FILE.bz2"),
  MARK(0, "\xfd""7zXZ", "xz", "unxz FILE.xz"),
  MARK(0, "\x28\xb5\x2f\xfd", "Zstandard", "unzstd FILE.zst"),
  MARK(0, "7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
  MARK(0, "Rar!", "a RAR archive", UNPACK),
  MARK(257, "ustar", "a tar archive", UNPACK),
  MARK(0, "\xd0\xcf\x11\xe0", "a file of Office or Windows (as Thumbs.db)", "it is no image; leave it out"),
};

static bool is_text(const kind *k, const uint8_t *bytes, size_t size) {
  size_t from = size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0, length = strlen(k->mark);
  while (from < size && strchr(" \t\r\n", bytes[from]) && bytes[from]) from++;
  return size - from >= length && strncasecmp((const char *)bytes + from, k->mark, length) == 0;
}

bool ra_image_foreign(const uint8_t *bytes, size_t size, const char **name, const char **cure) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    const kind *k = &kinds[i];
    bool fits = k->length == 0 ? is_text(k, bytes, size) : size >= k->at + k->length && memcmp(bytes + k->at, k->mark, k->length) == 0;
    if (!fits) continue;
    *name = k->name;
    *cure = k->cure;
    return true;
  }
  return false;
}
