#include "engine/model.h"

#include <algorithm>
#include <utility>

#include "base/cpu_topology.h"
#include "base/error.h"
#include "engine/open_devices.h"
#include "models/architecture.h"
#include "placement/device_list.h"
#include "text/gguf_vocabulary.h"
#include "weights/homes.h"

namespace yoke {
namespace {

std::vector<Device*> pointers(std::span<const std::unique_ptr<Device>> devices) {
  std::vector<Device*> result;
  for (const auto& device : devices) result.push_back(device.get());
  return result;
}

std::vector<std::unique_ptr<Device>> open_all(const ModelOptions& options) {
  std::vector<std::unique_ptr<Device>> devices;
  const bool gpus = options.devices != "cpu";
  for (const std::string& name : choose_devices(options.devices, available_devices(gpus))) {
    devices.push_back(open_device(name, {.threads = options.threads, .isa = options.isa}));
    const bool gpu = devices.back()->info().kind == DeviceKind::kVulkan;
    devices.back()->set_memory_bound(gpu ? options.gpu_memory : options.cpu_memory);
  }
  return devices;
}

PlanRequest request_for(const ModelOptions& options, const Net& net) {
  PlanRequest request;
  request.net = &net;
  request.gpu_layers = parse_gpu_layers(options.gpu_layers);
  request.place = options.place;
  request.gpu_memory = options.gpu_memory;
  request.context = options.context;
  if (request.context < 0)
    request.context = std::min<int64_t>(kUsualContext, std::max(1, net.trained_context));
  request.kv = options.kv;
  request.sequences = options.sequences;
  request.rows = std::max(options.chunk, options.sequences);
  // A prompt's last row and each generating sequence want theirs.
  request.wanted = options.all_logits ? request.rows : options.sequences;
  return request;
}

// "vulkan:0 does without 2 kernels that its self-test found wrong: ..."; empty: it has all.
std::string refused_note(const Device& device) {
  const std::span<const OpFormat> refused = device.refused();
  if (refused.empty()) return "";
  std::string text = device.info().name + " does without " + std::to_string(refused.size()) +
                     (refused.size() == 1 ? " kernel" : " kernels") + " that its self-test found wrong: ";
  for (const OpFormat& pair : refused)
    text += (&pair == &refused.front() ? "" : ", ") + pair.op + " " + pair.format;
  return text;
}

}  // namespace

PlannedModel plan_model(const ModelOptions& options, const std::string& machine_file) {
  PlannedModel planned;
  planned.file = std::make_unique<GgufFile>(GgufFile::open(options.path));
  planned.net = build_net(*planned.file);
  PlanRequest request = request_for(options, planned.net);
  if (machine_file.empty()) {
    planned.devices = open_all(options);
    request.machine = machine_of(pointers(planned.devices));
  } else {
    request.machine = chosen(read_machine(machine_file), options.devices);
  }
  planned.plan = make_plan(request);
  for (const auto& device : planned.devices) {
    const std::string note = refused_note(*device);
    if (!note.empty()) planned.plan.notes.push_back(note);
  }
  if (planned.plan.context > planned.net.trained_context && planned.net.trained_context > 0) {
    planned.plan.notes.push_back("a context of " + std::to_string(planned.plan.context) +
                                 " tokens is longer than the " + std::to_string(planned.net.trained_context) +
                                 " that the model was trained for; answers past that may be poor");
  }
  return planned;
}

Tokenizer load_tokenizer(const PlannedModel& planned) {
  Tokenizer tokenizer = Tokenizer::create(vocabulary_from_gguf(*planned.file));
  if (tokenizer.size() != planned.net.vocabulary) {
    fail(ErrorKind::kBadFile, "reading " + planned.file->path(),
         "tokenizer.ggml.tokens: " + std::to_string(tokenizer.size()) +
             " tokens, but token_embd.weight has " + std::to_string(planned.net.vocabulary) + " rows");
  }
  return tokenizer;
}

Model::Model(PlannedModel planned, Tokenizer tokenizer, const ModelOptions& options)
    : planned_(std::move(planned)), tokenizer_(std::move(tokenizer)), pool_(planned_.plan.cache_blocks) {
  const std::vector<Device*> devices = pointers(planned_.devices);
  const Plan& plan = planned_.plan;
  caches_ = std::make_unique<KvStorage>(net(), plan.program.caches, devices, plan.kv, plan.cache_blocks);
  weights_ = std::make_unique<WeightStore>(gguf_homes(net(), file()), devices);
  LoadOptions load{.threads = std::max(1, options.threads), .progress = options.progress};
  if (options.threads == 0) load.threads = plan_team(detect_cpu_topology(), cgroup_cpu_limit(), 0).threads;
  weights_->load(plan.weights, load);
  executor_ = std::make_unique<Executor>(plan.program, ExecutorParts{.devices = devices,
                                                                     .weights = weights_->bind(plan.program),
                                                                     .caches = caches_->bind(plan.program)});
  builder_ = std::make_unique<StepBuilder>(net(), limits());
}

Model::~Model() = default;

std::unique_ptr<Model> Model::load(PlannedModel planned, Tokenizer tokenizer, const ModelOptions& options) {
  return std::unique_ptr<Model>(new Model(std::move(planned), std::move(tokenizer), options));
}

std::unique_ptr<Model> Model::load(const ModelOptions& options) {
  PlannedModel planned = plan_model(options);
  Tokenizer tokenizer = load_tokenizer(planned);
  return load(std::move(planned), std::move(tokenizer), options);
}

void Model::run(std::span<const StepItem> items) {
  executor_->run(builder_->build(items));
}

}  // namespace yoke
