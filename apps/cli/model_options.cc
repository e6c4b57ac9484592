#include "model_options.h"

#include "base/error.h"
#include "command.h"
#include "size.h"

namespace yoke::cli {

void add_model_options(CLI::App& app, ModelArguments& a, const std::string& default_context) {
  add_model(app, a.options.path);
  const std::string group = "Model, devices and memory";
  const auto add = [&](const char* names, auto& to, const char* value, const std::string& what) {
    return app.add_option(names, to, what)->type_name(value)->group(group);
  };
  app.get_option("--model")->group(group);
  add("-c,--ctx", a.options.context, "N",
      "context to reserve, in tokens; 0: the largest that fits, up to the trained length")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 30))
      ->default_str(default_context);
  add("-t,--threads", a.options.threads, "N", "CPU threads")
      ->check(CLI::Range(0, 1024))
      ->default_str("0: the physical cores that this process may use");
  add("--isa", a.options.isa, "NAME",
      "instruction set of the CPU kernels: portable, avx2, avx2vnni, avx512, avx512vnni, avx512bf16, "
      "avx512amx, armdot, armi8mm (default the best)");
  add("--devices", a.options.devices, "LIST",
      "devices to use, in order, such as vulkan:0,cpu; one may be named twice (default every real GPU, cpu)");
  add("--gpu-layers", a.options.gpu_layers, "N|all|auto",
      "-ngl: the first N blocks wholly on the GPU devices; the head too with all")
      ->capture_default_str();
  add("--place", a.options.place, "REGEX=DEVICE",
      "tensors whose name matches go there; repeatable, the first match wins, before --gpu-layers")
      ->take_all()
      ->allow_extra_args(false);
  add("--gpu-memory", a.gpu_memory, "SIZE", "bound per GPU device, such as 8G (default what it has free)");
  add("--chunk", a.options.chunk, "N", "largest number of prompt rows a step")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  add("--kv-type", a.kv_type, "f16|f32|q8_0", "format of the cache")
      ->check(CLI::IsMember({"f16", "f32", "q8_0"}))
      ->capture_default_str();
}

ModelOptions ModelArguments::parsed() const {
  ModelOptions result = options;
  model_path(result.path);
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
