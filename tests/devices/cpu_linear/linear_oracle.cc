#include "linear_oracle.h"

#include <bit>
#include <cstring>

#include "ops/recipe.h"
#include "tensor/half.h"

namespace yoke::test {
namespace {

uint16_t word(const uint8_t* p) {
  return static_cast<uint16_t>(p[0] | p[1] << 8);
}

constexpr int kIq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
constexpr int kE2m1Doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// One weight of a block of 32, at element e of block b of the unit.
int value32(DType type, const uint8_t* unit, int b, int e, int r) {
  const int g = e / 4, lane = 4 * r + e % 4;
  if (type == DType::kQ8_0) return unit[64 + (b * 8 + g) * 64 + lane] - 128;
  const bool two = type == DType::kQ4_1 || type == DType::kQ5_1;
  const uint8_t* const codes = unit + (two ? 128 : 64);
  const bool five = type == DType::kQ5_0 || type == DType::kQ5_1;
  const int low = codes[(five ? 2 + g : g) * 64 + lane] >> (4 * b) & 15;
  const int high = five ? (codes[b * 64 + lane] >> g & 1) * 16 : 0;
  switch (type) {
    case DType::kQ4_0:
      return low - 8;
    case DType::kQ4_1:
      return low;
    case DType::kQ5_0:
      return low + high - 16;
    case DType::kQ5_1:
      return low + high;
    case DType::kIQ4_NL:
      return kIq4[low];
    default:
      return kE2m1Doubled[low];
  }
}

struct Weight256 {
  int q;
  int scale;
  int min;
};

// One weight of a super-block, at element e.
Weight256 value256(DType type, const uint8_t* unit, int e, int r) {
  const int sub32 = e / 32, g32 = e % 32 / 4, sub16 = e / 16, g16 = e % 16 / 4, lane = 4 * r + e % 4;
  const auto signed_at = [unit](int i) { return static_cast<int>(static_cast<int8_t>(unit[i])); };
  switch (type) {
    case DType::kQ4_K:
    case DType::kQ5_K: {
      const bool five = type == DType::kQ5_K;
      const uint8_t* const v = unit + 320 + sub32 / 2 * (five ? 640 : 512) + lane;
      const int low = v[(five ? 2 + g32 : g32) * 64] >> (sub32 % 2 * 4) & 15;
      const int high = five ? v[sub32 % 2 * 64] >> g32 & 1 : 0;
      return {low + 16 * high, unit[64 + sub32 * 16 + r], unit[192 + sub32 / 2 * 32 + r * 2 + sub32 % 2]};
    }
    case DType::kQ6_K: {
      const uint8_t* const v = unit + 320 + sub16 * 192 + lane;
      const int code = g16 < 3 ? v[g16 * 64] & 63 : v[0] >> 6 | v[64] >> 6 << 2 | v[128] >> 6 << 4;
      return {code - 32, signed_at(64 + sub16 * 16 + r), 0};
    }
    case DType::kQ3_K: {
      const uint8_t* const v = unit + 320 + sub32 * 192 + lane;
      const int code =
          g32 < 6 ? v[g32 / 2 * 64] >> (g32 % 2 * 3) & 7 : v[(g32 - 6) * 64] >> 6 | (v[128] >> g32 & 1) << 2;
      return {code - 4, signed_at(64 + sub32 * 32 + r * 2 + sub16 % 2), 0};
    }
    case DType::kQ2_K: {
      const int both = unit[64 + sub32 * 32 + r * 2 + sub16 % 2];
      return {unit[320 + sub16 * 64 + lane] >> (2 * g16) & 3, both & 15, both >> 4};
    }
    default: {
      const int code = unit[192 + (sub32 / 2 * 8 + g32) * 64 + lane] >> (sub32 % 2 * 4) & 15;
      return {kIq4[code], signed_at(64 + sub32 * 16 + r), 0};
    }
  }
}

// The terms of all blocks of 32 in [begin, end), in order.
float piece32(const LinearData& d, const uint8_t* panel, const uint8_t* x, int r, int64_t begin,
              int64_t end) {
  const DType type = d.c.type;
  const auto* scales = reinterpret_cast<const float*>(x + d.act.scale_offset);
  float acc = 0;
  for (int64_t k = begin; k < end; k += 32) {
    const uint8_t* const unit = panel + k / 64 * panel_unit_bytes(type);
    const int b = static_cast<int>(k / 32 % 2);
    int32_t i = 0, s = 0;
    for (int e = 0; e < 32; ++e) {
      const int32_t xq = static_cast<int8_t>(x[k + e]);
      i += value32(type, unit, b, e, r) * xq;
      s += xq;
    }
    const uint16_t scale = word(unit + b * 32 + r * 2);
    const float dw = type == DType::kMXFP4 ? bf16_to_float(scale) : half_to_float(scale);
    float t = static_cast<float>(i) * dw;
    if (type == DType::kQ4_1 || type == DType::kQ5_1) {
      const float u = static_cast<float>(s) * half_to_float(word(unit + 64 + b * 32 + r * 2));
      t = t + u;
    }
    t = t * scales[k / 32];
    acc = acc + t;
  }
  return acc;
}

float piece256(const LinearData& d, const uint8_t* panel, const uint8_t* x, int r, int64_t begin,
               int64_t end) {
  const DType type = d.c.type;
  const auto* scales = reinterpret_cast<const float*>(x + d.act.scale_offset);
  const bool has_min = type == DType::kQ4_K || type == DType::kQ5_K || type == DType::kQ2_K;
  float acc = 0;
  for (int64_t k = begin; k < end; k += 256) {
    const uint8_t* const unit = panel + k / 256 * panel_unit_bytes(type);
    int32_t i = 0, s = 0;
    for (int e = 0; e < 256; ++e) {
      const int32_t xq = static_cast<int8_t>(x[k + e]);
      const Weight256 v = value256(type, unit, e, r);
      i += v.scale * v.q * xq;
      s += v.min * xq;
    }
    float t = static_cast<float>(i) * half_to_float(word(unit + r * 2));
    if (has_min) {
      const float u = static_cast<float>(s) * half_to_float(word(unit + 32 + r * 2));
      t = t - u;
    }
    t = t * scales[k / 256];
    acc = acc + t;
  }
  return acc;
}

float piece_float(const LinearData& d, const uint8_t* panel, const uint8_t* x, int r, int64_t begin,
                  int64_t end) {
  const auto* values = reinterpret_cast<const float*>(x);
  float acc = 0;
  for (int64_t k = begin; k < end; ++k) {
    float w;
    if (d.c.type == DType::kF32) {
      std::memcpy(&w, panel + (k * 16 + r) * 4, 4);
    } else {
      w = half_to_float(word(panel + (k * 16 + r) * 2));
    }
    const float t = values[k] * w;
    acc = acc + t;
  }
  return acc;
}

// Of each pair the second first.
float piece_brain(const LinearData&, const uint8_t* panel, const uint8_t* x, int r, int64_t begin,
                  int64_t end) {
  const auto product = [&](int64_t k) {
    return bf16_to_float(word(x + 2 * k)) * bf16_to_float(word(panel + (k / 2 * 16 + r) * 4 + k % 2 * 2));
  };
  float acc = 0;
  for (int64_t k = begin; k < end; k += 2) {
    if (k + 1 < end) acc = acc + product(k + 1);
    acc = acc + product(k);
  }
  return acc;
}

using Random = std::mt19937;

int between(Random& random, int low, int high) {
  return std::uniform_int_distribution<int>(low, high)(random);
}
float real(Random& random, float low, float high) {
  return std::uniform_real_distribution<float>(low, high)(random);
}

void fill_halves(Random& random, uint8_t* p, int count, bool brain) {
  for (int i = 0; i < count; ++i) {
    // One in sixteen is a subnormal half.
    const float value = real(random, -1, 1) * (between(random, 0, 15) == 0 ? 0x1p-15f : 0.01f);
    const uint16_t bits = brain ? float_to_bf16(value) : float_to_half(value);
    p[2 * i] = static_cast<uint8_t>(bits);
    p[2 * i + 1] = static_cast<uint8_t>(bits >> 8);
  }
}

void fill_bytes(Random& random, uint8_t* p, int64_t count, int low, int high) {
  for (int64_t i = 0; i < count; ++i) p[i] = static_cast<uint8_t>(between(random, low, high));
}

// Random bytes are valid codes of every format; extremes take the code that is the largest or smallest value.
uint8_t extreme_code(DType type, bool high) {
  switch (type) {
    case DType::kMXFP4:
      return high ? 0x77 : 0xFF;
    default:
      return high ? 0xFF : 0x00;
  }
}

void fill_unit(Random& random, DType type, Extreme extreme, uint8_t* unit) {
  const int64_t bytes = panel_unit_bytes(type);
  const bool high = extreme != Extreme::kLowHigh;
  fill_bytes(random, unit, bytes, 0, 255);
  if (extreme != Extreme::kNone) std::memset(unit, extreme_code(type, high), static_cast<size_t>(bytes));
  const auto scales = [&](uint8_t* p, int count, int low, int most) {
    if (extreme == Extreme::kNone) {
      fill_bytes(random, p, count, low, most);
    } else {
      std::memset(p, static_cast<uint8_t>(high ? most : low), static_cast<size_t>(count));
    }
  };
  switch (type) {
    case DType::kQ4_1:
    case DType::kQ5_1:
      return fill_halves(random, unit, 64, false);
    case DType::kQ4_K:
    case DType::kQ5_K:
      scales(unit + 64, 256, 0, 63);
      return fill_halves(random, unit, 32, false);
    case DType::kQ2_K:
      return fill_halves(random, unit, 32, false);
    case DType::kQ6_K:
      scales(unit + 64, 256, -128, 127);
      return fill_halves(random, unit, 32, false);
    case DType::kQ3_K:
      scales(unit + 64, 256, -32, 31);
      return fill_halves(random, unit, 32, false);
    case DType::kIQ4_XS:
      scales(unit + 64, 128, -32, 31);
      return fill_halves(random, unit, 32, false);
    case DType::kF32:
      for (int i = 0; i < 16; ++i) {
        const float value = real(random, -1, 1);
        std::memcpy(unit + 4 * i, &value, 4);
      }
      return;
    default:
      return fill_halves(random, unit, 32, type == DType::kMXFP4 || type == DType::kBF16);
  }
}

void fill_row(Random& random, const LinearCase& c, const ActLayout& act, uint8_t* row) {
  if (act.format == ActFormat::kF32) {
    auto* values = reinterpret_cast<float*>(row);
    for (int64_t i = 0; i < c.k; ++i) values[i] = real(random, -3, 3);
    return;
  }
  if (act.format == ActFormat::kBF16) {
    for (int64_t i = 0; i < (c.k + 1) / 2 * 2; ++i) {
      const uint16_t bits = i < c.k ? float_to_bf16(real(random, -3, 3)) : 0;
      std::memcpy(row + 2 * i, &bits, 2);
    }
    return;
  }
  auto* q = reinterpret_cast<int8_t*>(row);
  for (int64_t i = 0; i < c.k; ++i) {
    int value = between(random, -127, 127);
    if (c.extreme == Extreme::kHighHigh || c.extreme == Extreme::kLowHigh) value = 127;
    if (c.extreme == Extreme::kHighLow) value = -127;
    if (c.extreme == Extreme::kAlternating) value = i / 2 % 2 == 0 ? 127 : -127;
    q[i] = static_cast<int8_t>(value);
  }
  const int block = act.format == ActFormat::kQ8x32 ? 32 : 256;
  auto* scales = reinterpret_cast<float*>(row + act.scale_offset);
  for (int64_t b = 0; b < c.k / block; ++b) scales[b] = real(random, 0, 0.1f);
  const auto sum = [q](int64_t begin, int count) {
    int32_t s = 0;
    for (int e = 0; e < count; ++e) s += q[begin + e];
    return s;
  };
  if (act.format == ActFormat::kQ8x32) {
    auto* sums = reinterpret_cast<int32_t*>(row + act.sums_offset);
    for (int64_t b = 0; b < c.k / 32; ++b) sums[b] = sum(b * 32, 32);
  } else {
    auto* sums16 = reinterpret_cast<int16_t*>(row + act.sums_offset);
    auto* sums32 = reinterpret_cast<int16_t*>(row + act.sums32_offset);
    for (int64_t b = 0; b < c.k / 16; ++b) sums16[b] = static_cast<int16_t>(sum(b * 16, 16));
    for (int64_t b = 0; b < c.k / 32; ++b) sums32[b] = static_cast<int16_t>(sum(b * 32, 32));
  }
}

}  // namespace

LinearData::LinearData(const LinearCase& c_)
    : c(c_),
      act(act_layout(traits(c.type).act, c.k)),
      w(layout_bytes(c.type, Layout::kPanel16, c.n, c.k)),
      x(static_cast<uint64_t>(act.row_bytes * c.rows)) {
  Random random(c.seed);
  const uint64_t size = layout_bytes(c.type, Layout::kPanel16, c.n, c.k);
  for (uint64_t i = 0; i < size; i += static_cast<uint64_t>(panel_unit_bytes(c.type))) {
    fill_unit(random, c.type, c.extreme, w.data() + i);
  }
  if (c.type == DType::kBF16 && c.k % 2 != 0) {
    const auto panel = static_cast<int64_t>(panel_bytes(c.type, c.k));
    for (int64_t at = panel - 64; at < static_cast<int64_t>(size); at += panel) {
      for (int r = 0; r < 16; ++r) std::memset(w.data() + at + r * 4 + 2, 0, 2);
    }
  }
  for (int64_t m = 0; m < c.rows; ++m) fill_row(random, c, act, x.data() + m * act.row_bytes);
  if (c.bias) {
    for (int64_t i = 0; i < c.n; ++i) bias.push_back(real(random, -1, 1));
  }
  if (c.add) {
    for (int64_t i = 0; i < c.rows * c.n; ++i) add.push_back(real(random, -1, 1));
  }
}

std::vector<float> oracle(LinearData& d) {
  const LinearCase& c = d.c;
  std::vector<float> out(static_cast<size_t>(c.rows * c.n));
  const auto panel_size = static_cast<int64_t>(panel_bytes(c.type, c.k));
  for (int64_t m = 0; m < c.rows; ++m) {
    for (int64_t n = 0; n < c.n; ++n) {
      const uint8_t* const panel = d.w.data() + n / 16 * panel_size;
      const uint8_t* const x = d.x.data() + m * d.act.row_bytes;
      const int r = static_cast<int>(n % 16);
      recipe::PieceTree tree;
      for (int64_t begin = 0; begin < c.k; begin += recipe::kPiece) {
        const int64_t end = std::min(begin + recipe::kPiece, c.k);
        const auto piece = d.act.format == ActFormat::kQ8x32    ? piece32
                           : d.act.format == ActFormat::kQ8x256 ? piece256
                           : d.act.format == ActFormat::kBF16   ? piece_brain
                                                                : piece_float;
        tree.push(piece(d, panel, x, r, begin, end));
      }
      float sum = tree.result();
      if (c.bias) sum = sum + d.bias[static_cast<size_t>(n)];
      if (c.add) sum = d.add[static_cast<size_t>(m * c.n + n)] + sum;
      out[static_cast<size_t>(m * c.n + n)] = sum;
    }
  }
  return out;
}

}  // namespace yoke::test
