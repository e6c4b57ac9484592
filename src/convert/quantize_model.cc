#include "convert/quantize_model.h"

#include <charconv>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "convert/row_workers.h"
#include "gguf/gguf_writer.h"
#include "tensor/quantize.h"

namespace yoke {
namespace {

int32_t block_of(std::string_view name) {
  int32_t block = -1;
  if (name.starts_with("blk.")) std::from_chars(name.data() + 4, name.data() + name.size(), block);
  return block;
}

bool is_matrix(const TensorInfo& tensor) {
  return tensor.rank >= 2 && tensor.shape[1] > 1 && std::string_view(tensor.name).ends_with(".weight");
}

class Converter {
 public:
  Converter(const GgufFile& in, const std::string& out_path, const QuantizeOptions& options)
      : in_(in), options_(options), writer_(out_path) {
    for (const TensorInfo& tensor : in.tensors()) blocks_ = std::max(blocks_, block_of(tensor.name) + 1);
    tied_ = in.find_tensor("output.weight") == nullptr;
  }

  std::vector<QuantizedTensor> run() {
    copy_metadata();
    for (const TensorInfo& tensor : in_.tensors()) declare(tensor);
    writer_.begin();
    for (size_t i = 0; i < in_.tensors().size(); ++i) write(in_.tensors()[i], types_[i]);
    writer_.finish();
    return report_;
  }

 private:
  void copy_metadata() {
    for (const MetadataEntry& entry : in_.metadata()) {
      if (!entry.key.starts_with("split.")) writer_.set(entry.key, entry.value);
    }
    writer_.set("general.file_type", options_.type.file_type());
    writer_.set("general.quantization_version", uint32_t{2});
  }

  DType asked_for(const TensorInfo& tensor) const {
    const bool head = tensor.name == "output.weight" || (tied_ && tensor.name == "token_embd.weight");
    return options_.type.type_for(
        {.name = tensor.name, .is_output = head, .block = block_of(tensor.name), .blocks = blocks_});
  }

  void declare(const TensorInfo& tensor) {
    std::optional<DType> to;
    if (is_matrix(tensor)) {
      const DType asked = asked_for(tensor);
      to = with_fallback(asked, tensor.shape[0]);
      if (!dtype_from_gguf(tensor.type_id())) {
        fail(ErrorKind::kBadFile, "reading " + in_.path(),
             "tensor " + tensor.name + ": type " + std::string(tensor.type->name) +
                 " cannot be converted (start from an F16, BF16 or F32 file)");
      }
      report_.push_back({tensor.name, std::string(tensor.type->name), std::string(traits(asked).name),
                         std::string(traits(*to).name), *to != asked});
    }
    types_.push_back(to);
    writer_.declare(tensor.name, to ? static_cast<uint32_t>(*to) : tensor.type_id(),
                    std::span(tensor.shape).first(static_cast<size_t>(tensor.rank)));
  }

  void write(const TensorInfo& tensor, std::optional<DType> to) {
    if (!to || static_cast<uint32_t>(*to) == tensor.type_id()) {
      append(tensor.data);
    } else {
      convert(tensor, *to);
    }
    in_.release_pages(tensor.data);
  }

  void convert(const TensorInfo& tensor, DType to) {
    const DType from = *dtype_from_gguf(tensor.type_id());
    const int64_t cols = tensor.shape[0];
    const uint64_t in_bytes = stored_bytes(from, 1, cols), out_bytes = stored_bytes(to, 1, cols);
    make_rows(
        tensor.rows(), out_bytes, options_.threads,
        [&](int64_t first, int64_t last, std::byte* out) {
          std::vector<float> row(static_cast<size_t>(cols));
          for (int64_t r = first; r < last; ++r, out += out_bytes) {
            dequantize(from, tensor.data.data() + static_cast<uint64_t>(r) * in_bytes, cols, row.data());
            try {
              quantize(to, row.data(), cols, out);
            } catch (const Error& e) {
              fail(ErrorKind::kBadFile, "reading " + in_.path(), "tensor " + tensor.name + ": " + e.what());
            }
          }
        },
        [&](std::span<const std::byte> bytes) { append(bytes); });
  }

  void append(std::span<const std::byte> bytes) {
    writer_.append(bytes);
    done_ += bytes.size();
    if (options_.progress) options_.progress(done_, writer_.total_bytes());
  }

  const GgufFile& in_;
  const QuantizeOptions& options_;
  GgufWriter writer_;
  int32_t blocks_ = 0;
  bool tied_ = false;
  std::vector<std::optional<DType>> types_;  // none: copied as it is
  std::vector<QuantizedTensor> report_;
  uint64_t done_ = 0;
};

}  // namespace

std::vector<QuantizedTensor> quantize_model(const GgufFile& in, const std::string& out_path,
                                            const QuantizeOptions& options) {
  for (size_t s = 0; s < in.shards(); ++s) {
    std::error_code ignored;
    if (std::filesystem::equivalent(in.shard_path(s), out_path, ignored))
      fail(ErrorKind::kUsage, "writing " + out_path, "it is the file that is read (name another one)");
  }
  return Converter(in, out_path, options).run();
}

}  // namespace yoke
