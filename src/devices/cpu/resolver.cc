// From the ids of a Program to addresses.
#include <variant>

#include "base/error.h"
#include "devices/cpu/cpu_op.h"

namespace yoke::cpu {
namespace {

// base + offset of a binding, checked against its buffer.
std::byte* address_of(Buffer* buffer, uint64_t offset, uint64_t bytes, const std::string& what) {
  if (buffer == nullptr || buffer->host() == nullptr) {
    fail(ErrorKind::kRuntime, "compiling for the CPU",
         what + " is not bound to memory that the CPU can reach");
  }
  if (offset > buffer->bytes() || bytes > buffer->bytes() - offset) {
    fail(ErrorKind::kRuntime, "compiling for the CPU",
         what + " needs " + std::to_string(bytes) + " bytes at " + std::to_string(offset) +
             " of a buffer of " + std::to_string(buffer->bytes()));
  }
  return buffer->host() + offset;
}

template <class Table>
const auto& entry(const Table& table, int32_t index, const char* what) {
  if (index < 0 || static_cast<size_t>(index) >= table.size()) {
    fail(ErrorKind::kRuntime, "compiling for the CPU", std::string("an op names no ") + what);
  }
  return table[index];
}

}  // namespace

Rows Resolver::rows(ValueId id) const {
  const ProgramValue& value = entry(program.values, index(id), "value");
  const BoundValue& bound = entry(bindings.values, index(id), "value");
  Rows rows;
  rows.base = address_of(bound.buffer, bound.offset, value.bytes, value.name);
  rows.row_bytes = static_cast<int64_t>(value.row_bytes);
  rows.width = value.width;
  rows.kind = value.rows;
  rows.format = value.format;
  return rows;
}

Matrix Resolver::weight(WeightId id) const {
  const BoundWeight& bound = entry(bindings.weights, index(id), "weight");
  const std::string what = "weight " + std::to_string(index(id));
  Matrix matrix;
  const uint64_t bytes = layout_bytes(bound.type, bound.layout, bound.rows, bound.cols);
  matrix.base = address_of(bound.buffer, bound.offset, bytes, what);
  matrix.type = bound.type;
  matrix.layout = bound.layout;
  matrix.rows = bound.rows;
  matrix.cols = bound.cols;
  return matrix;
}

Cache Resolver::cache(CacheId id) const {
  const BoundCache& bound = entry(bindings.caches, index(id), "cache");
  Cache cache;
  cache.block_bytes = static_cast<int64_t>(kv_block_bytes(bound.type, bound.kv_heads, bound.head_dim));
  cache.v_offset = static_cast<int64_t>(k_block_bytes(bound.type, bound.kv_heads, bound.head_dim));
  cache.base = address_of(bound.buffer, bound.offset, static_cast<uint64_t>(cache.block_bytes) * bound.blocks,
                          "cache " + std::to_string(index(id)));
  cache.kv_heads = bound.kv_heads;
  cache.head_dim = bound.head_dim;
  cache.type = bound.type;
  cache.blocks = bound.blocks;
  return cache;
}

}  // namespace yoke::cpu
