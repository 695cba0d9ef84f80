/* api.h: every public declaration of the Ramus core.
 *
 * Read twice: by C through ramus.h, and by LuaJIT's ffi.cdef. So: no line with
 * a hash sign, no inline function; across this border go only int32_t, double,
 * _Bool, const char * and pointers. ra_real is defined by the reader.
 *
 * Every function that can fail returns int32_t, 0 (RA_OK) or a code RA_ERR_*,
 * or a pointer that is NULL on failure; ra_error() has the message.
 * A pointer may be NULL only where it is marked RA_OPT. [own]: the caller must
 * release the result. */

/* ---- base: errors, memory, threads, random numbers -------------------- */

enum {
  RA_OK = 0,
  RA_ERR_ARG = -1,    /* a value is out of its range */
  RA_ERR_SHAPE = -2,  /* shapes do not fit */
  RA_ERR_MEMORY = -3, /* an allocation failed */
  RA_ERR_IO = -4,     /* the file system said no */
  RA_ERR_FORMAT = -5, /* a file is not what it should be */
  RA_ERR_NET = -6,    /* a transfer failed */
  RA_ERR_STATE = -7,  /* the object is not in the state for this call */
  RA_ERR_EXISTS = -8  /* another process holds it */
};

/* This file, as the library was compiled with it. A reader of api.h compares: with the same text and the same ra_real,
 * names, values and sizes are the same on both sides. */
const char *ra_api_text(void);
int32_t ra_real_size(void); /* bytes in ra_real: 4, or 8 in the gradient-check build */

/* Message and code (RA_ERR_*) of the last failure in this thread; "" and RA_OK before the first. A success changes neither,
 * so they mean something only after a function has failed: returned a code, or NULL. The text is valid until the next
 * failure in this thread. */
const char *ra_error(void);
int32_t ra_error_code(void);

/* What was built, by key: "version" (a release, or commits after one), "commit" ("unknown" outside of a repository; "-dirty"
 * with changes), "kernels" (hash of their sources, flags and compiler: it decides the bits of results). NULL: no such key. */
const char *ra_build_info(const char *key);

double ra_mem_live(void);                /* bytes allocated now */
double ra_mem_peak(void);                /* the largest value of that since the last reset */
void ra_mem_reset_peak(void);

int32_t ra_threads(void);                /* threads used for computing */
int32_t ra_threads_set(int32_t n);       /* 1 .. max(2, processors, RAMUS_THREADS at start-up) */

/* The kernel set in use: "generic", "avx2", "avx512" or "neon". */
const char *ra_isa(void);
const char *ra_isa_name(int32_t i);      /* those that Ramus knows, from 0; NULL past the last */
int32_t ra_isa_set(const char *name);    /* RA_ERR_ARG where this processor lacks it */
/* What computes matrix products (matmul, linear, attention): "OpenBLAS 0.3.21 SkylakeX", its version and the core that it chose; or
 * "none": loops of our own, where it is not there, in the double build, or with RAMUS_BLAS=none. The first call opens it. */
const char *ra_blas(void);
int32_t ra_blas_set(const char *name);   /* "openblas" or "none"; RA_ERR_STATE where it cannot be opened */
/* What built this library, for which machine and C library: another may round differently. "gcc 12.2.0, glibc 2.36, x86_64" */
const char *ra_compiler(void);

/* 1e9 multiply-adds x 2 a second that all threads together can do with these kernels: measured, in about 10 ms. */
double ra_peak_gflops(void);

/* Streams of random numbers: what a number is for. */
enum {
  RA_RANDOM_USER = 0,     /* ra.rand, ra.randn */
  RA_RANDOM_INIT = 1,     /* parameters */
  RA_RANDOM_SHUFFLE = 2,  /* order of samples */
  RA_RANDOM_AUGMENT = 3,  /* augmentation: element = step * 4096 + draw */
  RA_RANDOM_PHANTOM = 4,  /* synthetic angiograms */
  RA_RANDOM_METRIC = 5,   /* bootstrap */
  RA_RANDOM_COMPARE = 6,  /* nested bootstrap */
  RA_RANDOM_MIX = 7,      /* mixup and CutMix of a batch */
  RA_RANDOM_OP = 1000     /* + number of the op among the random ops of its graph: dropout masks */
};
/* Uniform in [0,1) and standard normal numbers, a pure function of the key
 * (Philox4x32-10, Salmon et al. 2011). */
double ra_random_uniform(double seed, int32_t a, int32_t b, int32_t stream, double element);
double ra_random_normal(double seed, int32_t a, int32_t b, int32_t stream, double element);

double ra_clock(void);                   /* seconds, monotonic */

/* SIGINT, SIGTERM, SIGHUP and SIGQUIT are noted instead of ending the process (a second one ends it), and so are SIGPIPE, SIGXCPU and
 * SIGXFSZ. Of the last five those that the process ignores stay ignored. */
void ra_signal_catch(_Bool on);
int32_t ra_signal_arrived(void);         /* number of the signal that was noted, or 0 */

/* The file of the running program, links resolved: "/usr/local/bin/ramus"; NULL where the system does not say. */
const char *ra_program(void);

/* Processes of one's own. args: the program, found along PATH, and its arguments, a zero byte behind each; size: bytes of all. What it
 * prints is added to the file `output`; its input is empty. It is sent SIGTERM when this process ends, however that comes about. */
typedef struct ra_process ra_process;
ra_process *ra_process_start(const char *args, double size, const char *output); /* [own] */
/* Whether it has ended; *status: its exit status, 128 + n where signal n ended it, 127 where it could not be started. */
_Bool ra_process_ended(ra_process *p, int32_t *status);
void ra_process_stop(ra_process *p, _Bool now);                   /* asks it to end (SIGTERM), or ends it (SIGKILL) */
void ra_process_release(RA_OPT ra_process *p);                    /* ends it where it runs */

/* ---- tensors ----------------------------------------------------------- */

enum { RA_MAX_RANK = 5 };

/* Numbers with a shape. Rank 0 to RA_MAX_RANK; a dimension may be 0. Elements of one
 * tensor: at most 2^31 - 1. Index 0-based; element (i,j,..) is at
 * data[i * stride[0] + j * stride[1] + ..]. */
typedef struct ra_storage ra_storage;
typedef struct ra_tensor {
  ra_real *data;       /* first element of this view */
  int32_t rank;
  int32_t dim[RA_MAX_RANK];
  int32_t stride[RA_MAX_RANK]; /* in elements */
  int32_t size;        /* number of elements */
  ra_storage *storage;
} ra_tensor;

ra_tensor *ra_tensor_new(int32_t rank, const int32_t *dim);       /* [own] uninitialised */
ra_tensor *ra_tensor_zeros(int32_t rank, const int32_t *dim);     /* [own] */
/* [own] `count` consecutive elements of t from `first` (0-based, t contiguous) under another shape. */
ra_tensor *ra_tensor_slice(ra_tensor *t, int32_t first, int32_t rank, const int32_t *dim);
ra_tensor *ra_tensor_narrow(ra_tensor *t, int32_t dim, int32_t first, int32_t count); /* [own] a view, 0-based */
ra_tensor *ra_tensor_select(ra_tensor *t, int32_t dim, int32_t index); /* [own] a view without the dimension dim, 0-based */
ra_tensor *ra_tensor_reshape(ra_tensor *t, int32_t rank, const int32_t *dim); /* [own] a view; t contiguous */
ra_tensor *ra_tensor_clone(const ra_tensor *t);                   /* [own] contiguous copy */
int32_t ra_tensor_copy(ra_tensor *to, const ra_tensor *from);     /* same shape, any strides */
int32_t ra_tensor_fill(ra_tensor *t, double value);
_Bool ra_tensor_contiguous(const ra_tensor *t);
void ra_tensor_drop(RA_OPT ra_tensor *t);     /* gives its values back now; t has none any more, and every function refuses it */
void ra_tensor_move(ra_tensor *from, void *to); /* *to, a ra_tensor of the caller's, takes over what `from` holds; `from` is released */
void ra_tensor_release(RA_OPT ra_tensor *t);                             /* NULL is fine */
/* values, of t's shape and contiguous, receives every line of t along dim sorted, equal ones in their order, NaN at the end; order [opt],
 * the same: where each value stood, from 0. A dimension of at most 2^24. */
int32_t ra_tensor_sort(const ra_tensor *t, int32_t dim, _Bool descending, ra_tensor *values, RA_OPT ra_tensor *order);
/* out[0..4]: minimum, maximum, mean, number of values that are not finite, sum */
int32_t ra_tensor_stats(const ra_tensor *t, double *out);
/* Uniform in [low, high) or normal(low, high = deviation); element i of the tensor is element i of the key. */
int32_t ra_tensor_random(ra_tensor *t, _Bool normal, double low, double high, double seed, int32_t a, int32_t b, int32_t stream);

/* ---- images (core/image, core/codec) ------------------------------------ */

/* The formats, for messages and documents. Texts: name; extensions of files that are read, separated by blanks; what is read and
 * what is written of it; extensions for writing (NULL: not written). */
enum { RA_FORMAT_NAME, RA_FORMAT_EXTENSIONS, RA_FORMAT_READS, RA_FORMAT_WRITES, RA_FORMAT_WRITE_EXTENSIONS, RA_FORMAT_TEXTS };
int32_t ra_image_formats(void);
const char *ra_image_format_text(int32_t i, int32_t what);
/* Reads an image of any format, told apart by content: [C,H,W] in 0..1, C = 1 or 3.
 * Alpha is dropped, a palette gives RGB, samples are divided by the format's largest value (255, 65535, the PNM maximum).
 * At most 2^28 samples; a file that is cut short or damaged is an error. NULL on failure. */
ra_tensor *ra_image_load(const char *path);                       /* [own] */
ra_tensor *ra_image_load_memory(const void *bytes, double size);  /* [own] */
ra_tensor *ra_image_load_frame(const void *bytes, double size, int32_t frame); /* [own] frame: of several, from 0 */
/* What a file's header says; 0 (window: NaN) where the format has none. */
enum { RA_SPACING_PRINT, RA_SPACING_PIXEL, RA_SPACING_DETECTOR, RA_SPACING_REGION, RA_SPACING_COUNT }; /* but a print: what is seen */
typedef struct ra_image_details {
  int32_t channels, height, width, bits, frames;
  int32_t orientation; /* of the file, as in EXIF, 1 to 8; it is applied: height, width and spacing are those of the turned image */
  double spacing[2];   /* mm from row to row and from column to column */
  int32_t spacing_of;  /* RA_SPACING_*: what these are measured on */
  double window[2];    /* smallest and largest grey value to show */
} ra_image_details;
int32_t ra_image_info(const char *path, ra_image_details *out);
int32_t ra_image_info_bytes(const void *bytes, double size, ra_image_details *out); /* the same of a file's content */
/* [own] Contrast agent of every frame, [frames]: darkness at the scale of vessels (core/codec/contrast.c); the frame with most of it. */
ra_tensor *ra_image_contrast(const char *path);
ra_tensor *ra_image_contrast_bytes(const void *bytes, double size);
int32_t ra_image_best_frame(const char *path, int32_t *frame);
/* Writes [H,W], [1,H,W] or [3,H,W], clamped to 0..1, as .png, .pgm, .ppm or .pnm with 8 or 16 bits; aside, synced, renamed. */
int32_t ra_image_save(const char *path, const ra_tensor *t, int32_t bits);
/* out[t->size]: the 8-bit samples that it would write, the channels of a pixel beside each other. */
int32_t ra_image_samples(const ra_tensor *t, void *out);
/* An image to be written: with a prediction as ra_image_overlay would paint it, but row by row, so that it takes no memory of its own. */
typedef struct ra_image_out {
  const char *path;
  const ra_tensor *image;              /* as of ra_image_save */
  const ra_tensor *prediction, *truth; /* [opt] [H,W], contiguous as then the image; truth: with a prediction only */
  double threshold, alpha, colour[12]; /* of the overlay */
} ra_image_out;
/* By all threads; the first failure's code. mark [opt]: ASCII text that tells whose files these are, in a PNG its chunk "raMK",
 * which editors drop. */
int32_t ra_image_save_all(int32_t count, const ra_image_out *image, int32_t bits, RA_OPT const char *mark);

/* What a mask's file held; grey values in units of 0..255 whatever its depth. */
typedef struct ra_mask_report {
  double pixels, ones;     /* all; those of the foreground */
  double voids;            /* those that belong to no class; they are left out of what follows */
  double threshold;        /* the declared one, or the one that was found */
  double low, high;        /* the smallest and the largest value */
  double between;          /* pixels with neither of these two: a true mask has none */
  double coloured;         /* pixels whose channels differ (their mean was used) */
  double histogram[16];    /* pixels by value: 0..15, 16..31, .. */
} ra_mask_report;
/* [own] [H,W] of 0 and 1: 1 where the value (0..255) >= threshold. report [opt] */
ra_tensor *ra_mask_load(const char *path, double threshold, RA_OPT ra_mask_report *report);

/* What the pixels of a mask's or a label's file are, to judge whether they are read as they were meant. */
enum { RA_FACTS_MAX = 64 }; /* distinct values and colours that are listed */
typedef struct ra_mask_facts {
  ra_image_details details;
  double pixels, coloured;  /* all that are not void; those whose channels differ */
  double tinted;            /* those whose channels differ by more than 8 of 255 */
  int32_t palette;          /* entries of the file's palette; 0: none */
  int32_t alpha;            /* 0: none, 1: the same everywhere, 2: it varies */
  int32_t values;           /* distinct levels (units of 0..255, mean of the channels), RA_FACTS_MAX + 1: more than are listed */
  double level[64], number[64], count[64]; /* ascending: the level, the number that the file holds, pixels */
  double low, high;         /* the smallest and the largest level */
  double upper, far;        /* pixels at or above half of the largest; pixels further than an eighth of it from it and from 0 */
  double far_most;          /* pixels of the most frequent listed level among these */
  double histogram[16];     /* pixels by level, equal bins from low to high */
  int32_t colours;          /* distinct colours, as values */
  double colour[64], colour_count[64]; /* r << 16 | g << 8 | b; in the order in which they are met */
  double ones, voids;       /* as the source declares the file: pixels of the foreground (of any class but the first), void pixels */
  char refused[240];        /* why a declaration does not fit the file; "": it does */
} ra_mask_facts;
/* Checks the header and the end of a file; a format without a way to do so is decoded. */
int32_t ra_image_check(const char *path, ra_image_details *out);

/* Filters: x [H,W] or [C,H,W], contiguous; the result is new, of the same rank. NULL on failure. */
enum { RA_RESIZE_AUTO, RA_RESIZE_BILINEAR, RA_RESIZE_AREA, RA_RESIZE_NEAREST, RA_RESIZE_COUNT };
/* [own] AUTO: area to shrink, else bilinear */
ra_tensor *ra_image_resize(const ra_tensor *x, int32_t height, int32_t width, int32_t method);
ra_tensor *ra_image_blur(const ra_tensor *x, double sigma);       /* [own] Gaussian, edges repeated, cut at 4 sigma */
ra_tensor *ra_image_clahe(const ra_tensor *x, int32_t tiles, double clip); /* [own] tiles x tiles; clip in means of a bin, 0: none */
/* [own] Vesselness of one channel in 0..1; c = 0: half the largest Hessian norm of each scale. dark: dark tubes on bright ground. */
ra_tensor *ra_image_frangi(const ra_tensor *x, const double *scale, int32_t scales, double beta, double c, _Bool dark);
enum { RA_GREY_BT601, RA_GREY_GREEN, RA_GREY_MEAN, RA_GREY_COUNT };
ra_tensor *ra_image_grey(const ra_tensor *x, int32_t method);     /* [own] 3 channels to 1; 1 channel is copied */
ra_tensor *ra_image_threshold(const ra_tensor *x, double threshold); /* [own] 1 at or above it, else 0; any shape */
/* [own] An image [H,W] or [C,H,W] turned as EXIF's orientation says: 2 mirrored, 3 by 180 degrees, 4 upside down, 5 rows and columns
 * changed places, 6 by 90 degrees clockwise, 7 as 5 and by 180 degrees, 8 by 90 degrees counter-clockwise; 6 and 8 undo each other, the
 * others themselves. */
ra_tensor *ra_image_turn(const ra_tensor *x, int32_t orientation);
/* [own] The mask [H,W] of probabilities [H,W]: 1 in the 8-connected regions of pixels at or above `low` that hold one at or above
 * `threshold` (hysteresis; low = threshold: none) and have at least `smallest` pixels. */
ra_tensor *ra_image_decide(const ra_tensor *p, double threshold, double low, int32_t smallest);
enum { RA_NORMALISE_RANGE, RA_NORMALISE_DEVIATION, RA_NORMALISE_COUNT };
ra_tensor *ra_image_normalise(const ra_tensor *x, int32_t method); /* [own] each channel to 0..1, or to mean 0 and deviation 1 */

/* [own] [3,H,W]: x [H,W], [1,H,W] or [3,H,W] clamped to 0..1, painted with the strength alpha where a pixel is found (prediction
 * [H,W] >= threshold). colour [4][3]: found and true, found and false, missed, found without truth. truth [opt] [H,W]. */
ra_tensor *ra_image_overlay(const ra_tensor *x, const ra_tensor *prediction, RA_OPT const ra_tensor *truth, double threshold,
                            double alpha, const double *colour);

/* y [H,W] [acc] gets `value` where the even-odd rule puts a pixel's centre inside the polygon x1, y1, x2, y2, ..; that of pixel (i,j),
 * 0-based, is x = j + 1/2, y = i + 1/2. A centre on an edge belongs to what lies right of it, or below. */
int32_t ra_polygon_fill(ra_tensor *y, const double *xy, int32_t points, double value);

/* ---- classes: scores [K,H,W], label maps [H,W] of class numbers, colours [classes][3] in 0..1 ---- */
ra_tensor *ra_image_labels(const ra_tensor *scores);              /* [own] the first of the largest */
/* [own] [3,H,W]: x [H,W], [1,H,W] or [3,H,W] clamped to 0..1, painted with the strength alpha where the class is above 0. */
ra_tensor *ra_image_paint(const ra_tensor *x, const ra_tensor *labels, double alpha, int32_t classes, const double *colour);
/* PNG with a palette: its entries are the classes, 1 to 256; written aside, synced, renamed. mark [opt]: as of ra_image_save_all. */
int32_t ra_image_save_labels(const char *path, const ra_tensor *labels, int32_t classes, const double *colour, RA_OPT const char *mark);

/* Tiles of `tile` pixels that cover n pixels and overlap by about half: their number; first [opt] their first pixels. */
int32_t ra_tile_starts(int32_t n, int32_t tile, RA_OPT int32_t *first);
/* sum and weight [H,W] += v p and v at the place (top, left) of the tile p [h,w]; v falls off linearly towards its border. */
int32_t ra_tile_add(ra_tensor *sum, ra_tensor *weight, const ra_tensor *p, int32_t top, int32_t left);

/* A sample is a list of named fields: an image and what belongs to its pixels. The kind of a field decides how it is
 * decoded, resized, warped and padded. */
enum {
  RA_FIELD_IMAGE,  /* [C,H,W] in 0..1; bilinear; the steps on grey values act on it */
  RA_FIELD_MASK,   /* [1,H,W] 0 or 1; bilinear, then 1 at or above one half */
  RA_FIELD_LABEL,  /* [1,H,W] whole numbers (classes), kept exactly; nearest */
  RA_FIELD_MAP,    /* [C,H,W] real numbers (weights, distances); bilinear */
  RA_FIELD_KINDS
};
enum { RA_FIELDS_MAX = 16 };

/* Augmentation: a program of steps. A step acts with its probability and draws its number in [a, b). */
enum {
  /* geometric: they and the crop are one warp */
  RA_AUGMENT_FLIP_H, RA_AUGMENT_FLIP_V,
  RA_AUGMENT_ROT90,      /* 0 to 3 quarter turns */
  RA_AUGMENT_ROTATE,     /* degrees, counter-clockwise, about the centre */
  RA_AUGMENT_SCALE,      /* above 1: things get larger */
  RA_AUGMENT_SHIFT,      /* pixels, drawn for each axis */
  RA_AUGMENT_ELASTIC,    /* a: standard deviation of the displacement, b: its smoothness (sigma), both in pixels */
  /* on grey values, in their order after the warp */
  RA_AUGMENT_GAMMA,      /* x^g */
  RA_AUGMENT_CONTRAST,   /* (x - mean) c + mean */
  RA_AUGMENT_BRIGHTNESS, /* x + v */
  RA_AUGMENT_NOISE,      /* x + sigma n, n near normal */
  RA_AUGMENT_BLUR,       /* sigma in pixels */
  RA_AUGMENT_CLAHE,      /* a: tiles, b: clip */
  RA_AUGMENT_STRETCH,    /* smallest and largest value to 0 and 1 */
  RA_AUGMENT_RESIZE,     /* only as the first step: to height a, width b */
  RA_AUGMENT_COUNT
};
enum { RA_BORDER_EDGE, RA_BORDER_REFLECT, RA_BORDER_CONSTANT /* 0 */, RA_BORDER_COUNT };
enum { RA_AUGMENT_STEPS = 24 };
typedef struct ra_augment_step {
  int32_t kind;
  double probability;
  double a, b;
} ra_augment_step;
/* Images of a batch mixed with each other, by the loader: alpha of Beta(alpha, alpha), 0.05 to 1, 0: none; probability for a batch. */
typedef struct ra_mix {
  double alpha, probability;
} ra_mix;
typedef struct ra_augment {
  int32_t count;
  ra_augment_step step[24];
  int32_t height, width;   /* of the random crop; 0: the whole image. A smaller image is padded by the border. */
  int32_t border;
  double foreground_share; /* probability that the crop must hold a foreground pixel */
  ra_mix mixup, cutmix;    /* at most one of them for a batch: their probabilities add to 1 or less */
} ra_augment;
/* The planes of one field; all fields of a sample have one size. */
typedef struct ra_plane_set {
  ra_real *data;           /* [channels,H,W]; [opt] */
  int32_t kind, channels;
  double absent;           /* value of a result whose input has no data */
  double outside;          /* value where the image ends; NaN: as the program's border says */
} ra_plane_set;
typedef struct ra_sample_planes {
  int32_t count, height, width;
  int32_t foreground;      /* the set whose values at or above one half are foreground; -1: none */
  ra_plane_set set[16];    /* the first is the image */
} ra_sample_planes;
/* What a kind of step is; Lua's options, help and messages are made from it. */
enum { RA_STEP_FLAG /* no numbers */, RA_STEP_RANGE /* draws in [a, b) */, RA_STEP_PAIR /* a and b are two settings */ };
enum { RA_EXPAND_NONE, RA_EXPAND_BOTH /* n: -n to n */, RA_EXPAND_UP_TO /* 0 to n */, RA_EXPAND_FACTOR /* 1/n to n */,
       RA_EXPAND_AROUND_ONE /* 1-n to 1+n */ }; /* what a single number stands for */
typedef struct ra_augment_kind {
  int32_t kind, form, expand;
  bool prepares;           /* may also run once per image, before any augmentation */
  const char *name, *help, *unit;
  double low[2], high[2];  /* bounds of a and b */
  const char *label[2];    /* of a pair: names of a and b */
  double preset[2];        /* of a pair: what `true` stands for; 0, 0: nothing */
} ra_augment_kind;
const ra_augment_kind *ra_augment_kind_at(int32_t i); /* in the order in which steps act; NULL past the last */
typedef struct ra_augment_scratch ra_augment_scratch; /* one per thread, reused */
ra_augment_scratch *ra_augment_scratch_new(void);                 /* [own] */
void ra_augment_scratch_release(RA_OPT ra_augment_scratch *s);           /* NULL is fine */
int32_t ra_augment_check(const ra_augment *program);
/* The size of the result for an image of height x width. */
int32_t ra_augment_size(const ra_augment *program, int32_t height, int32_t width, int32_t *out_height, int32_t *out_width);
/* Fills the buffers of out, whose size and channels are set by the caller (data NULL: not wanted). A pure function of
 * program, input, seed, epoch, sample; for any thread. */
int32_t ra_augment_apply(const ra_augment *program, const ra_sample_planes *in, const ra_sample_planes *out, double seed, int32_t epoch,
                         int32_t sample, ra_augment_scratch *scratch);

/* ---- data: transfer, archives, hashes, safetensors, npy, loader (core/file, core/loader) ---- */

/* SHA-256 as 64 hexadecimal digits and a zero byte. */
int32_t ra_sha256(const void *data, double size, char *hex);
int32_t ra_sha256_file(const char *path, char *hex);
int32_t ra_md5_file(const char *path, char *hex); /* 32 digits: where a publisher gives nothing better */

/* Named arrays with string metadata; one file of format "safetensors" or "npz"
 * holds a bundle. Index 0-based. */
typedef struct ra_bundle ra_bundle;
ra_bundle *ra_bundle_new(void);                                   /* [own] */
ra_bundle *ra_bundle_load(const char *path);                      /* [own] by content: safetensors, .npz, .npy (one array named "") */
ra_bundle *ra_bundle_parse(const void *data, double size);        /* [own] the same from memory, which is copied */
void ra_bundle_release(RA_OPT ra_bundle *b);                             /* NULL is fine */
/* Holds a view of t: what t has when the bundle is saved is what is stored. */
int32_t ra_bundle_add(ra_bundle *b, const char *name, ra_tensor *t);
int32_t ra_bundle_add_bytes(ra_bundle *b, const char *name, const void *bytes, double size); /* copied; dtype U8 */
int32_t ra_bundle_set_meta(ra_bundle *b, const char *key, const char *value); /* UTF-8; npz stores none */
/* Written aside (PATH.part), synced, renamed: PATH is the old file or the whole new one. */
int32_t ra_bundle_save(const ra_bundle *b, const char *path, const char *format);
int32_t ra_bundle_count(const ra_bundle *b);
int32_t ra_bundle_find(const ra_bundle *b, const char *name);     /* index, or -1 */
const char *ra_bundle_name(const ra_bundle *b, int32_t i);
enum { RA_BUNDLE_RANK = 8 };
int32_t ra_bundle_shape(const ra_bundle *b, int32_t i, double *dim); /* dim[RA_BUNDLE_RANK], as stored; returns the rank */
const char *ra_bundle_dtype(const ra_bundle *b, int32_t i);       /* as stored: "F32", "U8", "I64", .. */
ra_tensor *ra_bundle_tensor(const ra_bundle *b, int32_t i);       /* [own] converted to ra_real */
int32_t ra_bundle_read(const ra_bundle *b, int32_t i, ra_tensor *t); /* the same into a contiguous tensor of its shape, else RA_ERR_SHAPE */
const void *ra_bundle_bytes(const ra_bundle *b, int32_t i, double *size); /* as stored, row-major; valid while b lives */
const char *ra_bundle_meta_get(const ra_bundle *b, const char *key); /* NULL: none */
int32_t ra_bundle_meta_count(const ra_bundle *b);
const char *ra_bundle_meta_key(const ra_bundle *b, int32_t i);
_Bool ra_bundle_checked(const ra_bundle *b);                      /* it had a checksum over everything, and it was right */

ra_tensor *ra_npy_load(const char *path);                         /* [own] */
int32_t ra_npy_save(const char *path, const ra_tensor *t);        /* float32, row-major, written aside and renamed */

/* Files and folders. */
enum { RA_PATH_NONE = 0, RA_PATH_FILE = 1, RA_PATH_FOLDER = 2, RA_PATH_OTHER = 3 };
/* One of these; size in bytes, seconds since 1970. */
int32_t ra_path_kind(const char *path, RA_OPT double *size, RA_OPT double *modified);
/* What changes whenever a file does, without reading it: size, times and inode as text[96]; *age: seconds since the last change. */
int32_t ra_path_stamp(const char *path, char *text, double *age);
char *ra_path_absolute(const char *path);                          /* [own: ra_text_release] without links and dots; NULL: no such file */
int32_t ra_path_remove(const char *path);                         /* with all that is in it; links are not followed; absent is fine */
int32_t ra_path_rename(const char *from, const char *to);         /* and syncs the folder */
/* TO becomes a second name (hard link) of the file FROM; RA_ERR_IO where there are none. */
int32_t ra_path_share(const char *from, const char *to);
int32_t ra_folder_make(const char *path);                         /* with its parents; there already is fine */
/* [own: ra_text_release] Names in a folder, sorted, each ended by a zero byte, folders with '/'; *size: bytes of all. */
char *ra_folder_list(const char *path, double *size);
void ra_text_release(RA_OPT char *text);
int32_t ra_file_copy(const char *from, const char *to);           /* written aside, renamed; not synced: see ra_folder_sync */
int32_t ra_folder_sync(const char *path);                         /* everything on the folder's file system */
int32_t ra_file_store(const char *path, const void *bytes, double size); /* the same from memory */
/* Adds a whole line (without its end) to a file, which is made where it is absent: under a lock, in one write, synced. Behind a last line
 * that was cut short a new one is begun. */
int32_t ra_file_append(const char *path, const char *line, double size);
/* [own] A lock that ends with the process; NULL where another process holds it. The file is removed at release. */
typedef struct ra_lock ra_lock;
ra_lock *ra_lock_take(const char *path);
void ra_lock_release(RA_OPT ra_lock *lock);

void ra_sleep(double seconds);                                    /* or until a signal comes */

/* Unpacks zip, tar (also compressed) or a lone .gz into a folder that must not exist yet; it appears only when all went
 * well. Absolute paths, '..', links, doubles and more than max_bytes (0: 64 GB) are refused. */
int32_t ra_archive_extract(const char *archive, const char *folder, double max_bytes);

/* Writes into why[512] what a file is that came in the place of another one (a web page, with its title, ..); "": nothing known. */
int32_t ra_stranger(const char *path, char *why);

/* One file over http, https or file, by polling: new, add urls in the order to try, step until done, release. */
typedef struct ra_transfer ra_transfer;
typedef struct ra_transfer_config {
  const char *path;      /* where it shall be; made as PATH.part under the lock PATH.lock */
  const char *sha256;    /* [opt] 64 digits it must have */
  const char *md5;       /* [opt] 32 digits it must have; not looked at where sha256 is given */
  double bytes;          /* size it must have; 0: not known */
  double most;           /* largest size where bytes is not known; 0: RA_LIMIT_DOWNLOAD */
  double stall;          /* seconds with nearly no data that end an attempt; 0: 30 */
  double wait;           /* seconds before the second attempt, doubled for each further one; 0: 1 */
  int32_t tries;         /* attempts per url in a row without progress; 0: 5 */
} ra_transfer_config;
ra_transfer *ra_transfer_new(const ra_transfer_config *config);   /* [own] */
int32_t ra_transfer_add(ra_transfer *t, const char *url);
/* Works for at most `wait` seconds. Fails when every url failed; the message lists why. */
int32_t ra_transfer_step(ra_transfer *t, double wait);
_Bool ra_transfer_done(const ra_transfer *t);
double ra_transfer_bytes(const ra_transfer *t);                   /* of the file so far, with what was resumed */
double ra_transfer_total(const ra_transfer *t);                   /* 0: not known */
double ra_transfer_received(const ra_transfer *t);                /* bytes that came over the network in all attempts */
const char *ra_transfer_note(const ra_transfer *t);               /* what it does: "resuming at 3.2 MB", ".. try 2 of 5 in 1 s" */
const char *ra_transfer_url(const ra_transfer *t);                /* the url it is at */
const char *ra_transfer_etag(const ra_transfer *t);               /* what the server said of the file; "": nothing */
const char *ra_transfer_modified(const ra_transfer *t);
void ra_transfer_release(RA_OPT ra_transfer *t);                         /* any time; the part stays for the next time */

/* What a server says of a file, by its headers alone. */
typedef struct ra_probe {
  int32_t status;        /* of http; 0: a local file, or no answer */
  _Bool reached;         /* something answered */
  double bytes;          /* 0: not said */
  char etag[256], modified[64], type[64];
  char problem[512];     /* why the file is not to be had there; "": it is */
} ra_probe;
/* Asks for at most `seconds` (0: 20) twice. RA_OK where it could ask, whatever came of it. */
int32_t ra_probe_url(const char *url, double seconds, ra_probe *out);

/* A field of all samples of a set. */
typedef struct ra_field {
  const char *name;     /* for messages */
  int32_t kind;         /* RA_FIELD_IMAGE, .. */
  int32_t channels;     /* image: 1 or 3 (grey is repeated, colours become luma); mask and label: 1; map: those of its files */
  double absent;        /* value of a sample that has no such field; NaN: asking for it is an error */
  double outside;       /* value where augmentation looks beyond the image; NaN: as the border says */
} ra_field;
/* The class of pixels whose truth is not known: left out of losses and metrics. The most classes: a label picture's palette has as many. */
enum { RA_VOID = -1, RA_CLASSES_MAX = 256 };
/* What rules look at: the number that the file holds (not 0..1; of a file with a palette, the entry), or the colour
 * r << 16 | g << 8 | b of 8 bits each. */
enum { RA_KEY_VALUE, RA_KEY_COLOUR, RA_KEY_COUNT };
/* Pixels with low <= v <= high become a class, 0 or more, or RA_VOID. The first rule that fits holds. */
typedef struct ra_value_rule {
  double low, high, becomes;
} ra_value_rule;
/* Where a sample's field comes from. */
typedef struct ra_source {
  const char *path;     /* file; path and tensor NULL: the sample has none */
  const ra_tensor *tensor; /* or values in memory, [H,W], [C,H,W] or [1,C,H,W]: as a .npy file of them */
  int32_t frame;        /* 0-based, of a file with several */
  double threshold;     /* of masks: foreground where the value, in units of 0..255, is at or above it. NaN: none declared; then of two
                         * values the larger is foreground, of more those from half the largest on */
  int32_t channel;      /* of masks and labels, 1-based, 4: alpha; 0: all channels (their mean, their colour) */
  _Bool invert;         /* of masks: foreground and background change places */
  int32_t key;          /* RA_KEY_VALUE, .. */
  int32_t rules;        /* of masks and labels; 0: a label's values are classes. Where a rule names a class, a value that no rule
                         * covers is an error. A mask is 1 where the class is above 0, and 0 where it is void. */
  const ra_value_rule *rule;
  double range[2];      /* of images: numbers of the file that become 0 and 1; NaN or equal: as the file's type says */
  _Bool automatic;      /* of images, in place of range: the percentiles 0.5 and 99.5 of the image's own numbers */
} ra_source;

/* What was made of an image's numbers (core/codec/scale.c). */
typedef struct ra_image_report {
  ra_image_details details;
  double low, high;     /* the smallest and the largest number in the file; NaN: not looked at, its type says the scale */
  double from, to;      /* the numbers that became 0 and 1 */
  double outside;       /* share of the numbers beyond these */
  double coloured;      /* of three channels: share of the pixels in which they differ by more than 1/32 of white */
  char unclear[240];    /* why the file's type does not say the scale, where nothing is declared; "": it does */
  double advised[2];    /* then the numbers that are likely black and white */
} ra_image_report;
/* [own] The image of a source that has a path; one whose scale is not clear is taken as its type says. out [opt] */
ra_tensor *ra_image_read(const ra_source *source, RA_OPT ra_image_report *out);
/* [own] The same of a file whose content bytes[size] is at hand; it is not read again, messages name the source's path. */
ra_tensor *ra_image_read_bytes(const void *bytes, double size, const ra_source *source, RA_OPT ra_image_report *out);
/* [own] The numbers of the file, not brought to 0..1 (of a DICOM file after rescaling). out [opt]: details alone are meant */
ra_tensor *ra_image_numbers(const ra_source *source, RA_OPT ra_image_report *out);
/* Checks header and end as ra_image_check does, and looks at the numbers where the type alone does not say their scale. */
int32_t ra_image_inspect(const ra_source *source, ra_image_report *out);

/* What the file of a mask or label holds (kind RA_FIELD_MASK or RA_FIELD_LABEL), and how its declaration fits: a file that cannot be
 * decoded is a failure, a declaration that does not fit is a fact. */
int32_t ra_mask_inspect(int32_t kind, const ra_source *source, ra_mask_facts *out);

/* A look at the image of a source, to find what is wrong with a set (core/loader/survey.c). */
typedef struct ra_look {
  int32_t code;             /* 0, or why it cannot be decoded, which message says */
  char message[480];
  ra_image_details details;
  double low, high, odd;    /* smallest and largest number that the file holds; how many are not finite */
  _Bool grey;               /* one channel, or all are equal */
  char pixels[65];          /* SHA-256 of size and numbers */
  unsigned char hash[4][32]; /* whether cells are brighter than their neighbours on the left, right, above, below, 256 bits each */
  signed char fine[4096];   /* fine structure, 64 x 64 */
} ra_look;
int32_t ra_survey(int32_t count, const ra_source *source, ra_look *out); /* out[count]; by all threads; a file that fails is no failure */
/* Pairs i < k of looks[count] whose hashes differ in at most `bits` of 256 bits and whose fine structures correlate with at least `alike`,
 * also where one is mirrored or turned: pair[2*most], value[most] (the correlation), turn[most] (0, or of 1 columns backwards, 2 rows
 * backwards, 4 rows and columns exchanged). Returns how many there are, which may be more than `most`; -1 where memory fails. */
int32_t ra_survey_alike(int32_t count, const ra_look *look, int32_t bits, double alike, int32_t most, int32_t *pair, double *value,
                        int32_t *turn);

/* Batches made ahead by threads of its own; same bits for any number of threads. */
typedef struct ra_loader ra_loader;
enum { RA_LOADER_THREADS = 16, RA_LOADER_DEPTH = 64 }; /* the most of each */
typedef struct ra_loader_config {
  int32_t batch;        /* samples in a batch */
  int32_t steps;        /* batches in an epoch, all full; 0: one pass over the set, the last one partial */
  int32_t epochs;       /* stop after this many; 0: never */
  int32_t threads;      /* 1 to RA_LOADER_THREADS */
  int32_t depth;        /* batches made ahead, 1 to RA_LOADER_DEPTH */
  _Bool shuffle;        /* a new order every pass, a function of (seed, epoch, pass); else the order of adding */
  _Bool drop_last;      /* without steps: no partial batch */
  double seed;
  double cache_bytes;   /* decoded samples kept in memory, at most */
} ra_loader_config;
/* [own] field[fields]: 1 to RA_FIELDS_MAX, the first of kind image. prepare [opt] runs once per sample (resize, CLAHE), augment
 * [opt] every time, keyed by (seed, epoch, pass * samples + number of the sample). Everything is copied. */
ra_loader *ra_loader_new(const ra_loader_config *config, int32_t fields, const ra_field *field, RA_OPT const ra_augment *prepare,
                         RA_OPT const ra_augment *augment);
int32_t ra_loader_add(ra_loader *l, const char *id, const ra_source *source); /* source[fields], copied */
int32_t ra_loader_steps(const ra_loader *l);                      /* batches in an epoch */
int32_t ra_loader_start(ra_loader *l, int32_t epoch, int32_t step); /* 0-based; also from anywhere anew */
/* Before the start: this loader makes only the batches that rank `rank` of `ranks` computes. The batches of an epoch come in groups of
 * `group`, each made in rounds of `ranks`, the last of a round by rank 0, the one before by rank 1, ... */
int32_t ra_loader_share(ra_loader *l, int32_t group, int32_t ranks, int32_t rank);
/* Waits for the next batch and tells the shape [B,C,H,W] of its image (B = 0: after the last epoch), epoch and step [opt]. */
int32_t ra_loader_peek(ra_loader *l, int32_t *shape, RA_OPT int32_t *epoch, RA_OPT int32_t *step);
/* Waits for the next batch and copies it: to[fields], each [opt] and [>=B,channels,H,W]; index[B] [opt] numbers of the
 * samples. *count is B, 0 after the last epoch. A failure names epoch, batch, sample. */
int32_t ra_loader_next(ra_loader *l, ra_tensor *const *to, int32_t *count, RA_OPT int32_t *index);
double ra_loader_waited(const ra_loader *l);                      /* seconds spent waiting so far */
/* What the file of a field of kind mask held; false: not decoded yet, or it has none. */
_Bool ra_loader_mask_report(ra_loader *l, int32_t index, int32_t field, ra_mask_report *report);
void ra_loader_stop(ra_loader *l);
void ra_loader_release(RA_OPT ra_loader *l);                      /* any time; NULL is fine */
/* One sample without a loader: native[fields] at the files' sizes, prepared[fields] after `prepare` [opt]. Both arrays [opt];
 * entries are new tensors [C,H,W] [own], NULL where the sample has no such field; with `absent` given, full of that.
 * report[fields] [opt]: of masks. */
int32_t ra_sample_load(int32_t fields, const ra_field *field, const char *id, const ra_source *source,
                       RA_OPT const ra_augment *prepare, RA_OPT ra_tensor **native, RA_OPT ra_tensor **prepared,
                       RA_OPT ra_mask_report *report);

/* ---- several processes (core/comm) ---------------------------------------- */

_Bool ra_comm_started(void);                    /* mpirun started this process, and others */
/* Joins the processes that mpirun started, through Open MPI, which is opened here; waits until all are there. */
int32_t ra_comm_open(void);
int32_t ra_comm_rank(void);                     /* from 0; 0 before */
int32_t ra_comm_size(void);                     /* 1 before */
double ra_comm_seconds(void);                   /* spent in exchanges so far, waiting for others included */
void ra_comm_close(int32_t status);             /* leaves; with a status other than 0 all processes end */
int32_t ra_comm_gather(const void *mine, int32_t bytes, void *all); /* all[size * bytes], in the order of ranks */
int32_t ra_comm_send(void *data, int32_t bytes, int32_t from);      /* rank `from` has it, all get it */
/* sum [n] (+)= the gradients [n] of ranks count-1, count-2 .. 0, added in this order, on every rank; first: the sum begins with them. */
int32_t ra_comm_add(ra_tensor *sum, const ra_tensor *gradient, int32_t count, _Bool first);

/* ---- synthetic angiograms (core/phantom/phantom.c) ------------------------ */

/* image and mask [H,W], contiguous, 32 to 4096 a side; a pure function of seed, index and size. */
int32_t ra_phantom(ra_tensor *image, ra_tensor *mask, double seed, int32_t index);
/* The same image and mask; label [H,W] [opt] holds classes: main vessels, the branches that leave them, the catheter where it
 * lies beside the vessels. */
enum { RA_PHANTOM_BACKGROUND, RA_PHANTOM_STEM, RA_PHANTOM_BRANCH, RA_PHANTOM_CATHETER };
int32_t ra_phantom_classes(ra_tensor *image, ra_tensor *mask, RA_OPT ra_tensor *label, double seed, int32_t index);
/* The same with a choice of the trees: plain, as above, or full: side branches of several orders with Murray's radii and angles, agent
 * that streams and fades, a mask that ends at half a shadow's depth and leaves thin twigs out, more beside them that is no vessel.
 * `contrast`, 0.25 to 2, multiplies the vessels' contrast (mean along their middles) and changes nothing else of the picture, and not
 * the mask. */
enum { RA_PHANTOM_PLAIN, RA_PHANTOM_FULL };
int32_t ra_phantom_with(ra_tensor *image, ra_tensor *mask, RA_OPT ra_tensor *label, double seed, int32_t index, int32_t trees,
                        double contrast);

/* ---- metrics (core/metric) --------------------------------------------- */

/* Counts of one image, in the order of the array `count` of ra_metrics. */
enum {
  RA_METRIC_TP, RA_METRIC_FP, RA_METRIC_FN, RA_METRIC_TN, /* pixels */
  /* pixels of the skeletons of prediction and mask, and how many of them lie inside the other */
  RA_METRIC_SKELETON_HIT_P, RA_METRIC_SKELETON_P, RA_METRIC_SKELETON_HIT_M, RA_METRIC_SKELETON_M,
  RA_METRIC_COUNTS,
  RA_METRIC_BINS = 5891,     /* of the histogram of probabilities */
  RA_METRIC_CALIBRATION = 15 /* equal bins of probability in calibration errors */
};
/* The scores (core/metric/scores.c); core/metric/metric.h says what each is when its formula reads 0/0. */
typedef struct ra_metric_info {
  const char *name, *help;
  _Bool lower_is_better;
  _Bool pooled;            /* has a value for several images taken as one */
} ra_metric_info;
int32_t ra_metric_count(void);
const ra_metric_info *ra_metric_at(int32_t index); /* 0-based, in the order in which tables show them; NULL beyond the last */
/* probability [H,W] in 0..1, mask [H,W] of 0 and 1, fov [H,W] (>= 0.5: counts); prediction: probability >= threshold.
 * score [ra_metric_count()]; count [RA_METRIC_COUNTS]; histogram [2,RA_METRIC_BINS]: pixels of background, of foreground by
 * probability; calibration [RA_METRIC_CALIBRATION,3]: pixels, sum of probability, foreground pixels, in equal bins of probability. */
int32_t ra_metrics(const ra_real *probability, const ra_real *mask, RA_OPT const ra_real *fov, int32_t H, int32_t W,
                   double threshold, double *score, double *count, RA_OPT double *histogram, RA_OPT double *calibration);
/* Dice of score >= cut (of logits or probabilities) inside fov, of n pixels; 1 where prediction and mask are empty,
 * not a number where no pixel counts. */
double ra_metric_dice(const ra_real *score, const ra_real *mask, RA_OPT const ra_real *fov, int32_t n, double cut);
/* count [classes,classes] += pixels by class of the truth (row) and of the prediction, of n pixels; truth below 0 (RA_VOID) and what
 * lies outside fov are left out. */
int32_t ra_metric_confusion(const ra_real *labels, const ra_real *truth, RA_OPT const ra_real *fov, int32_t n, int32_t classes,
                            double *count);
/* Scores of several images as one, from the sums of their arrays; NaN where a score has no pooled value or lacks its array. */
int32_t ra_metrics_pooled(const double *count, RA_OPT const double *histogram, RA_OPT const double *calibration, double *score);
/* out[0] roc_auc, out[1] pr_auc of a histogram (sums of several are fine) */
void ra_metric_curve(const double *histogram, double *out);
double ra_metric_bin_edge(int32_t bin);          /* its lower edge, which it holds */
/* values [n], NaN left out; group [n]: numbers from 0 and below n, pictures of one number are drawn together (NULL: each alone). out[4]:
 * mean, standard deviation (n - 1), low, high of the mean at this level (0.95) by percentile bootstrap. */
int32_t ra_metric_bootstrap(const double *values, RA_OPT const int32_t *group, int32_t n, int32_t resamples, double level, double seed,
                            double *out);
/* values[seeds][pictures], NaN left out: the mean over seeds of the means over pictures; group [pictures] as above. out[4]: mean,
 * standard deviation of the seeds' means (n - 1), low, high of the mean by percentile bootstrap (seeds with replacement, pictures with
 * replacement in each). */
int32_t ra_bootstrap_nested(const double *values, RA_OPT const int32_t *group, int32_t seeds, int32_t pictures, int32_t resamples,
                            double level, double seed, double *out);
/* Wilcoxon's signed-rank test, two-sided; differences that are 0 or NaN are left out. out[3]: the smaller sum of ranks, p, how many
 * differences counted. p is exact up to 50 without zeros and ties, else by the normal approximation with the correction for ties. */
int32_t ra_wilcoxon(const double *difference, int32_t n, double *out);
/* All [H,W]; mask >= 0.5 is foreground. Skeleton: Zhang-Suen. Distance: to the nearest background pixel, exact Euclidean. */
int32_t ra_mask_skeleton(const ra_real *mask, int32_t H, int32_t W, ra_real *out);
int32_t ra_mask_distance(const ra_real *mask, int32_t H, int32_t W, ra_real *out);
/* Local width (pixels) and local contrast (units of image, positive for dark foreground) at foreground pixels, 0 elsewhere. */
int32_t ra_foreground_width(const ra_real *mask, int32_t H, int32_t W, ra_real *width);
int32_t ra_foreground_contrast(const ra_real *image, const ra_real *mask, int32_t H, int32_t W, ra_real *contrast);

/* ---- ops, graphs, plans (core/op, core/loss, core/graph) --------------- */

/* The most an op can have: inputs, arrays saved for backward, parameter slots, values of a parameter that is a list. */
enum { RA_MAX_IN = 12, RA_MAX_SAVED = 5, RA_MAX_SLOTS = 20, RA_MAX_LIST = 5 };

/* A parameter of an op. Values cross the border as doubles in an array of at most RA_MAX_SLOTS slots; a parameter has
 * 1 slot, a pair 2, a list 1 + RA_MAX_LIST (its length, then its values). */
enum {
  RA_PARAM_NUMBER = 0,
  RA_PARAM_INT = 1,
  RA_PARAM_BOOL = 2,   /* 0 or 1 */
  RA_PARAM_CHOICE = 3, /* index into choices, "a|b|c" */
  RA_PARAM_DIM = 4,    /* a dimension: 1-based in Lua, 0-based here */
  RA_PARAM_PAIR = 5,   /* two integers (height, width); one number in Lua means both */
  RA_PARAM_DIMS = 6,   /* list of dimensions */
  RA_PARAM_INTS = 7    /* list of integers */
};
typedef struct ra_param {
  const char *name;
  int32_t kind;
  double default_value; /* NaN: absent unless given (for a list: empty) */
  double low, high;    /* bounds, inclusive */
  const char *choices;
  const char *help;
  _Bool live;          /* may change between runs of a plan: schedules */
  _Bool required;
} ra_param;

typedef struct ra_op ra_op;
int32_t ra_op_count(void);
const ra_op *ra_op_at(int32_t index);
const ra_op *ra_op_find(const char *name);       /* NULL when unknown */
const char *ra_op_name(const ra_op *op);
const char *ra_op_help(const ra_op *op);
const char *ra_op_inputs(const ra_op *op);       /* "x,weight,bias?"; "..." at the end: any number */
const char *ra_op_samples(const ra_op *op);
_Bool ra_op_is_loss(const ra_op *op);
_Bool ra_op_has_products(const ra_op *op);       /* of matrices: its bits depend on ra_blas() too */
_Bool ra_op_differentiable(const ra_op *op, int32_t input);
int32_t ra_op_param_count(const ra_op *op);
const ra_param *ra_op_param(const ra_op *op, int32_t index);
/* Checks the parameters of an op by its table: bounds, and rules between them that need no shapes. */
int32_t ra_op_check_params(const ra_op *op, const double *param);
int32_t ra_op_param_slot(const ra_op *op, int32_t index); /* its first slot; index = count gives the number of slots */

/* Scratch memory that plans and eager calls share. Grows, never shrinks. */
typedef struct ra_arena ra_arena;
ra_arena *ra_arena_new(void);                    /* [own] */
void ra_arena_release(RA_OPT ra_arena *arena);
double ra_arena_bytes(const ra_arena *arena);

/* Runs an op at once. in[k] NULL: absent. Inputs that are not contiguous are
 * copied. key: seed, step and call number for dropout. */
ra_tensor *ra_op_run(const ra_op *op, const double *param, int32_t n_in, ra_tensor *const *in, ra_arena *arena,
                     double seed, int32_t call);  /* [own] */

/* A recorded graph. Nodes are numbered from 0 in the order of recording;
 * functions that add one return its number, or a code < 0. */
typedef struct ra_graph ra_graph;
ra_graph *ra_graph_new(void);                    /* [own] */
void ra_graph_release(RA_OPT ra_graph *g);
int32_t ra_graph_input(ra_graph *g, int32_t rank, const int32_t *dim);
int32_t ra_graph_tensor(ra_graph *g, ra_tensor *t);                    /* parameter, buffer or constant: read at each run */
int32_t ra_graph_op(ra_graph *g, const ra_op *op, const double *param, int32_t n_in, const int32_t *in); /* in[k] < 0: absent */
int32_t ra_graph_shape(const ra_graph *g, int32_t node, int32_t *dim); /* returns the rank */
double ra_graph_flops(const ra_graph *g, int32_t node);                /* multiply-adds x 2 of a forward pass, convolutions and matmul */
/* How far around a pixel of an input [..,H,W] an output of the same size looks, along axis 0 (height) or 1 (width), at most. Windows
 * that begin at multiples of `grid` give the values of the whole where they are `pixels` or more from an edge that is none of the
 * picture's. RA_ERR_ARG, with the op's name, where an op reads the whole picture. */
typedef struct ra_reach {
  int32_t pixels, grid;
} ra_reach;
int32_t ra_graph_reach(const ra_graph *g, int32_t input, int32_t output, int32_t axis, ra_reach *reach);

/* What the kernels may do to be fast; one value that a plan hands to every op. */
enum {
  RA_NUMERICS_FAST,   /* any algorithm */
  RA_NUMERICS_EXACT,  /* no Winograd convolutions: products are summed as the formula says */
  RA_NUMERICS_COUNT
};

/* A model as data: the JSON of a checkpoint's "ramus.model", checked. Leaves are the parameters and buffers by their
 * names, then the constants ("constant.K"). Index 0-based. */
typedef struct ra_template ra_template;
ra_template *ra_template_parse(const char *json);                      /* [own] */
void ra_template_release(RA_OPT ra_template *t);
int32_t ra_template_channels(const ra_template *t);
int32_t ra_template_entries(const ra_template *t);                     /* how many ops */
int32_t ra_template_leaves(const ra_template *t);
const char *ra_template_leaf_name(const ra_template *t, int32_t i);    /* NULL: no such leaf */
int32_t ra_template_leaf_shape(const ra_template *t, int32_t i, int32_t *dim); /* dim[RA_MAX_RANK]; returns the rank, -1 of constants */
int32_t ra_template_outputs(const ra_template *t);
const char *ra_template_output_name(const ra_template *t, int32_t i);
/* Adds the ops to graph g on node x [B,C,H,W]. value[leaves]: tensors, contiguous; leaf[leaves]: the node that reads each,
 * or -1, for which one is made at its first use and written here; entry[entries] and output[outputs]: nodes, written. */
int32_t ra_template_record(const ra_template *t, ra_graph *g, int32_t x, _Bool train, ra_tensor *const *value, int32_t *leaf,
                           int32_t *entry, int32_t *output);

/* A model as an ONNX file (core/export/): its ops in evaluation mode, for any batch, height and width. The template must outlive
 * the object, value[leaves] need not. fold: a batch normalisation behind a convolution becomes part of its weights. */
typedef struct ra_onnx ra_onnx;
ra_onnx *ra_onnx_new(const ra_template *t, ra_tensor *const *value, _Bool fold); /* [own] */
void ra_onnx_release(RA_OPT ra_onnx *o);
/* The file gets output `index` of the model under this name, behind an activation: "none", "sigmoid", "softmax" (of the channels). */
int32_t ra_onnx_output(ra_onnx *o, int32_t index, const char *name, const char *activation);
int32_t ra_onnx_meta(ra_onnx *o, const char *key, const char *text);   /* an entry of the file's metadata */
int32_t ra_onnx_save(ra_onnx *o, const char *path);                    /* once; RA_ERR_ARG where an op has no counterpart */
_Bool ra_onnx_knows(const ra_op *op);                                  /* the op can be written */

/* A graph whose memory, fusions and algorithms are decided. */
typedef struct ra_plan ra_plan;
typedef struct ra_plan_options {
  int32_t outputs;          /* nodes whose values are read after a run */
  const int32_t *output;
  int32_t loss;             /* node of one element to differentiate, or -1 */
  int32_t gradients;        /* leaves (inputs or tensors) whose gradient is wanted */
  const int32_t *leaf;
  ra_tensor *const *gradient; /* where each goes: same shape as the leaf, contiguous */
  int32_t numerics;         /* RA_NUMERICS_* */
  _Bool fuse;
  double budget;            /* bytes that the arena may have, 0: as many as it takes; values are computed twice where that saves memory */
  _Bool poison;             /* for tests: buffers are filled with NaN before and after their life */
  ra_arena *arena;          /* outlives the plan */
} ra_plan_options;
ra_plan *ra_plan_new(const ra_graph *g, const ra_plan_options *options); /* [own]; keeps what it needs of g */
void ra_plan_release(RA_OPT ra_plan *p);
int32_t ra_plan_bind(ra_plan *p, int32_t node, ra_tensor *t);  /* value of an input node: same shape, contiguous; held */
int32_t ra_plan_set(ra_plan *p, int32_t node, int32_t slot, double value); /* a live parameter */
/* Runs forward, and backward where there is a loss. accumulate: leaf gradients
 * are added to; scale multiplies d(loss). seed, epoch, step key the dropout. */
int32_t ra_plan_run(ra_plan *p, _Bool accumulate, double scale, double seed, int32_t epoch, int32_t step);
/* A view of an output's value in the arena: valid until the arena's next use. [own] */
ra_tensor *ra_plan_output(ra_plan *p, int32_t index);
double ra_plan_scalar(ra_plan *p, int32_t index);              /* the value of an output of one element */
double ra_plan_gradient_norm(ra_plan *p, int32_t node);        /* of a loss node: norm of d(loss)/d(prediction) of the last run */
double ra_plan_arena_bytes(const ra_plan *p);                  /* what the plan needs of the arena */
double ra_plan_lower_bound(const ra_plan *p);                  /* the most bytes that live at one step: no packing can beat it */
int32_t ra_plan_steps(const ra_plan *p);
double ra_plan_flops(const ra_plan *p);                        /* multiply-adds x 2 of a run, convolutions (as if direct) and matmul */
/* From here on a run does not move the leaves that its ops move (running averages of normalisations): returns how many doubles say by
 * what, or a code < 0. ra_plan_move makes the move of a run that had these statistics, of this plan or one of the same ops. */
int32_t ra_plan_hold(ra_plan *p);
const double *ra_plan_statistics(const ra_plan *p);            /* of the last run */
void ra_plan_move(ra_plan *p, const double *statistics);
const char *ra_plan_describe(ra_plan *p);                      /* text, valid until the next call or free; NULL where memory fails */
void ra_plan_profile(ra_plan *p, _Bool on);                    /* time each step; describe then shows it; on again: from the start */

/* ---- optimizers (core/optim) ------------------------------------------- */

/* One optimizer over a flat block of weights and the block of their gradients.
 * Semantics of torch.optim.SGD, Adam and AdamW; fields that a kind does not
 * have are ignored. clip: largest norm of the gradient, 0 for no clipping. */
typedef struct ra_optim ra_optim;
typedef struct ra_optim_config {
  double weight_decay, momentum, beta1, beta2, eps, clip;
  _Bool nesterov;
} ra_optim_config;
ra_optim *ra_optim_new(const char *kind /* "sgd", "adam", "adamw" */, const ra_optim_config *config, ra_tensor *weight,
                       ra_tensor *gradient); /* [own] holds both blocks */
void ra_optim_release(RA_OPT ra_optim *o);
/* A part of the block with a rate (times lr) and a weight decay of its own; it stands still for the first `from` steps
 * (infinity: always), as if it had no gradient, and its steps count from then on. */
typedef struct ra_optim_range {
  int32_t first, count;
  double lr, weight_decay, from;
} ra_optim_range;
int32_t ra_optim_ranges(ra_optim *o, const ra_optim_range *ranges, int32_t n); /* in order, without gaps, over the whole block */
/* One step; *norm: of the gradient before clipping, of the parts that move. RA_ERR_STATE, and no change, where it is not finite. */
int32_t ra_optim_step(ra_optim *o, double lr, double *norm, _Bool *clipped);
double ra_optim_steps(const ra_optim *o);
void ra_optim_set_steps(ra_optim *o, double steps);
ra_tensor *ra_optim_state(ra_optim *o, const char *name); /* [own] a view of "m" or "v"; NULL where the kind has none */
int32_t ra_gradient_add(ra_tensor *sum, const ra_tensor *gradient); /* sum += gradient, for accumulation in a fixed order */
int32_t ra_ema_update(ra_tensor *average, const ra_tensor *value, double decay); /* average = decay*average + (1-decay)*value */

/* ---- trained models (core/model) ---------------------------------------- */

/* A model from a run folder (its best checkpoint, else its last) or a checkpoint of format 2. */
typedef struct ra_model ra_model;
enum { RA_PIXELS_AT_ONCE = 1 << 24 }; /* the most that `ramus predict` gives a model at a time */
const char *ra_model_file(bool best); /* the name of a run's checkpoint in its folder */
ra_model *ra_model_open(const char *path);                        /* [own: ra_model_close] */
void ra_model_close(RA_OPT ra_model *m);
int32_t ra_model_channels(const ra_model *m);                     /* of its input; images are fitted to it */
double ra_model_threshold(const ra_model *m);                     /* foreground is where the probability is at or above it */
/* The numbers of files that are black and white, in place of what the training or the file's type says; NaN twice: these again. */
int32_t ra_model_range(ra_model *m, double low, double high);
/* [own] Probability of the foreground [H,W] in 0..1, at the image's own size: the file is decoded, fitted to the channels,
 * prepared as in training, and the main output is read. Keeps the plan of the last size. One thread at a time for one model. */
void ra_model_set_frame(ra_model *m, int32_t frame);               /* of files with several, from 0; the first unless set */
ra_tensor *ra_model_run(ra_model *m, const char *path);           /* of a model with classes: an error */
ra_tensor *ra_model_mask(const ra_model *m, const ra_tensor *probability); /* [own] 1 at or above the threshold, else 0 */
/* A model with classes has a channel for each, the first of them the background; one without has two, background and foreground. */
int32_t ra_model_classes(const ra_model *m);
const char *ra_model_class_name(const ra_model *m, int32_t k);    /* 0-based; NULL beyond the last */
int32_t ra_model_class_colour(const ra_model *m, int32_t k);      /* r << 16 | g << 8 | b; -1 beyond the last */
ra_tensor *ra_model_run_classes(ra_model *m, const char *path);   /* [own] probabilities [classes,H,W], else as ra_model_run */
ra_tensor *ra_model_labels(const ra_model *m, const ra_tensor *probability); /* [own] class of every pixel, [H,W], of these probabilities */

/* ---- a page for this machine (core/serve) -------------------------------- */

/* HTTP at 127.0.0.1 and nowhere else, through libmicrohttpd, by polling. Every connection brings one request, which waits twice at most:
 * when its head has come (RA_REQUEST_HEAD), to be answered or accepted with its body, and when that has come (RA_REQUEST_WHOLE), to be
 * answered. Who is slow keeps nobody waiting, and is shut out when his time is over. One thread at a time for one server. */
typedef struct ra_server ra_server;
typedef struct ra_server_limits {
  int32_t connections;   /* at a time, 1 to 64; further ones wait */
  double head_seconds;   /* in which the head of a request must have come */
  double seconds;        /* in which its body must have come, and in which its answer must be taken; 1 to 86400 */
} ra_server_limits;
ra_server *ra_server_new(int32_t port, const ra_server_limits *limits); /* [own] port 0: a free one; RA_ERR_EXISTS where it is taken */
void ra_server_release(RA_OPT ra_server *s);                      /* ends it and closes all connections */
int32_t ra_server_port(const ra_server *s);
/* The number of the request that has waited longest; 0 where none came for so many seconds, or a signal was noted. */
int32_t ra_server_wait(ra_server *s, double seconds);
enum { RA_REQUEST_NONE, RA_REQUEST_HEAD, RA_REQUEST_WHOLE };
int32_t ra_request_stage(ra_server *s, int32_t request);    /* RA_REQUEST_NONE: no such request waits */
/* Texts are valid until the request is accepted or answered; NULL where no such request waits. */
const char *ra_request_method(ra_server *s, int32_t request);
const char *ra_request_path(ra_server *s, int32_t request); /* decoded, without a query; "" where it has 256 characters or more */
const char *ra_request_header(ra_server *s, int32_t request, const char *name); /* NULL: it is not there, or more than once */
const void *ra_request_body(ra_server *s, int32_t request, double *size);
int32_t ra_request_accept(ra_server *s, int32_t request, double bytes); /* its body is let in; one that is larger closes the connection */
/* fields: lines NAME: VALUE; body is copied. */
int32_t ra_request_answer(ra_server *s, int32_t request, int32_t status, const char *fields, RA_OPT const void *body, double size);
