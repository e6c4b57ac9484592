#include "placement/machine.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "placement/device_list.h"
#include "placement/system_memory.h"

namespace yoke {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kMostFileBytes = 1 << 20;
constexpr size_t kMostDevices = 64;
constexpr uint64_t kMostMemory = uint64_t{1} << 50;

// Pipelines, command buffers and the driver's own needs.
uint64_t reserve(uint64_t free_bytes) {
  return std::max<uint64_t>(free_bytes / 50, uint64_t{128} << 20);
}

// Reads one object's fields and names the field in every error.
class Fields {
 public:
  Fields(const Json& object, std::string where, const std::string& source)
      : object_(object), where_(std::move(where)), source_(source) {
    if (!object.is_object()) wrong("", "must be an object");
  }

  std::string text(const char* key) const {
    const Json* value = find(key);
    if (!value) wrong(key, "is missing");
    if (!value->is_string()) wrong(key, "must be a string");
    return value->get<std::string>();
  }
  uint64_t bytes(const char* key, bool needed) const {
    const Json* value = find(key);
    if (!value && needed) wrong(key, "is missing");
    if (!value) return 0;
    if (!value->is_number_unsigned() || value->get<uint64_t>() > kMostMemory) {
      wrong(key, "must be a whole number of bytes, at most 2^50");
    }
    return value->get<uint64_t>();
  }
  double number(const char* key, bool needed) const {
    const Json* value = find(key);
    if (!value && needed) wrong(key, "is missing");
    if (!value) return 0;
    const double x = value->is_number() ? value->get<double>() : -1;
    if (!std::isfinite(x) || x < 0 || x > 1e9) wrong(key, "must be a number from 0 to 1e9");
    return x;
  }
  bool flag(const char* key) const {
    const Json* value = find(key);
    if (!value) return false;
    if (!value->is_boolean()) wrong(key, "must be true or false");
    return value->get<bool>();
  }
  [[noreturn]] void wrong(const std::string& key, const std::string& what) const {
    fail(ErrorKind::kBadFile, "reading " + source_, where_ + (key.empty() ? "" : "." + key) + " " + what);
  }

 private:
  const Json* find(const char* key) const {
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }

  const Json& object_;
  std::string where_;
  const std::string& source_;
};

// The array of that name, bounded; nullptr where it is missing.
const Json* array(const Json& object, const char* key, const Fields& fields) {
  const auto found = object.find(key);
  if (found == object.end()) return nullptr;
  if (!found->is_array() || found->size() > kMostDevices) {
    fields.wrong(key, "must be an array of at most " + std::to_string(kMostDevices));
  }
  return &*found;
}

MachineDevice parse_device(const Fields& fields) {
  MachineDevice device;
  device.name = fields.text("name");
  try {
    device.kind = device_kind(device.name);
  } catch (const Error&) {
    fields.wrong("name", "is no device Yoke knows (cpu, reference, vulkan:N)");
  }
  device.memory_bytes = fields.bytes("memory_bytes", true);
  device.bandwidth_gb_s = fields.number("bandwidth_gb_s", true);
  device.max_buffer_bytes = fields.bytes("max_buffer_bytes", false);
  device.shares_memory = fields.flag("shares_memory");
  device.software = fields.flag("software");
  return device;
}

}  // namespace

DeviceKind device_kind(std::string_view name) {
  if (name == "cpu") return DeviceKind::kCpu;
  if (name == "reference") return DeviceKind::kReference;
  const std::string_view prefix = "vulkan:";
  if (name.starts_with(prefix)) {
    const auto number = name.substr(prefix.size());
    const bool digits = std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
    if (!number.empty() && number.size() <= 3 && digits) return DeviceKind::kVulkan;
  }
  fail(ErrorKind::kUsage, "naming a device",
       "\"" + std::string(name.substr(0, 80)) + "\" is none of cpu, reference, vulkan:N");
}

Machine chosen(const Machine& all, const std::string& list) {
  std::vector<DeviceInfo> infos;
  for (const MachineDevice& device : all.devices) {
    DeviceInfo info;
    info.name = device.name;
    info.kind = device.kind;
    info.software = device.software;
    infos.push_back(std::move(info));
  }
  Machine machine{{}, all.links};
  for (const std::string& name : choose_devices(list, infos)) {
    const auto found = std::ranges::find(all.devices, name, &MachineDevice::name);
    if (found == all.devices.end()) {
      fail(ErrorKind::kUsage, "choosing devices", "the machine has no device \"" + name + "\"");
    }
    machine.devices.push_back(*found);
  }
  return machine;
}

Machine machine_of(std::span<Device* const> devices) {
  Machine machine;
  for (const Device* device : devices) {
    const DeviceInfo& info = device->info();
    MachineDevice d;
    d.name = info.name;
    d.kind = info.kind;
    d.software = info.software;
    d.shares_memory = info.shares_memory && !is_host(info.kind);
    d.max_buffer_bytes = info.max_buffer_bytes;
    d.device = device;
    d.held_bytes = device->allocated_bytes();
    if (is_host(info.kind)) {
      d.memory_bytes = available_memory();
      const uint64_t bound = device->memory_bound();
      if (bound != 0 && (d.memory_bytes == 0 || bound < d.memory_bytes)) d.memory_bytes = bound;
    } else if (info.memory_bytes != 0) {  // a device that is full has no room, not an unknown one
      const uint64_t kept = reserve(info.free_bytes);
      d.memory_bytes = info.free_bytes > kept ? info.free_bytes - kept : 1;
    }
    machine.devices.push_back(std::move(d));
  }
  return machine;
}

Machine parse_machine(std::string_view json, const std::string& source) {
  Json root;
  try {
    root = Json::parse(json);
  } catch (const Json::exception& e) {
    const auto* syntax = dynamic_cast<const Json::parse_error*>(&e);
    fail(ErrorKind::kBadFile, "reading " + source,
         "it is no JSON" + (syntax ? " (at byte " + std::to_string(syntax->byte) + ")" : std::string()));
  }
  const Fields top(root, "the file", source);
  const Json* devices = array(root, "devices", top);
  if (!devices || devices->empty()) top.wrong("devices", "names no device");
  Machine machine;
  for (size_t i = 0; i < devices->size(); ++i) {
    const Fields fields((*devices)[i], "devices[" + std::to_string(i) + "]", source);
    machine.devices.push_back(parse_device(fields));
    for (size_t j = 0; j < i; ++j) {
      if (machine.devices[j].name == machine.devices[i].name) fields.wrong("name", "is there twice");
    }
  }
  const Json* links = array(root, "links", top);
  for (size_t i = 0; links && i < links->size(); ++i) {
    const Fields fields((*links)[i], "links[" + std::to_string(i) + "]", source);
    MachineLink link{fields.text("from"), fields.text("to"), fields.number("bandwidth_gb_s", true),
                     fields.number("latency_us", false)};
    for (const std::string* end : {&link.from, &link.to}) {
      const auto is_end = [&](const MachineDevice& d) { return d.name == *end; };
      if (std::ranges::none_of(machine.devices, is_end)) {
        fields.wrong(end == &link.from ? "from" : "to", "names none of the devices");
      }
    }
    machine.links.push_back(std::move(link));
  }
  return machine;
}

Machine read_machine(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMostFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.empty()) fail(ErrorKind::kBadFile, "reading " + path, "it cannot be read or is empty");
  if (text.size() > kMostFileBytes) fail(ErrorKind::kBadFile, "reading " + path, "it is larger than 1 MiB");
  return parse_machine(text, path);
}

}  // namespace yoke
