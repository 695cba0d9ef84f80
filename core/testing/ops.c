/* ops.c: ops with mistakes, for the tests of the checks that find them. */
#include <string.h>

#include "../op/op.h"
#include "api_test.h"

static int32_t infer(ra_call *c) { return ra_out_like(c, 0); }

static void square(ra_call *c) {
  for (int32_t i = 0; i < c->out.size; i++) c->out.data[i] = c->in[0].data[i] * c->in[0].data[i];
}

static void square_grad(ra_call *c) {
  for (int32_t i = 0; i < c->out.size; i++) {
    ra_real d = 2 * c->in[0].data[i] * c->dout.data[i];
    c->din[0].data[i] = c->add[0] ? c->din[0].data[i] + d : d;
  }
}

/* A square whose table does not say that backward reads its input. */
static const ra_op forgets = {.name = "forgets", .help = "x^2", .inputs = "x", .infer = infer, .forward = square, .backward = square_grad};
/* The same without the mistake. */
static const ra_op sound = {.name = "sound", .help = "x^2", .inputs = "x", .reads = RA_READS_IN0, .infer = infer, .forward = square,
                            .backward = square_grad};

/* One parameter slot too many. */
#define LIST(n) {.name = n, .kind = RA_PARAM_INTS, .default_value = 0, .low = 0, .high = 9, .help = "numbers"}
static const ra_param many[] = {
  LIST("a"), LIST("b"), LIST("c"),
  {.name = "d", .kind = RA_PARAM_PAIR, .default_value = 0, .low = 0, .high = 9, .help = "two numbers"},
  {.name = "e", .kind = RA_PARAM_INT, .default_value = 0, .low = 0, .high = 9, .help = "a number"},
  {0}};
static const ra_op slots = {.name = "slots", .help = "x^2", .inputs = "x", .params = many, .infer = infer, .forward = square};

/* One saved array too many. */
static int32_t infer_saves(ra_call *c) {
  for (int32_t k = 0; k <= RA_MAX_SAVED; k++) RA_TRY(ra_save(c, 1, (int32_t[]){1}));
  return ra_out_like(c, 0);
}
static const ra_op saves = {.name = "saves", .help = "x^2", .inputs = "x", .infer = infer_saves, .forward = square};

/* A default that its own bounds refuse. */
static const ra_param off[] = {{.name = "p", .default_value = 2, .low = 0, .high = 1, .help = "a share"}, {0}};
static const ra_op bounds = {.name = "bounds", .help = "x^2", .inputs = "x", .params = off, .infer = infer, .forward = square};

/* An activation that does not say which. */
static const ra_op act = {.name = "act", .help = "x^2", .inputs = "x", .role = RA_ROLE_ACT, .infer = infer, .forward = square};

const ra_op *ra_op_faulty(const char *name) {
  static const ra_op *const all[] = {&forgets, &sound, &slots, &saves, &bounds, &act};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (strcmp(all[i]->name, name) == 0) return all[i];
  return NULL;
}
