/* Entry points of elementwise.c, norm.c and optimizer.c for table.c; what they
 * do is said in kernel.h. */
#ifndef RA_KERNEL_ELEMENTWISE_H
#define RA_KERNEL_ELEMENTWISE_H

#include "kernel.h"

void K(unary)(ra_unary f, ra_real p, ra_real q, int64_t n, const ra_real *x, ra_real *y);
void K(unary_grad)(ra_unary f, ra_real p, ra_real q, int64_t n, const ra_real *x, const ra_real *y, const ra_real *dy,
                   bool add, ra_real *dx);
void K(binary)(ra_binary f, int64_t n, const ra_real *a, const ra_real *b, ra_real *y);
void K(axpy)(int64_t n, ra_real a, const ra_real *x, bool add, ra_real *y);
double K(sum)(int64_t n, const ra_real *x);
double K(dot)(int64_t n, const ra_real *x, const ra_real *y);

void K(channel_stats)(int32_t B, int32_t C, int32_t N, int64_t x_batch, const ra_real *x, double eps, ra_real *mean,
                      ra_real *var, ra_real *rstd);
void K(channel_affine)(int32_t B, int32_t C, int32_t N, int64_t x_batch, int64_t y_batch, const ra_real *x,
                       const ra_epilogue *e, ra_real *y);
void K(batch_norm_grad)(int32_t B, int32_t C, int32_t N, const ra_real *x, const ra_real *dy, const ra_real *mean,
                        const ra_real *rstd, const ra_real *g, const ra_real *b, ra_act act, ra_real slope,
                        bool add_dx, ra_real *dx, bool add_dg, ra_real *dg, bool add_db, ra_real *db);

void K(sgd)(int64_t n, ra_real *p, const ra_real *g, ra_real *m, double lr, double wd, double momentum, bool nesterov,
            bool first, double gscale);
void K(adam)(int64_t n, ra_real *p, const ra_real *g, ra_real *m, ra_real *v, double lr, double wd, double beta1,
             double beta2, double eps, double c1, double c2, bool decoupled, double gscale);

#endif
