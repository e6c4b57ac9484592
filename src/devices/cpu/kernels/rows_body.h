// Row-wise ops: quantized activations, norms, rope, gate, add. A kernel body (see math_body.h).

namespace yoke::cpu::YOKE_ISA {
namespace {

// The factor by which a block's elements are multiplied, and its scale, from amax; 16 blocks at once.
inline void block_scales(const float* amax, float* scale, float* inverse) {
  const V a = load(amax);
  const V least = set(0x1p-100f);
  store(scale, keep_at_least(a, least, a * set(0x1.020408p-7f)));
  store(inverse, keep_at_least(a, least, set(127.0f) * recip(a)));
}

inline I quantized(V x, V inverse) {
  return to_int(min(max(round(x * inverse), set(-127.0f)), set(127.0f)));
}

template <int kBlock>
inline float block_max(const float* x) {
  V m = abs(load(x));
  for (int i = 16; i < kBlock; i += 16) m = max(abs(load(x + i)), m);
  return max16(m);
}

void quantize_q8x32(const float* x, int64_t k, const QuantizedRow& out) {
  alignas(64) float amax[16] = {};
  alignas(64) float scale[16];
  alignas(64) float inverse[16];
  int32_t* const sums = static_cast<int32_t*>(out.sums);
  for (int64_t b0 = 0; b0 < k / 32; b0 += 16) {
    const int n = static_cast<int>(k / 32 - b0 < 16 ? k / 32 - b0 : 16);
    for (int b = 0; b < n; ++b) amax[b] = block_max<32>(x + (b0 + b) * 32);
    block_scales(amax, scale, inverse);
    for (int b = 0; b < n; ++b) {
      const float* from = x + (b0 + b) * 32;
      int8_t* to = out.q + (b0 + b) * 32;
      const V f = set(inverse[b]);
      const I low = quantized(load(from), f);
      const I high = quantized(load(from + 16), f);
      store_i8(to, low);
      store_i8(to + 16, high);
      sums[b0 + b] = sum16(low + high);
      out.scale[b0 + b] = scale[b];
    }
  }
}

void quantize_q8x256(const float* x, int64_t k, const QuantizedRow& out) {
  alignas(64) float amax[16] = {};
  alignas(64) float scale[16];
  alignas(64) float inverse[16];
  int16_t* const sums = static_cast<int16_t*>(out.sums);
  for (int64_t b0 = 0; b0 < k / 256; b0 += 16) {
    const int n = static_cast<int>(k / 256 - b0 < 16 ? k / 256 - b0 : 16);
    for (int b = 0; b < n; ++b) amax[b] = block_max<256>(x + (b0 + b) * 256);
    block_scales(amax, scale, inverse);
    for (int b = 0; b < n; ++b) {
      const V f = set(inverse[b]);
      out.scale[b0 + b] = scale[b];
      for (int64_t i = (b0 + b) * 256; i < (b0 + b + 1) * 256; i += 32) {
        const I low = quantized(load(x + i), f);
        const I high = quantized(load(x + i + 16), f);
        store_i8(out.q + i, low);
        store_i8(out.q + i + 16, high);
        const int32_t first = sum16(low);
        const int32_t second = sum16(high);
        sums[i / 16] = static_cast<int16_t>(first);
        sums[i / 16 + 1] = static_cast<int16_t>(second);
        out.sums32[i / 32] = static_cast<int16_t>(first + second);
      }
    }
  }
}

void round_bf16(const float* x, int64_t k, uint16_t* out) {
  int64_t i = 0;
  for (; i + 16 <= k; i += 16) store_brain(out + i, load(x + i));
  if (i == k) return;
  uint16_t last[16];
  store_brain(last, load_n(x + i, static_cast<int>(k - i)));
  for (int64_t j = i; j < k; ++j) out[j] = last[j - i];
}

float rms_factor(const float* x, int64_t n, float inv_n, float eps) {
  V p[4] = {zero(), zero(), zero(), zero()};
  int64_t i = 0;
  for (; i + 64 <= n; i += 64) {
    for (int j = 0; j < 4; ++j) {
      const V a = load(x + i + 16 * j);
      p[j] = p[j] + a * a;
    }
  }
  for (int j = 0; i < n; i += 16, ++j) {
    const V a = load_up_to(x + i, n - i);
    p[j] = p[j] + a * a;
  }
  const float sum = tree64(p[0], p[1], p[2], p[3]);
  return rsqrt1(sum * inv_n + eps);
}

void scale_rows(const float* x, float r, const float* weight, int64_t n, float* out) {
  const V f = set(r);
  for (int64_t i = 0; i < n; i += 16) {
    const V y = (load_up_to(x + i, n - i) * f) * load_up_to(weight + i, n - i);
    store_up_to(out + i, y, n - i);
  }
}

void gated_mul(const float* gate, const float* up, int64_t n, float* out) {
  int64_t i = 0;
  for (; i + 16 * kInterleaved <= n; i += 16 * kInterleaved) {
    V x[kInterleaved];
    for (int j = 0; j < kInterleaved; ++j) x[j] = load(gate + i + 16 * j);
    silus(x);
    for (int j = 0; j < kInterleaved; ++j) store(out + i + 16 * j, x[j] * load(up + i + 16 * j));
  }
  for (; i < n; i += 16) {
    V x[1] = {load_up_to(gate + i, n - i)};
    silus(x);
    store_up_to(out + i, x[0] * load_up_to(up + i, n - i), n - i);
  }
}

void add(const float* a, const float* b, int64_t n, float* out) {
  for (int64_t i = 0; i < n; i += 16) {
    store_up_to(out + i, load_up_to(a + i, n - i) + load_up_to(b + i, n - i), n - i);
  }
}

// Pairs (2i, 2i + 1) of one head.
void rope_adjacent(const float* x, const float* cos_sin, int32_t rotated, float* out) {
  int32_t i = 0;
  for (; i + 16 <= rotated; i += 16) {
    const V a = load(x + i);
    const V cs = load(cos_sin + i);
    // x0*c and x1*c plus -(x1*s) and x0*s
    store(out + i, a * dup_even(cs) + negate_even(swap_pairs(a) * dup_odd(cs)));
  }
  for (; i < rotated; i += 2) {
    const float x0 = x[i];
    const float x1 = x[i + 1];
    out[i] = x0 * cos_sin[i] - x1 * cos_sin[i + 1];
    out[i + 1] = x0 * cos_sin[i + 1] + x1 * cos_sin[i];
  }
}

// Pairs (i, i + rotated / 2) of one head.
void rope_halves(const float* x, const float* cos_sin, int32_t rotated, float* out) {
  const int32_t half = rotated / 2;
  int32_t i = 0;
  for (; i + 16 <= half; i += 16) {
    V c;
    V s;
    deinterleave(load(cos_sin + 2 * i), load(cos_sin + 2 * i + 16), c, s);
    const V x0 = load(x + i);
    const V x1 = load(x + half + i);
    store(out + i, x0 * c - x1 * s);
    store(out + half + i, x0 * s + x1 * c);
  }
  for (; i < half; ++i) {
    const float x0 = x[i];
    const float x1 = x[half + i];
    out[i] = x0 * cos_sin[2 * i] - x1 * cos_sin[2 * i + 1];
    out[half + i] = x0 * cos_sin[2 * i + 1] + x1 * cos_sin[2 * i];
  }
}

void head_norm_rope(const RopeArgs& a) {
  for (int32_t head = 0; head < a.heads; ++head) {
    const float* x = a.x + static_cast<int64_t>(head) * a.head_dim;
    float* const out = a.out + static_cast<int64_t>(head) * a.head_dim;
    if (a.norm != nullptr) {
      scale_rows(x, rms_factor(x, a.head_dim, a.inv_head_dim, a.eps), a.norm, a.head_dim, out);
      x = out;
    }
    if (a.halves) {
      rope_halves(x, a.cos_sin, a.rotated, out);
    } else {
      rope_adjacent(x, a.cos_sin, a.rotated, out);
    }
    if (x != out) {
      for (int32_t i = a.rotated; i < a.head_dim; ++i) out[i] = x[i];
    }
  }
}

}  // namespace
}  // namespace yoke::cpu::YOKE_ISA
