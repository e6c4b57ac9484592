#include "model_options.h"

#include "base/error.h"
#include "command.h"
#include "size.h"

namespace yoke::cli {

void add_model_options(CLI::App& app, ModelArguments& a) {
  add_model(app, a.options.path);
  app.add_option("-c,--ctx", a.options.context,
                 "context to reserve, in tokens; 0: the largest that fits, up to the trained length")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 30))
      ->capture_default_str();
  app.add_option("-t,--threads", a.options.threads, "CPU threads; 0: the physical cores this process may use")
      ->check(CLI::Range(0, 4096));
  app.add_option("--isa", a.options.isa,
                 "instruction set of the CPU kernels: portable, avx2, avx512, avx512vnni ...");
  app.add_option("--devices", a.options.devices,
                 "devices to use, in order, e.g. vulkan:0,cpu; one may be named twice");
  app.add_option("--gpu-layers", a.options.gpu_layers,
                 "blocks wholly on the GPU: a number, all, or auto; also -ngl")
      ->capture_default_str();
  app.add_option("--place", a.options.place,
                 "REGEX=DEVICE: tensors whose name matches go there; repeatable, the first match wins")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--gpu-memory", a.gpu_memory, "bound per GPU device, e.g. 8G");
  app.add_option("--chunk", a.options.chunk, "largest number of prompt rows a step")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_option("--kv-type", a.kv_type, "format of the cache")
      ->check(CLI::IsMember({"f16", "f32", "q8_0"}))
      ->capture_default_str();
}

ModelOptions ModelArguments::parsed() const {
  ModelOptions result = options;
  if (result.path.empty())
    fail(ErrorKind::kUsage, "reading the command line", "no model is given (MODEL or -m MODEL)");
  if (!gpu_memory.empty()) {
    const auto bytes = parse_size(gpu_memory);
    if (!bytes || *bytes == 0)
      fail(ErrorKind::kUsage, "reading --gpu-memory",
           "\"" + gpu_memory + "\" is no size (such as 8G or 512M)");
    result.gpu_memory = *bytes;
  }
  result.kv = kv_type == "f32" ? KvType::kF32 : kv_type == "q8_0" ? KvType::kQ8_0 : KvType::kF16;
  return result;
}

}  // namespace yoke::cli
