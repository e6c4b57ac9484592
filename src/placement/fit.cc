#include "placement/fit.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "cache/kv_storage.h"
#include "cache/sequence_blocks.h"
#include "placement/place.h"
#include "program/compile.h"

namespace yoke {
namespace {

std::string mib(uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MiB", static_cast<double>(bytes) / 1048576.0);
  return text;
}

std::string needs(const PlanDevice& d) {
  return d.name + " needs " + mib(d.total_bytes()) + " (weights " + mib(d.weights_bytes) + ", cache " +
         mib(d.cache_bytes) + ", scratch " + mib(d.scratch_bytes) + ", staging " + mib(d.staging_bytes) + ")";
}

// Pages of the file are the system's to drop; they promise nothing.
uint64_t held(const PlanDevice& d) {
  return d.total_bytes() - d.mapped_bytes;
}

StepLimits limits_of(const PlanRequest& request) {
  StepLimits limits;
  limits.rows = request.rows;
  limits.wanted = request.wanted;
  limits.sequences = request.sequences;
  limits.blocks_per_sequence = blocks_for(request.context);
  for (const NetRope& rope : request.net->ropes) {
    limits.rope_pairs.push_back(static_cast<int32_t>(rope.inverse_frequency.size()));
  }
  return limits;
}

}  // namespace

int64_t pool_blocks(const PlanRequest& request, int64_t context) {
  return static_cast<int64_t>(request.sequences) * blocks_for(context);
}

int32_t Division::gpu_blocks() const {
  return std::accumulate(blocks.begin(), blocks.end(), 0);
}

Fitter::Fitter(const PlanRequest& request, const std::vector<int32_t>& rule_device)
    : request_(request), rule_device_(rule_device) {
  for (size_t d = 0; d < request.machine.devices.size(); ++d) {
    if (!is_host(request.machine.devices[d].kind)) gpus_.push_back(static_cast<int32_t>(d));
  }
}

const Candidate& Fitter::candidate(const Division& division) {
  auto& entry = candidates_[division];
  if (entry) return *entry;
  const Net& net = *request_.net;
  PlaceOptions options;
  options.rule_device = rule_device_;
  int32_t host = 0, last_gpu = -1;
  while (!is_host(request_.machine.devices[static_cast<size_t>(host)].kind)) ++host;
  for (size_t d = 0; d < division.blocks.size(); ++d) {
    options.layer_device.insert(options.layer_device.end(), static_cast<size_t>(division.blocks[d]),
                                static_cast<int32_t>(d));
    if (division.blocks[d] > 0) last_gpu = static_cast<int32_t>(d);
  }
  options.layer_device.resize(static_cast<size_t>(net.layers), host);
  options.head_device = division.head && last_gpu >= 0 ? last_gpu : host;

  entry = std::make_unique<Candidate>();
  entry->placement = place(net, request_.machine, options);
  entry->program = compile(net, entry->placement, limits_of(request_));
  std::vector<WeightDevice> devices;
  for (const MachineDevice& d : request_.machine.devices) devices.push_back({d.kind, d.max_buffer_bytes});
  const Program* programs[] = {&entry->program};
  entry->weights = plan_weights(net, programs, devices);
  return *entry;
}

// The step's inputs on a device that has work; a described machine's are not known and small.
uint64_t Fitter::step_bytes(const Candidate& candidate, int32_t device, int64_t context) const {
  const Device* opened = request_.machine.devices[static_cast<size_t>(device)].device;
  const auto here = [&](const Segment& segment) { return segment.device == device; };
  if (!opened || std::ranges::none_of(candidate.program.segments, here)) return 0;
  StepLimits limits = candidate.program.limits;
  limits.blocks_per_sequence = blocks_for(context);
  return opened->step_buffer_bytes(limits);
}

std::vector<PlanDevice> Fitter::sizes(const Candidate& candidate, int64_t context) const {
  std::vector<PlanDevice> result;
  for (size_t d = 0; d < request_.machine.devices.size(); ++d) {
    PlanDevice device;
    device.name = request_.machine.devices[d].name;
    device.kind = request_.machine.devices[d].kind;
    device.weights_bytes = candidate.weights.devices[d].bytes();
    device.mapped_bytes = candidate.weights.devices[d].mapped_bytes;
    device.scratch_bytes = candidate.program.devices[d].arena_bytes;
    device.staging_bytes =
        candidate.program.devices[d].staging_bytes + request_.machine.devices[d].held_bytes;
    device.staging_bytes += step_bytes(candidate, static_cast<int32_t>(d), context);
    device.limit_bytes = limit(d);
    result.push_back(std::move(device));
  }
  const auto blocks = static_cast<int32_t>(pool_blocks(request_, context));
  for (const ProgramCache& cache : candidate.program.caches) {
    const NetCache& shape = request_.net->caches[static_cast<size_t>(index(cache.source))];
    result[static_cast<size_t>(cache.device)].cache_bytes += cache_bytes(shape, request_.kv, blocks);
  }
  return result;
}

uint64_t Fitter::limit(size_t device) const {
  const MachineDevice& d = request_.machine.devices[device];
  if (is_host(d.kind) || request_.gpu_memory == 0) return d.memory_bytes;
  return d.memory_bytes == 0 ? request_.gpu_memory : std::min(d.memory_bytes, request_.gpu_memory);
}

std::optional<Shortage> Fitter::shortage(const Division& division, int64_t context, int32_t only_gpu) {
  const std::vector<PlanDevice> devices = sizes(candidate(division), context);
  for (size_t d = 0; d < devices.size(); ++d) {
    if (is_host(devices[d].kind) || (only_gpu >= 0 && static_cast<int32_t>(d) != only_gpu)) continue;
    const uint64_t piece = largest_piece(candidate(division), d, context);
    const uint64_t most_piece = request_.machine.devices[d].max_buffer_bytes;
    if (most_piece != 0 && piece > most_piece) {
      return Shortage{devices[d].name + " needs one buffer of " + mib(piece) + " and makes none above " +
                      mib(most_piece)};
    }
    const uint64_t most = devices[d].limit_bytes;
    if (most != 0 && devices[d].total_bytes() > most) {
      return Shortage{needs(devices[d]) + " and may use " + mib(most)};
    }
  }
  return shared_shortage(devices, only_gpu < 0);
}

uint64_t Fitter::largest_piece(const Candidate& candidate, size_t device, int64_t context) const {
  const ProgramDevice& program = candidate.program.devices[device];
  uint64_t largest = std::max(program.arena_bytes, program.staging_bytes);
  for (const uint64_t bytes : candidate.weights.devices[device].buffer_bytes)
    largest = std::max(largest, bytes);
  const auto blocks = static_cast<int32_t>(pool_blocks(request_, context));
  for (const ProgramCache& cache : candidate.program.caches) {
    if (cache.device != static_cast<int32_t>(device)) continue;
    largest = std::max(largest, cache_bytes(request_.net->caches[static_cast<size_t>(index(cache.source))],
                                            request_.kv, blocks));
  }
  return largest;
}

// Memory that several devices take from: two logical devices of one GPU, and the host's.
std::optional<Shortage> Fitter::shared_shortage(const std::vector<PlanDevice>& devices,
                                                bool with_host) const {
  uint64_t host_bytes = 0, host_limit = 0;
  std::string host_needs;
  for (size_t d = 0; d < devices.size(); ++d) {
    const MachineDevice& machine = request_.machine.devices[d];
    const bool host = is_host(machine.kind);
    if (host) host_limit = std::max(host_limit, machine.memory_bytes);
    if (host || machine.shares_memory) {
      host_bytes += held(devices[d]);
      host_needs += (host_needs.empty() ? "" : ", ") + needs(devices[d]);
    }
    if (host || machine.memory_bytes == 0) continue;
    uint64_t together = 0;
    for (size_t e = 0; e < devices.size(); ++e) {
      if (devices[e].name == devices[d].name) together += devices[e].total_bytes();
    }
    if (together > machine.memory_bytes) {
      return Shortage{"the devices named " + machine.name + " need " + mib(together) +
                      " together and may use " + mib(machine.memory_bytes)};
    }
  }
  if (with_host && host_limit != 0 && host_bytes > host_limit) {
    return Shortage{host_needs + ": " + mib(host_bytes) +
                    " of the system's memory beside the mapped file, and " + mib(host_limit) +
                    " are available"};
  }
  return std::nullopt;
}

int32_t Fitter::most_on(Division division, int32_t gpu, int32_t most, int64_t context) {
  const auto fits = [&](int32_t count) {
    division.blocks[static_cast<size_t>(gpu)] = count;
    return !shortage(division, context, gpu);
  };
  if (fits(most)) return most;
  int32_t low = 0, high = most;  // low blocks fit (none always do), high do not
  while (high - low > 1) {
    const int32_t middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

Division Fitter::filled(int32_t most, int64_t context) {
  Division division = none();
  for (const int32_t gpu : gpus_) {
    const int32_t left = most - division.gpu_blocks();
    division.blocks[static_cast<size_t>(gpu)] = most_on(division, gpu, left, context);
  }
  return division;
}

Division Fitter::proportional(int32_t count, bool head, int64_t context) {
  Division division = none();
  division.head = head;
  if (gpus_.size() == 1) {
    division.blocks[static_cast<size_t>(gpus_[0])] = count;
    return division;
  }
  std::vector<int64_t> alone;
  int64_t sum = 0;
  for (const int32_t gpu : gpus_) {
    alone.push_back(most_on(none(), gpu, request_.net->layers, context));
    sum += alone.back();
  }
  if (sum == 0) {
    alone.assign(gpus_.size(), 1);
    sum = static_cast<int64_t>(gpus_.size());
  }
  // Running totals are rounded, so that the parts add up to count.
  int64_t before = 0, given_out = 0;
  for (size_t g = 0; g < gpus_.size(); ++g) {
    before += alone[g];
    const int64_t upto = (count * before + sum / 2) / sum;
    division.blocks[static_cast<size_t>(gpus_[g])] = static_cast<int32_t>(upto - given_out);
    given_out = upto;
  }
  return division;
}

}  // namespace yoke
