// Compute pipelines by shader name, made when first asked for; a cache file spares real drivers the next
// time.
#pragma once

#include <volk.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "devices/vulkan/context.h"

namespace yoke::vulkan {

inline constexpr uint32_t kPushBytes = 128;  // what every device has

struct Pipeline {
  std::string shader;
  VkPipeline handle = VK_NULL_HANDLE;
};

class Pipelines {
 public:
  explicit Pipelines(Context& context);
  ~Pipelines();
  Pipelines(const Pipelines&) = delete;
  Pipelines& operator=(const Pipelines&) = delete;

  // local_size is the workgroup's width where the shader leaves it open (constant 0).
  const Pipeline& get(const std::string& shader, uint32_t local_size = 64);
  VkPipelineLayout layout() const { return layout_; }
  // New ones were made since the last warmed().
  bool grown() const { return grown_; }
  void warmed() { grown_ = false; }

 private:
  void load_cache();
  void save_cache() const;

  Context& context_;
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  VkPipelineCache cache_ = VK_NULL_HANDLE;
  std::string cache_file_;  // empty: none
  bool grown_ = false;
  bool save_ = false;  // the cache file lacks some
  std::map<std::pair<std::string, uint32_t>, Pipeline> pipelines_;
};

}  // namespace yoke::vulkan
