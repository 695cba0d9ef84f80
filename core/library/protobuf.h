/* libprotobuf-c, opened when it is first needed (dl.h). Its functions keep their names, which are macros here; before the
 * first call: RA_TRY(ra_protobuf_open()). */
#ifndef RA_DL_PROTOBUF_H
#define RA_DL_PROTOBUF_H

#include <protobuf-c/protobuf-c.h>

#include "dl.h"

#define RA_PROTOBUF_CALLS(f) f(protobuf_c_message_get_packed_size) f(protobuf_c_message_pack)

extern struct ra_protobuf {
  RA_PROTOBUF_CALLS(RA_DL_MEMBER)
} ra_protobuf;

int32_t ra_protobuf_open(void);

#ifndef RA_DL_C /* dl.c itself needs the names */
#define protobuf_c_message_get_packed_size ra_protobuf.protobuf_c_message_get_packed_size
#define protobuf_c_message_pack ra_protobuf.protobuf_c_message_pack
#endif

#endif
