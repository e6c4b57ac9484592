// What there is to place a model on: devices, their memory and speed, and the links between them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "devices/device.h"
#include "program/placement_data.h"

namespace yoke {

struct MachineDevice {
  std::string name;  // "vulkan:0"
  DeviceKind kind = DeviceKind::kCpu;
  bool software = false;           // a GPU made of CPU threads: never chosen by itself
  bool shares_memory = false;      // takes from the host's memory
  uint64_t memory_bytes = 0;       // that may be used; 0: not known, no bound
  uint64_t max_buffer_bytes = 0;   // 0: no bound
  uint64_t held_bytes = 0;         // that it took for itself when it was opened; counted as staging
  double bandwidth_gb_s = 0;       // reading weights; 0: not known
  const Device* device = nullptr;  // none on a described machine
};

// Between a GPU and the host's memory.
struct MachineLink {
  std::string from;
  std::string to;
  double bandwidth_gb_s = 0;
  double latency_us = 0;  // of one hand-off
};

// The devices in use, GPUs first, in order; the last one is a host.
struct Machine {
  std::vector<MachineDevice> devices;
  std::vector<MachineLink> links;
};

// "cpu", "reference" or "vulkan:N"; throws kUsage with the known names.
DeviceKind device_kind(std::string_view name);

// This machine with these devices opened. What a GPU has free is used up to a small reserve for its driver.
Machine machine_of(std::span<Device* const> devices);

// The devices that `--devices LIST` chooses (device_list.h), in a plan's order.
Machine chosen(const Machine& all, const std::string& list);

// A described machine from JSON (docs/cli.md); `source` names it in errors, which are kBadFile.
// {"devices": [{"name", "memory_bytes", "bandwidth_gb_s", "shares_memory"?, "software"?,
// "max_buffer_bytes"?}],
//  "links"?: [{"from", "to", "bandwidth_gb_s", "latency_us"?}]}
Machine parse_machine(std::string_view json, const std::string& source);
// The same from a file.
Machine read_machine(const std::string& path);

}  // namespace yoke
