/* comm.c: the processes of a training that mpirun started, and what they exchange. Nothing here adds but ra_comm_add, and that in the
 * order of its caller, never in one that depends on the number of processes or on who comes first.
 *
 * Gradients: every process owns a slice of the flat block, receives it from all (alltoall), adds, and sends its sum to all (allgather). */
#include <stdlib.h>
#include <string.h>

#include "../base/error.h"
#include "../base/math.h"
#include "../base/mem.h"
#include "../base/thread.h"
#include "../library/mpi.h"
#include "../kernel/kernel.h"
#include "../tensor/tensor.h"

enum { RANKS_MOST = 4096, ALIGN = 16 }; /* ALIGN: elements */

/* As a thread has its error, a process has its place among those that mpirun started. */
static struct {
  bool open;
  int rank, size;
  double seconds;
} world = {.size = 1};

#define WORLD ((ra_mpi_handle)(void *)ra_mpi.ompi_mpi_comm_world)
#define BYTE ((ra_mpi_handle)(void *)ra_mpi.ompi_mpi_byte)
#define IN_PLACE ((void *)1)

/* Open MPI tells its processes how many they are. */
bool ra_comm_started(void) {
  const char *size = getenv("OMPI_COMM_WORLD_SIZE");
  return size && strtol(size, NULL, 10) > 1;
}

int32_t ra_comm_open(void) {
  int got;
  if (world.open) return RA_OK;
  if (!ra_comm_started()) return ra_fail(RA_ERR_STATE, "this process was not started by mpirun beside others");
  RA_TRY(ra_mpi_open());
  if (ra_mpi.MPI_Init_thread(NULL, NULL, RA_MPI_THREAD_FUNNELED, &got) != 0) return ra_fail(RA_ERR_STATE, "Open MPI did not start");
  world.open = true;
  ra_mpi.MPI_Comm_rank(WORLD, &world.rank);
  ra_mpi.MPI_Comm_size(WORLD, &world.size);
  if (world.size > RANKS_MOST) return ra_fail(RA_ERR_ARG, "%d ranks are more than %d", world.size, RANKS_MOST);
  return RA_OK;
}

int32_t ra_comm_rank(void) { return world.rank; }
int32_t ra_comm_size(void) { return world.size; }
double ra_comm_seconds(void) { return world.seconds; }

void ra_comm_close(int32_t status) {
  if (!world.open) return;
  if (status != 0) ra_mpi.MPI_Abort(WORLD, status);
  ra_mpi.MPI_Finalize();
  world.open = false;
}

static int32_t done(int code, double began) {
  world.seconds += ra_clock() - began;
  return code == 0 ? RA_OK : ra_fail(RA_ERR_STATE, "an exchange between ranks failed (MPI error %d)", code);
}

int32_t ra_comm_gather(const void *mine, int32_t bytes, void *all) {
  double began = ra_clock();
  if (!world.open) {
    memmove(all, mine, (size_t)bytes);
    return RA_OK;
  }
  return done(ra_mpi.MPI_Allgather(mine, bytes, BYTE, all, bytes, BYTE, WORLD), began);
}

int32_t ra_comm_send(void *data, int32_t bytes, int32_t from) {
  double began = ra_clock();
  return world.open ? done(ra_mpi.MPI_Bcast(data, bytes, BYTE, from, WORLD), began) : RA_OK;
}

/* Bytes of the slices [size], where they begin in the block [size], and what each process sends and receives. */
typedef struct {
  int *bytes, *at, *send, *receive, *receive_at;
} slices;

/* Slices of `each` elements, the last ones shorter; count: ranks 0..count-1 have something to send. */
static void cut(slices *s, int64_t elements, int64_t each, int32_t count) {
  for (int r = 0; r < world.size; r++) {
    int64_t first = r * each < elements ? r * each : elements, last = first + each < elements ? first + each : elements;
    s->at[r] = (int)(first * (int64_t)sizeof(ra_real));
    s->bytes[r] = (int)((last - first) * (int64_t)sizeof(ra_real));
    s->send[r] = world.rank < count ? s->bytes[r] : 0;
  }
  for (int r = 0; r < world.size; r++) {
    s->receive[r] = r < count ? s->bytes[world.rank] : 0;
    s->receive_at[r] = (int)(r * each * (int64_t)sizeof(ra_real));
  }
}

/* sum[n] of this process's slice, from what ranks 0..count-1 sent, which lies `each` elements apart. */
static void add_slices(ra_real *sum, int32_t n, const ra_real *received, int64_t each, int32_t count, bool first) {
  for (int32_t r = count - 1; r >= 0; r--) {
    const ra_real *from = received + r * each;
    if (first && r == count - 1) memcpy(sum, from, (size_t)n * sizeof *sum);
    else ra_kernel()->axpy(n, 1, from, true, sum);
  }
}

static int32_t exchange(ra_tensor *sum, const ra_tensor *gradient, slices *s, ra_real *received, int64_t each, int32_t count,
                        bool first) {
  double began = ra_clock();
  int code = ra_mpi.MPI_Alltoallv(gradient->data, s->send, s->at, BYTE, received, s->receive, s->receive_at, BYTE, WORLD);
  RA_TRY(done(code, began));
  int me = world.rank;
  ra_real *mine = (ra_real *)(void *)((char *)sum->data + s->at[me]);
  add_slices(mine, (int32_t)((size_t)s->bytes[me] / sizeof(ra_real)), received, each, count, first);
  began = ra_clock();
  return done(ra_mpi.MPI_Allgatherv(IN_PLACE, 0, BYTE, sum->data, s->bytes, s->at, BYTE, WORLD), began);
}

int32_t ra_comm_add(ra_tensor *sum, const ra_tensor *gradient, int32_t count, bool first) {
  if (sum->size != gradient->size || !ra_tensor_contiguous(sum) || !ra_tensor_contiguous(gradient) || count < 1 || count > world.size)
    return ra_fail(RA_ERR_SHAPE, "sum over %d ranks of %d: blocks of %d and %d elements", count, world.size, sum->size, gradient->size);
  if (!world.open) {
    add_slices(sum->data, sum->size, gradient->data, 0, 1, first);
    return RA_OK;
  }
  int64_t each = ((int64_t)sum->size + world.size - 1) / world.size;
  each = (each + ALIGN - 1) / ALIGN * ALIGN;
  if (each * world.size * (int64_t)sizeof(ra_real) > INT32_MAX)
    return ra_fail(RA_ERR_ARG, "a gradient of %d elements is more than one exchange takes", sum->size);
  int *numbers = ra_mem_alloc((size_t)world.size, 5 * sizeof *numbers);
  ra_real *received = ra_mem_alloc((size_t)(each * world.size), sizeof *received);
  int32_t code = RA_ERR_MEMORY;
  if (numbers && received) {
    slices s = {numbers, numbers + world.size, numbers + 2 * world.size, numbers + 3 * world.size, numbers + 4 * world.size};
    cut(&s, sum->size, each, count);
    code = exchange(sum, gradient, &s, received, each, count, first);
  }
  ra_mem_free(numbers);
  ra_mem_free(received);
  return code;
}
