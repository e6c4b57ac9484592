#include "devices/vulkan/instance.h"

#include <algorithm>
#include <mutex>
#include <string_view>

#include "base/error.h"

namespace yoke::vulkan {
namespace {

constexpr const char* kValidationLayer = "VK_LAYER_KHRONOS_validation";

// volk keeps one table of instance functions; all of the loader's are the same for every instance.
std::recursive_mutex& loader_mutex() {
  static std::recursive_mutex mutex;  // a failed create() destroys within
  return mutex;
}

bool loader_found() {
  static const bool found = volkInitialize() == VK_SUCCESS && volkGetInstanceVersion() >= VK_API_VERSION_1_2;
  return found;
}

bool layer_found(std::string_view layer) {
  uint32_t count = 0;
  vkEnumerateInstanceLayerProperties(&count, nullptr);
  std::vector<VkLayerProperties> layers(count);
  vkEnumerateInstanceLayerProperties(&count, layers.data());
  return std::ranges::any_of(layers, [&](const VkLayerProperties& l) { return layer == l.layerName; });
}

VkBool32 VKAPI_PTR report(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                          const VkDebugUtilsMessengerCallbackDataEXT* data, void* user) {
  const auto& on_message = *static_cast<const std::function<void(const std::string&)>*>(user);
  if (on_message) on_message(data->pMessage);
  return VK_FALSE;
}

}  // namespace

std::unique_ptr<Instance> Instance::create(bool validation,
                                           std::function<void(const std::string&)> on_message) {
  const std::lock_guard lock(loader_mutex());
  if (!loader_found()) return nullptr;
  VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
  application.pApplicationName = "yoke";
  application.apiVersion = VK_API_VERSION_1_2;
  VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  info.pApplicationInfo = &application;

  std::unique_ptr<Instance> instance(new Instance);
  instance->on_message_ = std::move(on_message);
  VkDebugUtilsMessengerCreateInfoEXT messenger{VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT};
  messenger.messageSeverity =
      VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  messenger.messageType =
      VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT;
  messenger.pfnUserCallback = report;
  messenger.pUserData = &instance->on_message_;
  const VkValidationFeatureEnableEXT enabled[] = {
      VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
  VkValidationFeaturesEXT features{VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT};
  features.enabledValidationFeatureCount = 1;
  features.pEnabledValidationFeatures = enabled;
  const char* extension = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
  if (validation) {
    if (!layer_found(kValidationLayer)) {
      fail(ErrorKind::kUsage, "opening Vulkan with validation", "the layers are not installed");
    }
    features.pNext = &messenger;
    info.pNext = &features;
    info.enabledLayerCount = 1;
    info.ppEnabledLayerNames = &kValidationLayer;
    info.enabledExtensionCount = 1;
    info.ppEnabledExtensionNames = &extension;
  }
  if (vkCreateInstance(&info, nullptr, &instance->instance_) != VK_SUCCESS) return nullptr;
  volkLoadInstanceOnly(instance->instance_);
  if (validation) {
    messenger.pNext = nullptr;
    vkCreateDebugUtilsMessengerEXT(instance->instance_, &messenger, nullptr, &instance->messenger_);
  }
  return instance;
}

Instance::~Instance() {
  const std::lock_guard lock(loader_mutex());
  if (messenger_ != VK_NULL_HANDLE) vkDestroyDebugUtilsMessengerEXT(instance_, messenger_, nullptr);
  if (instance_ != VK_NULL_HANDLE) vkDestroyInstance(instance_, nullptr);
}

std::vector<VkPhysicalDevice> Instance::physical_devices() const {
  uint32_t count = 0;
  vkEnumeratePhysicalDevices(instance_, &count, nullptr);
  std::vector<VkPhysicalDevice> devices(count);
  vkEnumeratePhysicalDevices(instance_, &count, devices.data());
  devices.resize(count);
  return devices;
}

}  // namespace yoke::vulkan
