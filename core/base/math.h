/* Integer arithmetic that index computations need, for int32_t, int64_t and size_t by the type of a + b. */
#ifndef RA_BASE_MATH_H
#define RA_BASE_MATH_H

#include <stddef.h>
#include <stdint.h>

#define RA_MATH_OF(type, suffix) \
  static inline type ra_min_##suffix(type a, type b) { return a < b ? a : b; } \
  static inline type ra_max_##suffix(type a, type b) { return a > b ? a : b; } \
  static inline type ra_ceil_div_##suffix(type n, type unit) { return (n + unit - 1) / unit; } \
  static inline type ra_round_up_##suffix(type n, type unit) { return (n + unit - 1) / unit * unit; }
RA_MATH_OF(int32_t, i32)
RA_MATH_OF(int64_t, i64)
RA_MATH_OF(size_t, size)
#define RA_MATH(name, a, b) \
  _Generic((a) + (b), int32_t: ra_##name##_i32, int64_t: ra_##name##_i64, size_t: ra_##name##_size)(a, b)

#define ra_min(a, b) RA_MATH(min, a, b)
#define ra_max(a, b) RA_MATH(max, a, b)
#define ra_ceil_div(n, unit) RA_MATH(ceil_div, n, unit) /* n >= 0: how many units hold n */
#define ra_round_up(n, unit) RA_MATH(round_up, n, unit) /* n >= 0: the next multiple of unit */

#endif
