/* peak: what the multiply-add units can do at most, the 100 % of a profile. */
#include "kernel.h"
#include "vec.h"

enum { CHAINS = 16 }; /* independent sums: latency 4 to 5 cycles times 2 units, and some */

double K(peak_flops)(int64_t rounds) {
  vec sum[CHAINS];
  const vec x = vec_splat((ra_real)1e-8);
  vec y = vec_splat((ra_real)0.999);
  for (int k = 0; k < CHAINS; k++) sum[k] = vec_splat((ra_real)k);
  for (int64_t i = 0; i < rounds; i++) {
    __asm__ volatile("" : "+x"(y)); /* not the same round again for the compiler */
#pragma GCC unroll 16
    for (int k = 0; k < CHAINS; k++) sum[k] = sum[k] * y + x;
  }
  for (int k = 1; k < CHAINS; k++) sum[0] += sum[k];
  volatile ra_real keep = vec_sum(sum[0]);
  (void)keep;
  return 2.0 * VL * CHAINS * (double)rounds;
}
