// The functions of docs/numerics.md on sixteen floats. A kernel body: included once per instruction set
// behind its simd_*.h, with YOKE_ISA naming the namespace.

namespace yoke::cpu::YOKE_ISA {
namespace {

inline V round(V x) {
  return (x + set(12582912.0f)) - set(12582912.0f);
}

// Several vectors at once, step by step: one alone would wait for each of its own steps.
template <int N>
inline void recips(V (&a)[N]) {
  V y[N];
  for (int j = 0; j < N; ++j) y[j] = from_bits(set_int(0x7EF311C7) - bits(a[j]));
  for (int i = 0; i < 4; ++i) {
    V e[N];
    for (int j = 0; j < N; ++j) e[j] = set(1.0f) - a[j] * y[j];
    for (int j = 0; j < N; ++j) y[j] = y[j] + y[j] * e[j];
  }
  for (int j = 0; j < N; ++j) a[j] = y[j];
}

inline V recip(V a) {
  V x[1] = {a};
  recips(x);
  return x[0];
}

inline float bits_float(uint32_t u) {
  float f;
  __builtin_memcpy(&f, &u, 4);
  return f;
}
inline uint32_t float_bits(float f) {
  uint32_t u;
  __builtin_memcpy(&u, &f, 4);
  return u;
}

inline float recip1(float a) {
  float y = bits_float(0x7EF311C7u - float_bits(a));
  for (int i = 0; i < 4; ++i) y = y + y * (1.0f - a * y);
  return y;
}

inline float rsqrt1(float a) {
  const float h = 0.5f * a;
  float y = bits_float(0x5f3759dfu - (float_bits(a) >> 1));
  for (int i = 0; i < 4; ++i) y = y * (1.5f - (h * y) * y);
  return y;
}

// exp(min(x, most))
template <int N>
inline void exps(V (&x)[N], float most = 87.0f) {
  V t[N], n[N], r[N], y[N];
  for (int j = 0; j < N; ++j) x[j] = min(max(x[j], set(-87.0f)), set(most));
  // round(x * log2 e) in two steps: the whole number also stands in the low bits of t.
  for (int j = 0; j < N; ++j) t[j] = x[j] * set(1.44269504088896341f) + set(12582912.0f);
  for (int j = 0; j < N; ++j) n[j] = t[j] - set(12582912.0f);
  for (int j = 0; j < N; ++j) r[j] = x[j] - n[j] * set(0.693359375f);
  for (int j = 0; j < N; ++j) r[j] = r[j] - n[j] * set(-2.12194440e-4f);
  for (int j = 0; j < N; ++j) y[j] = set(1.9875691500e-4f);
  for (int j = 0; j < N; ++j) y[j] = y[j] * r[j] + set(1.3981999507e-3f);
  for (int j = 0; j < N; ++j) y[j] = y[j] * r[j] + set(8.3334519073e-3f);
  for (int j = 0; j < N; ++j) y[j] = y[j] * r[j] + set(4.1665795894e-2f);
  for (int j = 0; j < N; ++j) y[j] = y[j] * r[j] + set(1.6666665459e-1f);
  for (int j = 0; j < N; ++j) y[j] = y[j] * r[j] + set(5.0000001201e-1f);
  for (int j = 0; j < N; ++j) y[j] = y[j] * (r[j] * r[j]);
  for (int j = 0; j < N; ++j) y[j] = y[j] + r[j];
  for (int j = 0; j < N; ++j) y[j] = y[j] + set(1.0f);
  for (int j = 0; j < N; ++j) x[j] = y[j] * from_bits(shift_exponent(bits(t[j]) + set_int(127)));
}

inline V exp(V x) {
  V a[1] = {x};
  exps(a);
  return a[0];
}

inline float exp1(float x) {
  x = x > -87.0f ? x : -87.0f;
  x = x < 87.0f ? x : 87.0f;
  const float n = (x * 1.44269504088896341f + 12582912.0f) - 12582912.0f;
  float r = x - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  const float z = r * r;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  float y = p * z;
  y = y + r;
  y = y + 1.0f;
  return y * bits_float(static_cast<uint32_t>(static_cast<int32_t>(n) + 127) << 23);
}

// x * recip(1 + exp(min(-x, 70)))
template <int N>
inline void silus(V (&x)[N]) {
  V d[N];
  // 0 - x would lose the sign of zero; exp does not see the difference.
  for (int j = 0; j < N; ++j) d[j] = zero() - x[j];
  exps(d, 70.0f);
  for (int j = 0; j < N; ++j) d[j] = set(1.0f) + d[j];
  recips(d);
  for (int j = 0; j < N; ++j) x[j] = x[j] * d[j];
}

// The tree over 64 partial sums, 16 in each.
inline float tree64(V a, V b, V c, V d) {
  return tree16((a + c) + (b + d));
}

// load / store of up to 16
inline V load_up_to(const float* p, int64_t n) {
  return n >= 16 ? load(p) : load_n(p, static_cast<int>(n));
}
inline void store_up_to(float* p, V a, int64_t n) {
  if (n >= 16) {
    store(p, a);
  } else {
    store_n(p, a, static_cast<int>(n));
  }
}

}  // namespace
}  // namespace yoke::cpu::YOKE_ISA
