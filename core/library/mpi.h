/* Open MPI, opened when mpirun has started this process (dl.h). Its header is not needed to build: the functions are declared here
 * as its library, libmpi.so.40, has them, where handles are addresses of objects that it exports. Before the first call:
 * RA_TRY(ra_mpi_open()). */
#ifndef RA_DL_MPI_H
#define RA_DL_MPI_H

#include "dl.h"

typedef struct ra_mpi_object *ra_mpi_handle;
enum { RA_MPI_THREAD_FUNNELED = 1 };

int MPI_Init_thread(int *argc, char ***argv, int wanted, int *got);
int MPI_Finalize(void);
int MPI_Abort(ra_mpi_handle comm, int status);
int MPI_Comm_rank(ra_mpi_handle comm, int *rank);
int MPI_Comm_size(ra_mpi_handle comm, int *size);
int MPI_Bcast(void *data, int count, ra_mpi_handle type, int root, ra_mpi_handle comm);
int MPI_Allgather(const void *from, int count, ra_mpi_handle type, void *to, int each, ra_mpi_handle as, ra_mpi_handle comm);
int MPI_Allgatherv(const void *from, int count, ra_mpi_handle type, void *to, const int *each, const int *at, ra_mpi_handle as,
                   ra_mpi_handle comm);
int MPI_Alltoallv(const void *from, const int *count, const int *at, ra_mpi_handle type, void *to, const int *each, const int *to_at,
                  ra_mpi_handle as, ra_mpi_handle comm);
extern char ompi_mpi_comm_world, ompi_mpi_byte;

#define RA_MPI_CALLS(f) \
  f(MPI_Init_thread) f(MPI_Finalize) f(MPI_Abort) f(MPI_Comm_rank) f(MPI_Comm_size) f(MPI_Bcast) f(MPI_Allgather) f(MPI_Allgatherv) \
  f(MPI_Alltoallv) f(ompi_mpi_comm_world) f(ompi_mpi_byte)

extern struct ra_mpi {
  RA_MPI_CALLS(RA_DL_MEMBER)
} ra_mpi;

int32_t ra_mpi_open(void);

#endif
