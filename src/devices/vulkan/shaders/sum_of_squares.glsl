// The 64 partial sums of an RMSNorm, one per invocation of the workgroup, joined by halves.
shared float shared_squares[64];

// x[0..width) of one row or head.
float sum_of_squares(uint64_t x, uint width, uint thread) {
  precise float sum = 0.0;
  for (uint i = thread; i < width; i += 64) {
    const float v = InF32(x).v[i];
    precise const float square = v * v;
    sum = sum + square;
  }
  shared_squares[thread] = sum;
  barrier();
  for (uint half_width = 32; half_width > 0; half_width /= 2) {
    if (thread < half_width) {
      precise const float joined = shared_squares[thread] + shared_squares[thread + half_width];
      shared_squares[thread] = joined;
    }
    barrier();
  }
  return shared_squares[0];
}

float norm_factor(float sum, float inverse_width, float eps) {
  precise const float mean = sum * inverse_width;
  precise const float a = mean + eps;
  return rsqrt(a);
}
