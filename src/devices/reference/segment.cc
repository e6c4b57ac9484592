#include "devices/reference/segment.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "base/error.h"
#include "devices/reference/ops.h"

namespace yoke::reference {
namespace {

std::string described(const std::string& segment, size_t i, const ProgramOp& op) {
  std::string text = "op " + std::to_string(i) + " (" + std::string(op_name(op.op)) + ") of " + segment;
  if (op.layer >= 0) text += ", layer " + std::to_string(op.layer);
  return text;
}

template <class Bound, class Id>
void require(const std::vector<Bound>& bound, Id id, const char* what, const std::string& where) {
  const int32_t i = index(id);
  if (i < 0 || static_cast<size_t>(i) >= bound.size() || bound[i].buffer == nullptr) {
    fail(ErrorKind::kRuntime, "compiling " + where,
         std::string(what) + " " + std::to_string(i) + " is not bound");
  }
  if (bound[i].buffer->host() == nullptr) {
    fail(ErrorKind::kRuntime, "compiling " + where,
         std::string(what) + " " + std::to_string(i) + " lies in memory that the host cannot read");
  }
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

}  // namespace

RowsView Context::rows(ValueId id) const {
  const ProgramValue& value = values_[index(id)];
  const BoundValue& bound = bindings_.values[index(id)];
  const int64_t rows = value.rows == RowKind::kRows ? step_.rows : step_.wanted();
  return {bound.buffer->host() + bound.offset, value.width, static_cast<int64_t>(value.row_bytes), rows,
          value.format};
}

MatrixView Context::matrix(WeightId id) const {
  const BoundWeight& w = bindings_.weights[index(id)];
  return {w.buffer->host() + w.offset, w.type, w.layout, w.rows, w.cols};
}

const float* Context::vector(WeightId id) const {
  if (!given(id)) return nullptr;
  const BoundWeight& w = bindings_.weights[index(id)];
  return reinterpret_cast<const float*>(w.buffer->host() + w.offset);
}

CacheView Context::cache(CacheId id) const {
  const BoundCache& b = bindings_.caches[index(id)];
  return {b.buffer->host() + b.offset, b.kv_heads, b.head_dim, b.type, b.blocks};
}

int64_t Context::cache_block(int32_t row, int32_t position, const CacheView& cache) const {
  const int64_t first = static_cast<int64_t>(step_.sequences[row]) * step_.blocks_per_sequence;
  const int32_t nth = position / kBlockPositions;
  const int32_t block =
      position >= 0 && nth < step_.blocks_per_sequence ? step_.block_tables[first + nth] : -1;
  if (block < 0 || block >= cache.blocks) {
    fail(ErrorKind::kRuntime, "reading the block table",
         "row " + std::to_string(row) + " has no cache block for position " + std::to_string(position));
  }
  return block;
}

ReferenceSegment::ReferenceSegment(const Program& program, const Segment& segment, const Bindings& bindings,
                                   const ReferenceStep& step)
    : name_(segment.name), ops_(segment.ops), values_(program.values), bindings_(bindings), step_(step) {
  for (size_t i = 0; i < ops_.size(); ++i) {
    const Op& op = ops_[i].op;
    const std::string where = described(name_, i, ops_[i]);
    for_each_read(op, [&](ValueId id) { require(bindings_.values, id, "value", where); });
    for_each_write(op, [&](ValueId id) { require(bindings_.values, id, "value", where); });
    for_each_weight(op, [&](WeightId id) { require(bindings_.weights, id, "weight", where); });
    for (const CacheId id : {cache_read(op), cache_written(op)}) {
      if (id != CacheId::kNone) require(bindings_.caches, id, "cache", where);
    }
  }
}

std::vector<std::string> ReferenceSegment::kernels() const {
  std::vector<std::string> names;
  for (const ProgramOp& op : ops_) {
    std::string text = "scalar";
    for_each_weight(op.op, [&](WeightId id) {
      const BoundWeight& w = bindings_.weights[index(id)];
      if (w.rows > 1) text = "scalar " + std::string(name(w.layout)) + " " + lower(traits(w.type).name);
    });
    names.push_back(text);
  }
  return names;
}

void ReferenceSegment::run() const {
  const Context context(values_, bindings_, step_.inputs);
  for (size_t i = 0; i < ops_.size(); ++i) {
    try {
      std::visit([&](const auto& op) { reference::run(op, context); }, ops_[i].op);
    } catch (const std::exception& e) {
      const auto* error = dynamic_cast<const Error*>(&e);
      fail(error ? error->kind() : ErrorKind::kRuntime, described(name_, i, ops_[i]) + " on reference",
           e.what());
    }
  }
}

}  // namespace yoke::reference
