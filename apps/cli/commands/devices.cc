// `yoke devices`: what this machine has.
#include <cstdio>
#include <memory>

#include "base/cpu_features.h"
#include "base/error.h"
#include "command.h"
#include "engine/open_devices.h"
#include "size.h"

namespace yoke::cli {
namespace {

Json device_json(const DeviceInfo& info) {
  return {{"name", info.name},
          {"description", info.description},
          {"software", info.software},
          {"shares_memory", info.shares_memory},
          {"memory_bytes", info.memory_bytes},
          {"free_bytes", info.free_bytes}};
}

void print_device(const DeviceInfo& info) {
  std::printf("%-10s %s%s\n", info.name.c_str(), info.description.c_str(),
              info.software ? " (software: shows function, not speed; used only where named)" : "");
  if (info.memory_bytes > 0)
    std::printf("%-10s memory %s, free %s\n", "", shown_size(info.memory_bytes).c_str(),
                shown_size(info.free_bytes).c_str());
  if (info.kind != DeviceKind::kCpu) return;
  std::printf("%-10s instruction sets:", "");
  for (const std::string_view isa : isas_of(detect_cpu_features()))
    std::printf(" %s", std::string(isa).c_str());
  std::printf("\n");
}

int run(bool json) {
  Json devices = Json::array();
  for (const DeviceInfo& offered : available_devices()) {
    try {
      // Opening tells what a driver's list does not.
      const std::unique_ptr<Device> device = open_device(offered.name, {});
      const DeviceInfo& info = device->info();
      devices.push_back(device_json(info));
      if (info.kind == DeviceKind::kCpu) devices.back()["isas"] = isas_of(detect_cpu_features());
      if (!json) print_device(info);
    } catch (const Error& e) {  // one broken driver does not hide the others
      devices.push_back({{"name", offered.name}, {"description", offered.description}, {"error", e.what()}});
      if (!json) std::printf("%-10s cannot be used: %s\n", offered.name.c_str(), e.what());
    }
  }
  if (json) print_json({{"devices", devices}});
  return 0;
}

}  // namespace

Runner declare_devices(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  add_json(app, *json);
  return [json] { return run(*json); };
}

}  // namespace yoke::cli
