#include "devices/device.h"

#include <algorithm>
#include <cctype>

#include "base/error.h"

namespace yoke {
namespace {

uint64_t kv_elements_bytes(KvType type, int32_t kv_heads, int32_t head_dim) {
  const uint64_t elements = static_cast<uint64_t>(kv_heads) * head_dim * kBlockPositions;
  switch (type) {
    case KvType::kF16:
      return elements * 2;
    case KvType::kF32:
      return elements * 4;
    case KvType::kQ8_0:
      return elements + elements / 32 * 2;
  }
  return 0;
}

}  // namespace

uint64_t k_block_bytes(KvType type, int32_t kv_heads, int32_t head_dim) {
  return kv_elements_bytes(type, kv_heads, head_dim);
}

uint64_t kv_block_bytes(KvType type, int32_t kv_heads, int32_t head_dim) {
  return 2 * kv_elements_bytes(type, kv_heads, head_dim);
}

std::string_view name(KvType type) {
  switch (type) {
    case KvType::kF16:
      return "f16";
    case KvType::kF32:
      return "f32";
    case KvType::kQ8_0:
      return "q8_0";
  }
  return "?";
}

OpFormat op_format(const OpShape& shape) {
  const Op& op = *shape.op;
  OpFormat pair{std::string(op_name(op)), std::string(name(shape.out))};
  const bool matrix = std::holds_alternative<Linear>(op) || std::holds_alternative<GatedLinear>(op) ||
                      std::holds_alternative<Embed>(op);
  if (matrix) {
    pair.format = traits(shape.weight).name;
    std::ranges::transform(pair.format, pair.format.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    pair.format += " " + std::string(name(shape.layout));
  } else if (std::holds_alternative<KvWrite>(op) || std::holds_alternative<Attention>(op)) {
    pair.format = name(shape.kv);
  }
  return pair;
}

std::optional<std::string> Device::refusal(const OpShape& shape) const {
  if (refused_.empty()) return std::nullopt;
  const OpFormat pair = op_format(shape);
  if (std::ranges::find(refused_, pair) == refused_.end()) return std::nullopt;
  return "its self-test found " + pair.op + " " + pair.format + " wrong (`yoke selftest` tests it again)";
}

void Device::account(uint64_t bytes, BufferUse use) {
  const uint64_t now = allocated_bytes();
  if (bound_ != 0 && (bytes > bound_ || now > bound_ - bytes)) {
    fail(ErrorKind::kDoesNotFit, "reserving memory on " + info().name,
         std::to_string(bytes) + " bytes more than the " + std::to_string(now) +
             " in use exceed the bound of " + std::to_string(bound_) + " bytes");
  }
  used_[static_cast<size_t>(use)] += bytes;
  peak_ = std::max(peak_, now + bytes);
}

void Device::release(uint64_t bytes, BufferUse use) {
  used_[static_cast<size_t>(use)] -= bytes;
}

}  // namespace yoke
