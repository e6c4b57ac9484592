#include "weights/homes.h"

#include "base/error.h"

namespace yoke {

WeightHomes gguf_homes(const Net& net, const GgufFile& file) {
  WeightHomes homes;
  for (const NetWeight& weight : net.weights) {
    const auto fail_tensor = [&](const std::string& wrong) {
      fail(ErrorKind::kBadFile, "reading " + file.path(), "tensor " + weight.name + ": " + wrong);
    };
    const TensorInfo* tensor = file.find_tensor(weight.name);
    if (!tensor) fail_tensor("it is missing");
    if (tensor->type->id != static_cast<uint32_t>(weight.type)) {
      fail_tensor(std::string("its type is ") + tensor->type->name + ", expected " +
                  std::string(traits(weight.type).name));
    }
    const uint64_t bytes = stored_bytes(weight.type, weight.rows, weight.cols);
    if (tensor->bytes != bytes) {
      fail_tensor("it has " + std::to_string(tensor->bytes) + " bytes, expected " + std::to_string(bytes));
    }
    homes.weights.push_back({tensor->data, weight.type, weight.rows, weight.cols, weight.vector});
  }
  homes.prefetch = [&file](std::span<const std::byte> range) { file.prefetch(range); };
  homes.release_pages = [&file](std::span<const std::byte> range) { file.release_pages(range); };
  return homes;
}

}  // namespace yoke
