/* api.h: every public declaration of the Ramus core.
 *
 * Read twice: by C through ramus.h, and by LuaJIT's ffi.cdef. So: no line with
 * a hash sign, no inline function; across this border go only int32_t, double,
 * _Bool, const char * and pointers. ra_real is defined by the reader.
 *
 * Every function that can fail returns int32_t, 0 (RA_OK) or a code RA_ERR_*,
 * or a pointer that is NULL on failure; ra_error() has the message.
 * Tags of pointers: [in] read, [out] written, [acc] added to, [opt] may be
 * NULL, [own] the caller must release it. */

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
  RA_ERR_EXISTS = -8  /* somebody else holds it */
};

/* Version of this border; ffi.lua refuses a library with another one. */
int32_t ra_abi_version(void);
int32_t ra_real_size(void); /* bytes in ra_real: 4, or 8 in the gradient-check build */

/* The message of the last failure in this thread; valid until the next one. */
const char *ra_error(void);

double ra_mem_live(void);                /* bytes allocated now */
double ra_mem_peak(void);                /* the largest value of that since the last reset */
void ra_mem_reset_peak(void);
double ra_mem_count(void);               /* allocations made so far */
void ra_mem_fail_after(double n);        /* let n more allocations succeed, fail one; < 0: never */

int32_t ra_threads(void);                /* threads used for computing */
int32_t ra_set_threads(int32_t n);       /* 1..64; RAMUS_THREADS gives the start value */

/* The instruction set of the kernels: "generic", "avx2" or "avx512". */
const char *ra_isa(void);
int32_t ra_set_isa(const char *name);    /* RA_ERR_ARG where this processor lacks it */

/* Uniform in [0,1) and standard normal numbers, a pure function of the key
 * (Philox4x32-10, Salmon et al. 2011). */
double ra_random_uniform(double seed, int32_t a, int32_t b, int32_t purpose, double element);
double ra_random_normal(double seed, int32_t a, int32_t b, int32_t purpose, double element);

double ra_clock(void);                   /* seconds, monotonic */

/* ---- tensors ----------------------------------------------------------- */

/* Numbers with a shape. Rank 0 to 5; a dimension may be 0. Elements of one
 * tensor: at most 2^31 - 1. Index 0-based; element (i,j,..) is at
 * data[i * stride[0] + j * stride[1] + ..]. */
typedef struct ra_storage ra_storage;
typedef struct ra_tensor {
  ra_real *data;       /* first element of this view */
  int32_t rank;
  int32_t dim[5];
  int32_t stride[5];   /* in elements */
  int32_t size;        /* number of elements */
  ra_storage *storage;
} ra_tensor;

ra_tensor *ra_tensor_new(int32_t rank, const int32_t *dim);       /* [own] uninitialised */
ra_tensor *ra_tensor_zeros(int32_t rank, const int32_t *dim);     /* [own] */
/* [own] `count` consecutive elements of t from `first` (0-based, t contiguous) under another shape. */
ra_tensor *ra_tensor_slice(ra_tensor *t, int32_t first, int32_t rank, const int32_t *dim);
ra_tensor *ra_tensor_narrow(ra_tensor *t, int32_t dim, int32_t first, int32_t count); /* [own] a view, 0-based */
ra_tensor *ra_tensor_reshape(ra_tensor *t, int32_t rank, const int32_t *dim); /* [own] a view; t contiguous */
ra_tensor *ra_tensor_clone(const ra_tensor *t);                   /* [own] contiguous copy */
int32_t ra_tensor_copy(ra_tensor *to, const ra_tensor *from);     /* same shape, any strides */
int32_t ra_tensor_fill(ra_tensor *t, double value);
_Bool ra_tensor_contiguous(const ra_tensor *t);
void ra_tensor_release(ra_tensor *t);                             /* NULL is fine */
/* out[0..4]: minimum, maximum, mean, number of values that are not finite, sum */
int32_t ra_tensor_stats(const ra_tensor *t, double *out);
/* Uniform in [low, high) or normal(low, high = deviation); element i of the tensor is element i of the key. */
int32_t ra_tensor_random(ra_tensor *t, _Bool normal, double low, double high, double seed, int32_t a, int32_t b, int32_t purpose);

/* ---- images (core/image) ----------------------------------------------- */

/* ---- data: transfer, archives, hashes, safetensors, npy, loader (core/data) ---- */

/* ---- metrics (core/metric) --------------------------------------------- */

/* ---- ops, graphs, plans (core/op, core/loss, core/graph) --------------- */

/* ---- optimizers (core/optim) ------------------------------------------- */
