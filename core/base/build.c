/* build.c: what this library was built from. build_info.h is made by the Makefile, which writes it when it changes. */
#include <string.h>

#include "../ramus.h"
#include "build_info.h"

/* The text of api.h, as it was compiled. */
__asm__(".pushsection .rodata\n"
        "ra_api_text_bytes:\n"
        ".incbin \"core/api.h\"\n"
        ".byte 0\n"
        ".popsection\n");
extern const char api_text[] __asm__("ra_api_text_bytes");

const char *ra_api_text(void) { return api_text; }

const char *ra_build_info(const char *key) {
  static const struct {
    const char *key, *value;
  } info[] = {{"version", RA_BUILD_VERSION}, {"commit", RA_BUILD_COMMIT}, {"kernels", RA_BUILD_KERNELS}};
  for (size_t i = 0; i < sizeof info / sizeof info[0]; i++)
    if (strcmp(key, info[i].key) == 0) return info[i].value;
  return NULL;
}
