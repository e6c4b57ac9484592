// `yoke devices`: what this machine has.
#include <cstdio>
#include <memory>
#include <optional>

#include "base/cpu_features.h"
#include "base/error.h"
#include "command.h"
#include "engine/open_devices.h"
#include "engine/verdict.h"
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

Json verdict_json(const Verdict& verdict) {
  Json refused = Json::array();
  for (const OpFormat& pair : verdict.refused) refused.push_back({{"op", pair.op}, {"format", pair.format}});
  return {{"thorough", verdict.thorough}, {"passed", verdict.passed.size()}, {"refused", refused}};
}

// What an earlier `yoke selftest` found; the CPU checks its kernels whenever it is opened.
void print_verdict(const std::optional<Verdict>& verdict) {
  std::printf("%-10s self-test: ", "");
  if (!verdict) {
    std::printf("not run with this driver and version of yoke\n");
    return;
  }
  std::printf("%zu kernels passed, %zu differ", verdict->passed.size(), verdict->refused.size());
  for (const OpFormat& pair : verdict->refused)
    std::printf("%s%s %s", &pair == &verdict->refused[0] ? " and are not used: " : ", ", pair.op.c_str(),
                pair.format.c_str());
  std::printf("\n");
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
      if (info.kernels_id.empty()) continue;
      const std::optional<Verdict> verdict = load_verdict(info.kernels_id);
      devices.back()["selftest"] = verdict ? verdict_json(*verdict) : Json();
      if (!json) print_verdict(verdict);
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
