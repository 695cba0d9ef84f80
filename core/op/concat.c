/* concat: the inputs joined along `dim`; other dimensions must agree.
 *   [.., n1, ..], [.., n2, ..], ... -> [.., n1 + n2 + ..., ..] */
#include <string.h>

#include "../base/thread.h"
#include "op.h"

static const ra_param params[] = {
  {.name = "dim", .kind = RA_PARAM_DIM, .default_value = 1, .low = 0, .high = RA_MAX_RANK - 1, .help = "along which dimension"},
  {0}};

static int32_t infer(ra_call *c) {
  char a[80], b[80];
  int32_t axis = (int32_t)c->param[0], dim[RA_MAX_RANK];
  if (axis >= c->in[0].rank)
    return ra_fail(RA_ERR_SHAPE, "concat: dim = %d, but the first input is %s", axis + 1, ra_in_text(c, 0, a));
  memcpy(dim, c->in[0].dim, sizeof dim);
  for (int32_t k = 1; k < c->n_in; k++) {
    bool fits = c->in[k].rank == c->in[0].rank;
    for (int32_t i = 0; fits && i < c->in[0].rank; i++) fits = i == axis || c->in[k].dim[i] == dim[i];
    if (!fits)
      return ra_fail(RA_ERR_SHAPE, "concat: %s and %s must agree in every dimension but %d", ra_in_text(c, 0, a),
                     ra_in_text(c, k, b), axis + 1);
    dim[axis] += c->in[k].dim[axis];
  }
  return ra_out(c, c->in[0].rank, dim);
}

/* Elements of a from one index of the dimensions before axis to the next. */
static int64_t run_length(const ra_array *a, int32_t axis) {
  int64_t n = 1;
  for (int32_t i = axis; i < a->rank; i++) n *= a->dim[i];
  return n;
}

typedef struct {
  ra_call *c;
  int32_t axis;
  bool backward;
} copy_job;

static void copy_row(void *context, int32_t row) {
  const copy_job *job = context;
  ra_call *c = job->c;
  int64_t at = row * run_length(&c->out, job->axis);
  for (int32_t k = 0; k < c->n_in; k++) {
    int64_t n = run_length(&c->in[k], job->axis);
    if (!job->backward) memcpy(c->out.data + at, c->in[k].data + row * n, (size_t)n * sizeof(ra_real));
    else if (c->din[k].data) ra_store(c->add[k], n, c->dout.data + at, c->din[k].data + row * n);
    at += n;
  }
}

static void copy_all(ra_call *c, bool backward) {
  copy_job job = {c, (int32_t)c->param[0], backward};
  int64_t run = run_length(&c->out, job.axis);
  int32_t rows = run > 0 ? (int32_t)(c->out.size / run) : 0;
  ra_parallel(rows, copy_row, &job);
}

static void forward(ra_call *c) { copy_all(c, false); }
static void backward(ra_call *c) { copy_all(c, true); }

const ra_op ra_op_concat = {
  .name = "concat",
  .help = "inputs behind each other along dim\n[B,C1,H,W], [B,C2,H,W], ... -> [B,C1+C2+..,H,W] for dim = 2",
  .inputs = "a,...",
  .params = params,
  .role = RA_ROLE_CONCAT,
  .reads = 0,
  .infer = infer,
  .sees = ra_sees_along,
  .forward = forward,
  .backward = backward,
  .samples = "2,3,4,5 2,2,4,5 2,1,4,5\n2,3 4,3 | dim=1",
};
