/* call.h: preparing one call of an op; used by eager calls and by graphs. */
#ifndef RA_CALL_H
#define RA_CALL_H

#include "op.h"

/* Fills c: parameters checked, output and saved shapes inferred, no data pointers. in[k].rank < 0: absent. */
int32_t ra_call_prepare(ra_call *c, const ra_op *op, const double *param, int32_t n_in, const ra_array *in, int32_t numerics);
/* A live parameter's new value, checked against its bounds. */
int32_t ra_check_param(const ra_op *op, int32_t slot, double value);
/* NULL gives an absent array. */
ra_array ra_array_of(const ra_tensor *t);

#endif
