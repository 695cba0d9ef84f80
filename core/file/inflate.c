#include "inflate.h"

#include <zlib.h>

#include "../base/error.h"
#include "../base/mem.h"

enum { GZIP = 16 + MAX_WBITS, RAW = -MAX_WBITS };

static voidpf get_memory(voidpf unused, uInt count, uInt size) {
  (void)unused;
  return ra_mem_alloc(count, size);
}

static void drop_memory(voidpf unused, voidpf block) {
  (void)unused;
  ra_mem_free(block);
}

typedef struct stream {
  z_stream z;
  const uint8_t *at, *end;
  uint8_t *block;
  size_t capacity, used;
} stream;

/* Room for more, up to `most` and one byte, which tells that there is more. */
static int32_t grow(stream *s, size_t most) {
  if (s->used < s->capacity) return RA_OK;
  size_t wanted = s->capacity < most / 2 ? s->capacity * 2 : most + 1;
  uint8_t *larger = ra_mem_realloc(s->block, wanted, 1);
  if (!larger) return RA_ERR_MEMORY;
  s->block = larger;
  s->capacity = wanted;
  return RA_OK;
}

/* One turn of zlib; its counters have 32 bits. */
static int turn(stream *s) {
  size_t in = (size_t)(s->end - s->at), room = s->capacity - s->used;
  s->z.next_in = (Bytef *)(uintptr_t)s->at;
  s->z.avail_in = in < 1u << 30 ? (uInt)in : 1u << 30;
  s->z.next_out = s->block + s->used;
  s->z.avail_out = room < 1u << 30 ? (uInt)room : 1u << 30;
  int state = inflate(&s->z, Z_NO_FLUSH);
  s->at = s->z.next_in;
  s->used = (size_t)(s->z.next_out - s->block);
  return state;
}

static int32_t run(stream *s, int kind, size_t most, bool whole) {
  for (;;) {
    RA_TRY(grow(s, most));
    int state = turn(s);
    if (s->used > most) {
      s->used = most;
      return whole ? ra_fail(RA_ERR_FORMAT, "it unpacks to more than %zu bytes, which is more than its header says", most) : RA_OK;
    }
    if (state == Z_MEM_ERROR) return ra_fail(RA_ERR_MEMORY, "out of memory");
    if (state == Z_STREAM_END) {
      /* other bytes behind the stream are no part of it */
      bool again = kind == GZIP && s->end - s->at >= 2 && s->at[0] == 0x1f && s->at[1] == 0x8b;
      if (!again) return RA_OK;
      if (inflateReset(&s->z) != Z_OK) return ra_fail(RA_ERR_FORMAT, "the stream is broken");
    } else if (state != Z_OK) {
      return ra_fail(RA_ERR_FORMAT, "%s", state == Z_BUF_ERROR ? "the stream ends too early: cut off" : "the stream is broken");
    }
  }
}

static int32_t unpack(int kind, const uint8_t *bytes, size_t size, size_t most, bool whole, uint8_t **out, size_t *count) {
  stream s = {.z = {.zalloc = get_memory, .zfree = drop_memory}, .at = bytes, .end = bytes + size};
  s.capacity = most + 1 < 1 << 16 ? most + 1 : 1 << 16;
  if (!(s.block = ra_mem_alloc(s.capacity, 1))) return RA_ERR_MEMORY;
  int32_t code = inflateInit2(&s.z, kind) == Z_OK ? run(&s, kind, most, whole) : ra_fail(RA_ERR_MEMORY, "out of memory");
  inflateEnd(&s.z);
  if (code != RA_OK) {
    ra_mem_free(s.block);
    return code;
  }
  *out = s.block;
  *count = s.used;
  return RA_OK;
}

int32_t ra_gunzip(const uint8_t *bytes, size_t size, size_t most, bool whole, uint8_t **out, size_t *count) {
  return unpack(GZIP, bytes, size, most, whole, out, count);
}

int32_t ra_inflate_raw(const uint8_t *bytes, size_t size, size_t most, uint8_t **out, size_t *count) {
  return unpack(RAW, bytes, size, most, false, out, count);
}
