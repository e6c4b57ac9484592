// Quantizes one chunk of 256 elements of a row with 64 invocations, four elements each (docs/numerics.md,
// Activations). format 16: bf16; 32: q8x32; 256: q8x256.
shared float shared_amax[64];
shared int shared_sum[64];

// Where a quantized row's parts lie.
struct QuantizedRow {
  uint64_t row;
  uint scale_offset;
  uint sums_offset;
  uint sums32_offset;
};

// Nearest even; what is below 2^-126 becomes 0.
uint float_to_bf16(float f) {
  const uint bits = floatBitsToUint(f);
  const uint magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return (bits >> 16) | 0x40u;
  if (magnitude < 0x00800000u) return 0;
  return (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
}

// Elements past k become zeros, up to the four that this invocation writes.
void round_to_bf16(vec4 x, uint first, uint k, uint64_t row) {
  if (first >= k) return;
  uvec4 b = uvec4(0);
  [[unroll]] for (int c = 0; c < 4; ++c) {
    if (first + c < k) b[c] = float_to_bf16(x[c]);
  }
  OutU32(row).v[first / 2] = b.x | (b.y << 16);
  OutU32(row).v[first / 2 + 1] = b.z | (b.w << 16);
}

// first: of this invocation's four elements; past k they are written as the zeros that pad q to 64.
void quantize_chunk(vec4 x, uint first, uint k, uint thread, uint format, QuantizedRow to) {
  if (format == 16) {
    round_to_bf16(x, first, k, to.row);
    return;
  }
  const bool inside = first < k;
  const vec4 magnitude = inside ? abs(x) : vec4(0.0);
  shared_amax[thread] = max(max(magnitude.x, magnitude.y), max(magnitude.z, magnitude.w));
  barrier();
  const uint threads = format == 32 ? 8 : 64;  // of a block
  const uint leader = thread & ~(threads - 1);
  float amax = 0.0;
  for (uint i = 0; i < threads; ++i) amax = max(amax, shared_amax[leader + i]);
  const bool zero = amax < uintBitsToFloat(0x0D800000u);  // 2^-100
  precise const float scale = amax * uintBitsToFloat(0x3C010204u);  // 0x1.020408p-7
  precise const float inverse = 127.0 * recip(amax);
  ivec4 q = ivec4(0);
  if (!zero && inside) {
    [[unroll]] for (int c = 0; c < 4; ++c) {
      precise const float scaled = x[c] * inverse;
      q[c] = clamp(int(round_even(scaled)), -127, 127);
    }
  }
  shared_sum[thread] = q.x + q.y + q.z + q.w;
  barrier();
  if (first < ((k + 63) & ~63u)) {
    const uvec4 b = uvec4(q) & 0xFFu;
    OutU32(to.row).v[first / 4] = b.x | (b.y << 8) | (b.z << 16) | (b.w << 24);
  }
  if (!inside) return;
  if (thread == leader) OutF32(to.row + to.scale_offset).v[first / (threads * 4)] = zero ? 0.0 : scale;
  if (format == 32) {
    if (thread == leader) {
      int sum = 0;
      for (uint i = 0; i < 8; ++i) sum += shared_sum[thread + i];
      OutI32(to.row + to.sums_offset).v[first / 32] = sum;
    }
  } else if (thread % 4 == 0) {
    const int sum = shared_sum[thread] + shared_sum[thread + 1] + shared_sum[thread + 2] + shared_sum[thread + 3];
    OutI16(to.row + to.sums_offset).v[first / 16] = int16_t(sum);
    if (thread % 8 == 0) {
      const int other =
          shared_sum[thread + 4] + shared_sum[thread + 5] + shared_sum[thread + 6] + shared_sum[thread + 7];
      OutI16(to.row + to.sums32_offset).v[first / 32] = int16_t(sum + other);
    }
  }
}
