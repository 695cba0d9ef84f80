/* registry.c: the list of all ops and losses, made from ops.def and losses.def. */
#include <string.h>

#include "../op/op.h"

#define RA_OP(name) extern const ra_op ra_op_##name;
#include "../op/ops.def"
#include "../loss/losses.def"
#undef RA_OP

static const ra_op *const registry[] = {
#define RA_OP(name) &ra_op_##name,
#include "../op/ops.def"
#include "../loss/losses.def"
#undef RA_OP
};

int32_t ra_op_count(void) { return (int32_t)(sizeof registry / sizeof *registry); }

const ra_op *ra_op_at(int32_t index) { return index >= 0 && index < ra_op_count() ? registry[index] : NULL; }

int32_t ra_op_check_all(void);
int32_t ra_op_check_all(void) {
  for (int32_t i = 0; i < ra_op_count(); i++) RA_TRY(ra_op_check(registry[i]));
  return RA_OK;
}

const ra_op *ra_op_find(const char *name) {
  for (int32_t i = 0; i < ra_op_count(); i++)
    if (strcmp(registry[i]->name, name) == 0) return registry[i];
  return NULL;
}
