/* template_options.h: options of an op from JSON. */
#ifndef RA_GRAPH_TEMPLATE_OPTIONS_H
#define RA_GRAPH_TEMPLATE_OPTIONS_H

#include <jansson.h>

#include "../op/op.h"

/* Fills the slots of an op's parameters: its defaults, then the options by name. Kinds are checked here, bounds when the op is recorded. */
int32_t ra_options_read(const ra_op *op, json_t *options, double slot[RA_MAX_SLOTS]);

#endif
