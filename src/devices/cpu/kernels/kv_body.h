// How keys and values are stored and read back, per cache format (docs/layouts.md). A kernel body (see
// math_body.h).

namespace yoke::cpu::YOKE_ISA {
namespace {

// One kv head's part of a block: K [head_dim][32 positions], V [32 positions][head_dim].
struct HalfKv {
  static constexpr int kKeyBytes = 64;  // of one dimension
  static int64_t head_bytes(int32_t head_dim) { return int64_t{64} * head_dim; }
  static V key_scale(const std::byte*, int32_t, int32_t) { return zero(); }
  static V key(const std::byte* k, int32_t, int32_t d, int32_t slot, V) {
    return load_half(reinterpret_cast<const uint16_t*>(k) + 32 * d + slot);
  }
  static V value(const std::byte* v, int32_t head_dim, int32_t slot, int32_t d) {
    return load_half(reinterpret_cast<const uint16_t*>(v) + slot * head_dim + d);
  }
  static V value_n(const std::byte* v, int32_t head_dim, int32_t slot, int32_t d, int32_t n) {
    uint16_t some[16] = {};
    __builtin_memcpy(some, reinterpret_cast<const uint16_t*>(v) + slot * head_dim + d, 2 * n);
    return load_half(some);
  }
  static void write(const float* k, const float* v, std::byte* kb, std::byte* vb, int32_t head_dim,
                    int32_t slot) {
    uint16_t* const kh = reinterpret_cast<uint16_t*>(kb);
    uint16_t* const vh = reinterpret_cast<uint16_t*>(vb) + slot * head_dim;
    for (int32_t d = 0; d < head_dim; d += 16) {
      const int32_t n = head_dim - d < 16 ? head_dim - d : 16;
      uint16_t some[16];
      store_half(some, load_up_to(k + d, n));
      for (int32_t i = 0; i < n; ++i) kh[32 * (d + i) + slot] = some[i];
      store_half(some, load_up_to(v + d, n));
      __builtin_memcpy(vh + d, some, 2 * n);
    }
  }
};

struct FloatKv {
  static constexpr int kKeyBytes = 128;
  static int64_t head_bytes(int32_t head_dim) { return int64_t{128} * head_dim; }
  static V key_scale(const std::byte*, int32_t, int32_t) { return zero(); }
  static V key(const std::byte* k, int32_t, int32_t d, int32_t slot, V) {
    return load(reinterpret_cast<const float*>(k) + 32 * d + slot);
  }
  static V value(const std::byte* v, int32_t head_dim, int32_t slot, int32_t d) {
    return load(reinterpret_cast<const float*>(v) + slot * head_dim + d);
  }
  static V value_n(const std::byte* v, int32_t head_dim, int32_t slot, int32_t d, int32_t n) {
    return load_n(reinterpret_cast<const float*>(v) + slot * head_dim + d, n);
  }
  static void write(const float* k, const float* v, std::byte* kb, std::byte* vb, int32_t head_dim,
                    int32_t slot) {
    float* const kf = reinterpret_cast<float*>(kb);
    for (int32_t d = 0; d < head_dim; ++d) kf[32 * d + slot] = k[d];
    __builtin_memcpy(reinterpret_cast<float*>(vb) + slot * head_dim, v, sizeof(float) * head_dim);
  }
};

// Scales first: K f16 [head_dim / 32][32], V f16 [32][head_dim / 32]; then int8 as above.
struct Q8Kv {
  static constexpr int kKeyBytes = 32;
  static int64_t head_bytes(int32_t head_dim) { return int64_t{34} * head_dim; }
  static V key_scale(const std::byte* k, int32_t d, int32_t slot) {
    return load_half(reinterpret_cast<const uint16_t*>(k) + d / 32 * 32 + slot);
  }
  static V key(const std::byte* k, int32_t head_dim, int32_t d, int32_t slot, V scale) {
    return load_i8(reinterpret_cast<const int8_t*>(k) + 2 * head_dim + 32 * d + slot) * scale;
  }
  static V value(const std::byte* v, int32_t head_dim, int32_t slot, int32_t d) {
    const float scale = half_at(reinterpret_cast<const uint16_t*>(v) + slot * (head_dim / 32) + d / 32);
    return load_i8(reinterpret_cast<const int8_t*>(v) + 2 * head_dim + slot * head_dim + d) * set(scale);
  }
  // head_dim is a multiple of 32: there is no rest.
  static V value_n(const std::byte* v, int32_t head_dim, int32_t slot, int32_t d, int32_t) {
    return value(v, head_dim, slot, d);
  }
  static void write(const float* k, const float* v, std::byte* kb, std::byte* vb, int32_t head_dim,
                    int32_t slot) {
    alignas(64) int8_t q[32];
    for (int32_t d = 0; d < head_dim; d += 32) {
      const uint16_t key_scale = quantized_32(k + d, q);
      reinterpret_cast<uint16_t*>(kb)[d + slot] = key_scale;
      int8_t* const kq = reinterpret_cast<int8_t*>(kb) + 2 * head_dim;
      for (int32_t i = 0; i < 32; ++i) kq[32 * (d + i) + slot] = q[i];
      const uint16_t value_scale = quantized_32(v + d, q);
      reinterpret_cast<uint16_t*>(vb)[slot * (head_dim / 32) + d / 32] = value_scale;
      __builtin_memcpy(reinterpret_cast<int8_t*>(vb) + 2 * head_dim + slot * head_dim + d, q, 32);
    }
  }
  // Returns the scale as f16.
  static uint16_t quantized_32(const float* x, int8_t* q) {
    const float amax = block_max<32>(x);
    const bool tiny = amax < 0x1p-100f;
    const V inverse = set(tiny ? 0.0f : 127.0f * recip1(amax));
    store_i8(q, quantized(load(x), inverse));
    store_i8(q + 16, quantized(load(x + 16), inverse));
    uint16_t half[16];
    store_half(half, set(tiny ? 0.0f : amax * 0x1.020408p-7f));
    return half[0];
  }
};

template <class Kv>
void kv_write(const KvWriteArgs& a) {
  const int64_t head_bytes = Kv::head_bytes(a.head_dim);
  for (int32_t head = a.head_begin; head < a.head_end; ++head) {
    std::byte* const k = a.block + head * head_bytes;
    const int64_t at = static_cast<int64_t>(head) * a.head_dim;
    Kv::write(a.k + at, a.v + at, k, k + a.v_offset, a.head_dim, a.slot);
  }
}

}  // namespace
}  // namespace yoke::cpu::YOKE_ISA
