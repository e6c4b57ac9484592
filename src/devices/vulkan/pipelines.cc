#include "devices/vulkan/pipelines.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "base/cache_folder.h"
#include "devices/vulkan/shaders.h"

namespace yoke::vulkan {
namespace {

namespace fs = std::filesystem;

// One file per device and driver: others' caches are of no use to it. Empty: no home to keep it in.
std::string cache_path(const Context& context) {
  const Capabilities& c = context.capabilities();
  if (c.info.software) return "";  // Mesa keeps its own; lavapipe's pipeline cache holds nothing
  std::string folder = context.options().cache_folder;
  if (folder.empty()) folder = user_cache_folder();
  if (folder.empty()) return "";
  std::string id;
  for (const uint8_t byte : c.properties.pipelineCacheUUID) {
    constexpr char kDigits[] = "0123456789abcdef";
    id += kDigits[byte >> 4];
    id += kDigits[byte & 15];
  }
  return folder + "/vulkan-" + id + ".cache";
}

}  // namespace

Pipelines::Pipelines(Context& context) : context_(context), cache_file_(cache_path(context)) {
  VkPushConstantRange push{VK_SHADER_STAGE_COMPUTE_BIT, 0, kPushBytes};
  VkPipelineLayoutCreateInfo info{VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
  info.pushConstantRangeCount = 1;
  info.pPushConstantRanges = &push;
  context.check(context.vk().vkCreatePipelineLayout(context.device(), &info, nullptr, &layout_),
                "opening " + context.name());
  load_cache();
}

Pipelines::~Pipelines() {
  if (context_.abandoned()) return;
  if (save_) save_cache();
  const VolkDeviceTable& vk = context_.vk();
  for (const auto& [key, pipeline] : pipelines_)
    vk.vkDestroyPipeline(context_.device(), pipeline.handle, nullptr);
  vk.vkDestroyPipelineCache(context_.device(), cache_, nullptr);
  vk.vkDestroyPipelineLayout(context_.device(), layout_, nullptr);
}

// A file that is missing or of another driver is no cache; the driver checks its header.
void Pipelines::load_cache() {
  std::vector<char> data;
  if (!cache_file_.empty()) {
    std::ifstream in(cache_file_, std::ios::binary);
    data.assign(std::istreambuf_iterator<char>(in), {});
  }
  VkPipelineCacheCreateInfo info{VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
  info.initialDataSize = data.size();
  info.pInitialData = data.data();
  if (context_.vk().vkCreatePipelineCache(context_.device(), &info, nullptr, &cache_) == VK_SUCCESS) return;
  info.initialDataSize = 0;
  info.pInitialData = nullptr;
  context_.check(context_.vk().vkCreatePipelineCache(context_.device(), &info, nullptr, &cache_),
                 "opening " + context_.name());
}

// Written beside its place and renamed, so that a reader sees a whole file; failures only cost time.
void Pipelines::save_cache() const {
  if (cache_file_.empty()) return;
  size_t bytes = 0;
  if (context_.vk().vkGetPipelineCacheData(context_.device(), cache_, &bytes, nullptr) != VK_SUCCESS) return;
  std::vector<char> data(bytes);
  if (context_.vk().vkGetPipelineCacheData(context_.device(), cache_, &bytes, data.data()) != VK_SUCCESS)
    return;
  std::error_code error;
  fs::create_directories(fs::path(cache_file_).parent_path(), error);
  const std::string draft = cache_file_ + "." + std::to_string(getpid());
  {
    std::ofstream out(draft, std::ios::binary);
    out.write(data.data(), static_cast<std::streamsize>(bytes));
    if (!out) {
      fs::remove(draft, error);
      return;
    }
  }
  fs::rename(draft, cache_file_, error);
}

const Pipeline& Pipelines::get(const std::string& shader, uint32_t local_size) {
  const auto key = std::make_pair(shader, local_size);
  if (const auto found = pipelines_.find(key); found != pipelines_.end()) return found->second;
  const std::string doing = "compiling " + shader + " on " + context_.name();
  const VolkDeviceTable& vk = context_.vk();

  const std::span<const uint32_t> built = spirv(shader);
  std::vector<uint32_t> words(built.begin(), built.end());
  ask_for(context_.capabilities().float_controls, words);
  if (const auto& alter = context_.options().alter_shader) alter(shader, words);
  VkShaderModuleCreateInfo module_info{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  module_info.codeSize = words.size() * sizeof(uint32_t);
  module_info.pCode = words.data();
  VkShaderModule module = VK_NULL_HANDLE;
  context_.check(vk.vkCreateShaderModule(context_.device(), &module_info, nullptr, &module), doing);

  const VkSpecializationMapEntry entry{0, 0, sizeof(uint32_t)};
  VkSpecializationInfo constants{};
  constants.mapEntryCount = 1;
  constants.pMapEntries = &entry;
  constants.dataSize = sizeof(uint32_t);
  constants.pData = &local_size;
  VkComputePipelineCreateInfo info{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module;
  info.stage.pName = "main";
  info.stage.pSpecializationInfo = &constants;
  info.layout = layout_;
  Pipeline pipeline{shader};
  const VkResult result =
      vk.vkCreateComputePipelines(context_.device(), cache_, 1, &info, nullptr, &pipeline.handle);
  vk.vkDestroyShaderModule(context_.device(), module, nullptr);
  context_.check(result, doing);
  grown_ = true;
  save_ = true;
  return pipelines_.emplace(key, pipeline).first->second;
}

}  // namespace yoke::vulkan
