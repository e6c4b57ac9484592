#include "models/net_builder.h"

#include <cmath>
#include <utility>

#include "base/error.h"

namespace yoke {

NetBuilder::NetBuilder(const GgufFile& file) : file_(file) {
  net_.architecture = std::string(file.need_string("general.architecture"));
}

void NetBuilder::bad(const std::string& wrong) const {
  fail(ErrorKind::kBadFile, "reading " + file_.path(), wrong);
}

std::string NetBuilder::full_key(std::string_view key) const {
  return net_.architecture + "." + std::string(key);
}

std::string NetBuilder::full_name(std::string_view name) const {
  return block_ < 0 ? std::string(name) : "blk." + std::to_string(block_) + "." + std::string(name);
}

int64_t NetBuilder::need_int(std::string_view key, int64_t low, int64_t high) const {
  file_.need_u64(full_key(key));
  return int_or(key, 0, low, high);
}

int64_t NetBuilder::int_or(std::string_view key, int64_t otherwise, int64_t low, int64_t high) const {
  const std::optional<uint64_t> found = file_.find_u64(full_key(key));
  const uint64_t value = found.value_or(static_cast<uint64_t>(otherwise));
  if (value > static_cast<uint64_t>(high) || static_cast<int64_t>(value) < low) {
    bad(full_key(key) + ": " + std::to_string(value) + (found ? " is" : " follows from other values and is") +
        " not between " + std::to_string(low) + " and " + std::to_string(high));
  }
  return static_cast<int64_t>(value);
}

double NetBuilder::float_or(std::string_view key, double otherwise, double low, double high) const {
  const double value = file_.find_f64(full_key(key)).value_or(otherwise);
  if (!(value >= low && value <= high)) {
    bad(full_key(key) + ": " + std::to_string(value) + " is not between " + std::to_string(low) + " and " +
        std::to_string(high));
  }
  return value;
}

std::string NetBuilder::text_or(std::string_view key, std::string_view otherwise) const {
  return std::string(file_.find_string(full_key(key)).value_or(otherwise));
}

void NetBuilder::refuse_unless_zero(std::string_view key, std::string_view what) const {
  if (file_.find_f64(full_key(key)).value_or(0) != 0) {
    bad(full_key(key) + ": models with " + std::string(what) +
        " cannot be run yet (`yoke inspect` shows the file)");
  }
}

bool NetBuilder::has(std::string_view name) const {
  return file_.find_tensor(full_name(name)) != nullptr;
}

const TensorInfo& NetBuilder::tensor(std::string_view name) const {
  const TensorInfo* found = file_.find_tensor(full_name(name));
  if (!found)
    bad("tensor " + full_name(name) + ": missing (the " + net_.architecture + " architecture needs it)");
  return *found;
}

int64_t NetBuilder::rows_of(std::string_view name) const {
  const TensorInfo& found = tensor(name);
  if (found.rank != 2) bad("tensor " + found.name + ": not a matrix");
  return found.shape[1];
}

WeightId NetBuilder::declare(std::string_view name, int64_t rows, int64_t cols, bool vector) {
  const std::string full = full_name(name);
  if (const auto again = declared_.find(full); again != declared_.end()) return again->second;
  const TensorInfo& found = tensor(name);
  if (found.shape[0] != cols || found.rows() != rows || found.shape[2] != 1 || found.shape[3] != 1) {
    std::string shape;
    for (int i = 0; i < std::max(found.rank, 1); ++i)
      shape += (i ? ", " : "") + std::to_string(found.shape[i]);
    bad("tensor " + full + ": its shape is [" + shape + "], but [" + std::to_string(cols) +
        (vector ? "" : ", " + std::to_string(rows)) + "] follows from the metadata");
  }
  const std::optional<DType> type = dtype_from_gguf(found.type_id());
  if (!type) {
    std::string known;
    for (const DTypeTraits& t : all_dtypes()) known += (known.empty() ? "" : " ") + std::string(t.name);
    bad("tensor " + full + ": type " + std::string(found.type->name) + " cannot be run (supported: " + known +
        "; `yoke quantize` or another file of the model helps)");
  }
  const bool plain = *type == DType::kF32 || *type == DType::kF16 || *type == DType::kBF16;
  if (vector && !plain) bad("tensor " + full + ": a vector of type " + std::string(traits(*type).name));
  const auto id = static_cast<WeightId>(net_.weights.size());
  net_.weights.push_back({.name = full, .type = *type, .rows = rows, .cols = cols, .vector = vector});
  declared_.emplace(full, id);
  return id;
}

WeightId NetBuilder::matrix(std::string_view name, int64_t rows, int64_t cols) {
  return declare(name, rows, cols, false);
}

WeightId NetBuilder::vector(std::string_view name, int64_t size) {
  return declare(name, 1, size, true);
}

WeightId NetBuilder::vector_if_there(std::string_view name, int64_t size) {
  return has(name) ? vector(name, size) : WeightId::kNone;
}

RopeId NetBuilder::rope(NetRope rope) {
  net_.ropes.push_back(std::move(rope));
  return static_cast<RopeId>(net_.ropes.size() - 1);
}

CacheId NetBuilder::cache(std::string_view name, int32_t kv_heads, int32_t head_dim) {
  net_.caches.push_back({full_name(name), kv_heads, head_dim});
  return static_cast<CacheId>(net_.caches.size() - 1);
}

ValueId NetBuilder::value(std::string_view name, int64_t width, RowKind rows) {
  net_.values.push_back({full_name(name), width, rows});
  return static_cast<ValueId>(net_.values.size() - 1);
}

ValueId NetBuilder::embed(WeightId table, std::string_view name) {
  net_.weights[index(table)].table = true;
  const ValueId out = value(name, net_.weights[index(table)].cols, RowKind::kRows);
  append(Embed{.table = table, .out = out});
  return out;
}

ValueId NetBuilder::rms_norm(ValueId x, WeightId weight, float eps, std::string_view name) {
  const ValueId out = value(name, width(x), rows(x));
  append(RmsNorm{.x = x, .weight = weight, .eps = eps, .out = out});
  return out;
}

ValueId NetBuilder::linear(ValueId x, WeightId weight, std::string_view name, const LinearExtras& extras) {
  const ValueId out = value(name, net_.weights[index(weight)].rows, rows(x));
  append(Linear{.x = x, .weight = weight, .bias = extras.bias, .add = extras.add, .out = out});
  return out;
}

ValueId NetBuilder::gated_linear(ValueId x, WeightId gate, WeightId up, Activation activation,
                                 std::string_view name) {
  const ValueId out = value(name, net_.weights[index(gate)].rows, rows(x));
  append(GatedLinear{.x = x, .gate = gate, .up = up, .activation = activation, .out = out});
  return out;
}

ValueId NetBuilder::gated_mul(ValueId gate, ValueId up, Activation activation, std::string_view name) {
  const ValueId out = value(name, width(gate), rows(gate));
  append(GatedMul{.gate = gate, .up = up, .activation = activation, .out = out});
  return out;
}

ValueId NetBuilder::head_norm_rope(HeadNormRope op, std::string_view name) {
  op.out = value(name, width(op.x), rows(op.x));
  append(op);
  return op.out;
}

void NetBuilder::kv_write(ValueId k, ValueId v, CacheId cache) {
  append(KvWrite{.k = k, .v = v, .cache = cache});
}

ValueId NetBuilder::attention(Attention op, std::string_view name) {
  op.out = value(name, width(op.q), rows(op.q));
  append(op);
  return op.out;
}

ValueId NetBuilder::add(ValueId a, ValueId b, std::string_view name) {
  const ValueId out = value(name, width(a), rows(a));
  append(Add{.a = a, .b = b, .out = out});
  return out;
}

ValueId NetBuilder::wanted_rows(ValueId x, std::string_view name) {
  const ValueId out = value(name, width(x), RowKind::kWanted);
  append(WantedRows{.x = x, .out = out});
  return out;
}

Net NetBuilder::finish(ValueId logits) {
  net_.logits = logits;
  return std::move(net_);
}

}  // namespace yoke
