#include "ops/op.h"

namespace yoke {

std::string_view op_name(const Op& op) {
  using op_fields::Overloaded;
  return std::visit(
      Overloaded{
          [](const Embed&) { return "embed"; }, [](const RmsNorm&) { return "rms_norm"; },
          [](const QuantizeRows&) { return "quantize_rows"; }, [](const Linear&) { return "linear"; },
          [](const GatedLinear&) { return "gated_linear"; }, [](const GatedMul&) { return "gated_mul"; },
          [](const HeadNormRope&) { return "head_norm_rope"; }, [](const KvWrite&) { return "kv_write"; },
          [](const Attention&) { return "attention"; }, [](const Add&) { return "add"; },
          [](const WantedRows&) { return "wanted_rows"; }, [](const Copy&) { return "copy"; }},
      op);
}

CacheId cache_written(const Op& op) {
  const auto* write = std::get_if<KvWrite>(&op);
  return write ? write->cache : CacheId::kNone;
}

CacheId cache_read(const Op& op) {
  const auto* attention = std::get_if<Attention>(&op);
  return attention ? attention->cache : CacheId::kNone;
}

}  // namespace yoke
