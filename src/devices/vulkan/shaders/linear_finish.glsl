// The last steps of a product: bias, then the residual stream.
void store(uint row, uint column, float sum) {
  precise float y = sum;
  if (args.bias != 0) y = y + InF32(args.bias).v[column];
  if (args.add != 0) y = InF32(args.add + uint64_t(row) * args.add_row_bytes).v[column] + y;
  OutF32(args.result + uint64_t(row) * args.result_row_bytes).v[column] = y;
}
