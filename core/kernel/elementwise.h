/* Entry points of every kernel file but the convolutions, for table.c; what they
 * do is said in kernel.h. */
#ifndef RA_KERNEL_ELEMENTWISE_H
#define RA_KERNEL_ELEMENTWISE_H

#include "kernel.h"

double K(peak_flops)(int64_t rounds);

void K(unary)(ra_unary f, ra_real p, ra_real q, int64_t n, const ra_real *x, ra_real *y);
void K(unary_grad)(ra_unary f, ra_real p, ra_real q, int64_t n, const ra_real *x, const ra_real *y, const ra_real *dy,
                   bool add, ra_real *dx);
void K(binary)(ra_binary f, int64_t n, const ra_real *a, const ra_real *b, ra_real *y);
void K(axpy)(int64_t n, ra_real a, const ra_real *x, bool add, ra_real *y);
double K(sum)(int64_t n, const ra_real *x);
double K(dot)(int64_t n, const ra_real *x, const ra_real *y);
void K(binary_row)(ra_binary f, int64_t n, const ra_real *a, bool a_one, const ra_real *b, bool b_one, ra_real *y);
void K(dropout)(int64_t n, double p, const ra_random_key *key, const ra_real *x, bool add, ra_real *y);

void K(softmax)(bool log, int64_t outer, int32_t n, int64_t inner, const ra_real *x, ra_real *y);
void K(softmax_grad)(bool log, int64_t outer, int32_t n, int64_t inner, const ra_real *y, const ra_real *dy, bool add,
                     ra_real *dx);

void K(max_pool)(const ra_pool *s, const ra_real *x, int32_t C, const ra_pointwise *with, ra_real *y, void *which);
void K(max_pool_grad)(const ra_pool *s, const ra_real *dy, const void *which, bool add, ra_real *dx);
void K(avg_pool)(const ra_pool *s, const ra_real *x, ra_real *y);
void K(avg_pool_grad)(const ra_pool *s, const ra_real *dy, bool add, ra_real *dx);

size_t K(upsample_work)(const ra_upsample *s);
void K(upsample)(const ra_upsample *s, const ra_real *x, ra_real *y, void *work);
void K(upsample_grad)(const ra_upsample *s, const ra_real *dy, bool add, ra_real *dx, void *work);

size_t K(deconv_work)(const ra_deconv *s);
void K(deconv_forward)(const ra_deconv *s, const ra_real *x, const ra_pointwise *with, const ra_real *w, const ra_real *bias,
                       bool add, ra_real *y, void *work);
void K(deconv_backward)(const ra_deconv *s, const ra_real *x, const ra_pointwise *with, const ra_real *w, const ra_real *dy,
                        bool add_dx, ra_real *dx, bool add_dw, ra_real *dw, void *work);

void K(channel_stats)(int32_t B, int32_t C, int32_t N, const ra_real *x, double eps, ra_real *mean, ra_real *var,
                      ra_real *rstd);
void K(merge_moments)(int32_t pieces, int32_t C, const ra_moments *moments, double eps, ra_real *mean, ra_real *var,
                      ra_real *rstd);
void K(channel_affine)(int32_t B, int32_t C, int32_t N, const ra_real *x, const ra_pointwise *e, ra_real *y);
void K(batch_norm_grad)(int32_t B, int32_t C, int32_t N, const ra_real *x, const ra_real *dy, const ra_real *mean,
                        const ra_real *rstd, const ra_real *g, const ra_real *b, ra_act act, ra_real slope,
                        bool add_dx, ra_real *dx, bool add_dg, ra_real *dg, bool add_db, ra_real *db);
void K(row_sums)(int32_t rows, int32_t N, const ra_real *x, const ra_real *dy, const ra_real *mean, double *sums);
void K(row_combine)(int32_t rows, int32_t N, const ra_real *x, const ra_real *dy, const ra_real *mean, const ra_real *a,
                    const ra_real *b, const ra_real *c, bool add, ra_real *dx);
void K(layer_affine)(int32_t rows, int32_t N, const ra_real *x, const ra_real *mean, const ra_real *rstd,
                     const ra_real *w, const ra_real *b, ra_real *y);
size_t K(layer_grad_work)(int32_t rows, int32_t N);
void K(layer_grad)(int32_t rows, int32_t N, const ra_real *x, const ra_real *dy, const ra_real *mean, const ra_real *rstd,
                   const ra_real *w, bool add_dx, ra_real *dx, bool add_dw, ra_real *dw, bool add_db, ra_real *db, void *work);

void K(sgd)(int64_t n, ra_real *p, const ra_real *g, ra_real *m, double lr, double wd, double momentum, bool nesterov,
            bool first, double gscale);
void K(adam)(int64_t n, ra_real *p, const ra_real *g, ra_real *m, ra_real *v, double lr, double wd, double beta1,
             double beta2, double eps, double c1, double c2, bool decoupled, double gscale);

#endif
