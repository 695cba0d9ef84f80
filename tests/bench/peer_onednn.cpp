/* oneDNN on one convolution, forward: its own layouts, weights already in theirs, nothing but the primitive is timed.
 *   peer_onednn BATCH CHANNELS SIZE OUTPUTS KERNEL ROUNDS     prints "ALGORITHM MILLISECONDS IMPLEMENTATION", the least of the rounds,
 * for each of its algorithms that has an implementation on this processor. OMP_NUM_THREADS: threads. Needs libdnnl-dev (2.x). */
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <dnnl.hpp>

using namespace dnnl;

static memory filled(const memory::desc &d, const engine &e) {
  memory m(d, e);
  float *x = static_cast<float *>(m.get_data_handle());
  for (size_t i = 0; i < d.get_size() / sizeof *x; i++) x[i] = (float)(i * 7919 % 1013) / 1013 - 0.5F;
  return m;
}

static double least_ms(const convolution_forward::primitive_desc &pd, const engine &e, int rounds) {
  stream s(e);
  memory x = filled(pd.src_desc(), e), w = filled(pd.weights_desc(), e), y(pd.dst_desc(), e);
  convolution_forward conv(pd);
  double least = 1e30;
  for (int i = 0; i <= rounds; i++) {
    auto began = std::chrono::steady_clock::now();
    conv.execute(s, {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, y}});
    s.wait();
    std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
    if (i > 0) least = std::min(least, took.count());
  }
  return least;
}

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  long n[6];
  for (int i = 0; i < 6; i++) n[i] = std::atol(argv[i + 1]);
  const memory::dim B = n[0], C = n[1], S = n[2], O = n[3], k = n[4], pad = (k - 1) / 2;
  engine e(engine::kind::cpu, 0);
  auto any = memory::format_tag::any;
  memory::desc x({B, C, S, S}, memory::data_type::f32, any), w({O, C, k, k}, memory::data_type::f32, any),
    y({B, O, S, S}, memory::data_type::f32, any);
  const struct {
    const char *name;
    algorithm is;
  } all[] = {{"winograd", algorithm::convolution_winograd}, {"direct", algorithm::convolution_direct}};
  for (const auto &a : all) {
    try {
      convolution_forward::desc d(prop_kind::forward_inference, a.is, x, w, y, {1, 1}, {pad, pad}, {pad, pad});
      convolution_forward::primitive_desc pd(d, e);
      std::printf("%s %.4f %s\n", a.name, least_ms(pd, e, (int)n[5]), pd.impl_info_str());
    } catch (const error &) { /* none on this processor */
    }
  }
  return 0;
}
