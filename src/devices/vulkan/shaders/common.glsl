// What every kernel shares: pointers into buffers, exact conversions and the functions of docs/numerics.md.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_buffer_reference2 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int16 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int8 : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_control_flow_attributes : require

// Pointers: In* are never written by the kernel that reads through them.
layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer InF32 { float v[]; };
layout(buffer_reference, std430, buffer_reference_align = 16) readonly buffer InF32x4 { vec4 v[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer InU32 { uint v[]; };
layout(buffer_reference, std430, buffer_reference_align = 16) readonly buffer InU32x4 { uvec4 v[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer InI32 { int v[]; };
layout(buffer_reference, std430, buffer_reference_align = 2) readonly buffer InI16 { int16_t v[]; };
layout(buffer_reference, std430, buffer_reference_align = 2) readonly buffer InU16 { uint16_t v[]; };
layout(buffer_reference, std430, buffer_reference_align = 1) readonly buffer InI8 { int8_t v[]; };
layout(buffer_reference, std430, buffer_reference_align = 1) readonly buffer InU8 { uint8_t v[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) buffer OutF32 { float v[]; };
layout(buffer_reference, std430, buffer_reference_align = 16) buffer OutF32x4 { vec4 v[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) buffer OutU32 { uint v[]; };
layout(buffer_reference, std430, buffer_reference_align = 16) buffer OutU32x4 { uvec4 v[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) buffer OutI32 { int v[]; };
layout(buffer_reference, std430, buffer_reference_align = 2) buffer OutI16 { int16_t v[]; };
layout(buffer_reference, std430, buffer_reference_align = 2) buffer OutU16 { uint16_t v[]; };
layout(buffer_reference, std430, buffer_reference_align = 1) buffer OutI8 { int8_t v[]; };

// Exact for every binary16, subnormals included, whatever the device does with subnormal floats.
float half_to_float(uint h) {
  const uint sign = (h & 0x8000u) << 16;
  const uint exponent = (h >> 10) & 31u;
  const uint mantissa = h & 0x3FFu;
  uint bits = ((exponent + 112u) << 23) | (mantissa << 13);
  if (exponent == 31u) bits = 0x7F800000u | (mantissa << 13);
  precise const float small = float(mantissa) * 5.9604644775390625e-8;  // 2^-24
  if (exponent == 0u) bits = floatBitsToUint(small);
  return uintBitsToFloat(sign | bits);
}

// Nearest even.
uint float_to_half(float f) {
  const uint bits = floatBitsToUint(f);
  const uint sign = (bits >> 16) & 0x8000u;
  const uint magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return sign | 0x7E00u | ((magnitude >> 13) & 0x3FFu);
  if (magnitude >= 0x477FF000u) return sign | 0x7C00u;
  if (magnitude < 0x38800000u) {
    precise const float shifted = uintBitsToFloat(magnitude) + 0.5;
    return sign | (floatBitsToUint(shifted) - 0x3F000000u);
  }
  const uint rounded = magnitude + 0xFFFu + ((magnitude >> 13) & 1u);
  return sign | ((rounded - 0x38000000u) >> 13);
}

// From any byte address.
uint load_u16(uint64_t at) { return uint(InU8(at).v[0]) | (uint(InU8(at).v[1]) << 8); }

float bf16_to_float(uint b) { return uintBitsToFloat(b << 16); }

float round_even(float x) {
  precise float y = x + 12582912.0;
  y = y - 12582912.0;
  return y;
}

float recip(float a) {
  precise float y = uintBitsToFloat(0x7EF311C7u - floatBitsToUint(a));
  [[unroll]] for (int i = 0; i < 4; ++i) {
    precise const float ay = a * y;
    precise const float e = 1.0 - ay;
    precise const float ye = y * e;
    y = y + ye;
  }
  return y;
}

float rsqrt(float a) {
  precise const float h = 0.5 * a;
  precise float y = uintBitsToFloat(0x5f3759dfu - (floatBitsToUint(a) >> 1));
  [[unroll]] for (int i = 0; i < 4; ++i) {
    precise float t = h * y;
    t = t * y;
    t = 1.5 - t;
    y = y * t;
  }
  return y;
}

float exp_exact(float v) {
  float x = v > -87.0 ? v : -87.0;
  x = x < 87.0 ? x : 87.0;
  precise const float scaled = x * 1.44269504088896341;
  const float n = round_even(scaled);
  precise const float high = n * 0.693359375;
  precise float r = x - high;
  precise const float low = n * -2.12194440e-4;
  r = r - low;
  precise const float z = r * r;
  precise float p = 1.9875691500e-4;
  p = p * r;
  p = p + 1.3981999507e-3;
  p = p * r;
  p = p + 8.3334519073e-3;
  p = p * r;
  p = p + 4.1665795894e-2;
  p = p * r;
  p = p + 1.6666665459e-1;
  p = p * r;
  p = p + 5.0000001201e-1;
  precise float y = p * z;
  y = y + r;
  y = y + 1.0;
  y = y * uintBitsToFloat(uint(int(n) + 127) << 23);
  return y;
}

float silu(float x) {
  const float e = exp_exact(-x < 70.0 ? -x : 70.0);
  precise const float d = 1.0 + e;
  precise const float y = x * recip(d);
  return y;
}
