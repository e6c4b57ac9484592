// Where keys and values lie: blocks of 32 positions found through a table (docs/layouts.md, KV cache). The build
// sets KV_F16, KV_F32 or KV_Q8_0.
const uint kBlockPositions = 32;

// Bytes of one kv head's keys (or values) in a block.
uint head_bytes(uint head_dim) {
#if defined(KV_F16)
  return head_dim * 64;
#elif defined(KV_F32)
  return head_dim * 128;
#else
  return head_dim * 34;
#endif
}

// The block that holds a position of a sequence.
uint block_id(uint64_t tables, uint stride, uint sequence, uint position) {
  return InU32(tables).v[sequence * stride + position / kBlockPositions];
}
