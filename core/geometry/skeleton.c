/* Skeleton and connected components of a binary image [H,W].
 *
 * Skeleton: T. Zhang, C. Suen, "A fast parallel algorithm for thinning digital
 * patterns", Communications of the ACM 27 (1984), with the 25 exceptions that
 * skimage.morphology.skeletonize makes (it removes corners of staircases and
 * keeps some ends), so that clDice has the numbers that papers computed with it;
 * the pixels are the same as its. Only pixels that are still set are visited.
 * Components are 8-connected. */
#include <string.h>

#include "../base/error.h"
#include "../base/mem.h"
#include "geometry.h"

/* Bit k of the neighbourhood is neighbour k, clockwise from north (P2..P9 of the paper). */
enum { NORTH = 1, EAST = 4, SOUTH = 16, WEST = 64 };

/* Neighbourhoods where scikit-image differs from the paper: the passes that remove the pixel, as in `goes`. */
static const uint8_t exception[][2] = {
  {0x03, 1}, {0x05, 3}, {0x06, 1}, {0x07, 1}, {0x0C, 2}, {0x0D, 2}, {0x14, 3}, {0x18, 0}, {0x1C, 2},
  {0x30, 2}, {0x34, 2}, {0x36, 2}, {0x41, 3}, {0x43, 1}, {0x50, 3}, {0x58, 2}, {0x60, 2}, {0x61, 1},
  {0x63, 1}, {0x70, 2}, {0x81, 1}, {0x85, 1}, {0xC0, 0}, {0xC1, 1}, {0xD0, 1}
};

/* goes[n]: bit 0 when the first subiteration removes a pixel with neighbourhood n, bit 1 for the second. */
static void make_table(uint8_t goes[256]) {
  for (int n = 0; n < 256; n++) {
    int set = 0, steps = 0;
    for (int k = 0; k < 8; k++) {
      int here = n >> k & 1, next = n >> ((k + 1) & 7) & 1;
      set += here;
      steps += !here && next;
    }
    bool thin = set >= 2 && set <= 6 && steps == 1;
    bool first = !((n & NORTH) && (n & EAST) && (n & SOUTH)) && !((n & EAST) && (n & SOUTH) && (n & WEST));
    bool second = !((n & NORTH) && (n & EAST) && (n & WEST)) && !((n & NORTH) && (n & SOUTH) && (n & WEST));
    goes[n] = (uint8_t)((thin && first) | (thin && second) << 1);
  }
  for (size_t i = 0; i < sizeof exception / sizeof exception[0]; i++) goes[exception[i][0]] = exception[i][1];
}

static unsigned neighbourhood(const uint8_t *p, int32_t W) {
  return (unsigned)(p[-W] | p[-W + 1] << 1 | p[1] << 2 | p[W + 1] << 3 | p[W] << 4 | p[W - 1] << 5 | p[-1] << 6 |
                    p[-W - 1] << 7);
}

/* copy [H+2,W+2] <- mask with a border of one background pixel. */
static void with_border(const uint8_t *mask, int32_t H, int32_t W, uint8_t *copy) {
  memset(copy, 0, (size_t)(H + 2) * (size_t)(W + 2));
  for (int32_t y = 0; y < H; y++) memcpy(copy + (y + 1) * (W + 2) + 1, mask + y * W, (size_t)W);
}

/* list <- positions of set pixels; returns how many. */
static int32_t set_pixels(const uint8_t *mask, int32_t size, int32_t *list) {
  int32_t n = 0;
  for (int32_t i = 0; i < size; i++)
    if (mask[i]) list[n++] = i;
  return n;
}

size_t ra_skeleton_work(int32_t H, int32_t W) { return (size_t)(H + 2) * (size_t)(W + 2) * (2 * sizeof(int32_t) + 1); }

void ra_skeleton_in(const uint8_t *mask, int32_t H, int32_t W, uint8_t *out, void *work) {
  int32_t size = (H + 2) * (W + 2);
  int32_t *list = work, *dead = list + size;
  void *behind = dead + size;
  uint8_t goes[256], *image = behind;
  with_border(mask, H, W, image);
  make_table(goes);
  int32_t left = set_pixels(image, size, list), quiet = 0;
  for (int pass = 0; quiet < 2; pass ^= 1) {
    int32_t kept = 0, removed = 0;
    for (int32_t i = 0; i < left; i++) {
      if (goes[neighbourhood(image + list[i], W + 2)] >> pass & 1) dead[removed++] = list[i];
      else list[kept++] = list[i];
    }
    for (int32_t i = 0; i < removed; i++) image[dead[i]] = 0;
    left = kept;
    quiet = removed ? 0 : quiet + 1;
  }
  for (int32_t y = 0; y < H; y++) memcpy(out + y * W, image + (y + 1) * (W + 2) + 1, (size_t)W);
}

int32_t ra_skeleton(const uint8_t *mask, int32_t H, int32_t W, uint8_t *out) {
  void *work = ra_mem_alloc(ra_skeleton_work(H, W), 1);
  if (!work) return RA_ERR_MEMORY;
  ra_skeleton_in(mask, H, W, out, work);
  ra_mem_free(work);
  return RA_OK;
}

int32_t ra_components(const uint8_t *mask, int32_t H, int32_t W, int32_t *count) {
  int32_t size = (H + 2) * (W + 2), stride = W + 2;
  const int32_t step[8] = {-stride, -stride + 1, 1, stride + 1, stride, stride - 1, -1, -stride - 1};
  uint8_t *image = ra_mem_alloc((size_t)size, 1);
  int32_t *stack = ra_mem_alloc((size_t)size, sizeof *stack);
  int32_t code = image && stack ? RA_OK : RA_ERR_MEMORY, found = 0;
  if (code == RA_OK) with_border(mask, H, W, image);
  for (int32_t i = 0; code == RA_OK && i < size; i++) {
    if (!image[i]) continue;
    int32_t top = 0;
    found++;
    stack[top++] = i;
    image[i] = 0;
    while (top > 0) {
      int32_t at = stack[--top];
      for (int k = 0; k < 8; k++)
        if (image[at + step[k]]) {
          image[at + step[k]] = 0;
          stack[top++] = at + step[k];
        }
    }
  }
  *count = found;
  ra_mem_free(stack);
  ra_mem_free(image);
  return code;
}
