#include "devices/conformance/run_case.h"

#include <algorithm>
#include <cstring>

namespace yoke::conformance {
namespace {

constexpr std::byte kGuard{0xA5};

std::unique_ptr<Buffer> upload(Device& device, const Bytes& bytes, BufferUse use) {
  std::unique_ptr<Buffer> buffer = device.allocate(std::max<uint64_t>(bytes.size(), 256), use);
  if (!bytes.empty()) device.write(*buffer, 0, bytes);
  return buffer;
}

Bytes download(Device& device, Buffer& buffer, uint64_t bytes) {
  Bytes out(bytes);
  if (bytes > 0) device.read(buffer, 0, out);
  return out;
}

Bytes laid_out(const CaseWeight& w, Layout layout) {
  if (layout == Layout::kStored) return w.stored;
  Bytes packed(layout_bytes(w.type, layout, w.rows, w.cols));
  pack_panels(w.type, w.rows, w.cols, w.stored.data(), 0, (w.rows + kPanelRows - 1) / kPanelRows,
              packed.data());
  return packed;
}

}  // namespace

Bytes initial_memory(const Case& c, MemoryKind memory) {
  const ProgramDevice& device = c.program.devices[0];
  Bytes bytes(memory == MemoryKind::kArena ? device.arena_bytes : device.staging_bytes, kGuard);
  for (size_t i = 0; i < c.values.size(); ++i) {
    const ProgramValue& value = c.program.values[i];
    if (value.memory != memory) continue;
    std::memcpy(bytes.data() + value.offset, c.values[i].data(), c.values[i].size());
  }
  return bytes;
}

Outcome run_case(const Case& c, Device& device, Layout layout) {
  Program program = c.program;
  program.devices[0].name = device.info().name;
  const uint64_t arena_bytes = program.devices[0].arena_bytes;
  const uint64_t staging_bytes = program.devices[0].staging_bytes;
  const auto arena = upload(device, initial_memory(c, MemoryKind::kArena), BufferUse::kScratch);
  std::unique_ptr<Buffer> staging;
  if (staging_bytes > 0) {
    staging = upload(device, initial_memory(c, MemoryKind::kStaging), BufferUse::kStaging);
  }
  Bindings bindings;
  for (const ProgramValue& value : program.values) {
    bindings.values.push_back(
        {value.memory == MemoryKind::kArena ? arena.get() : staging.get(), value.offset});
  }
  std::vector<std::unique_ptr<Buffer>> weights;
  for (size_t i = 0; i < c.weights.size(); ++i) {
    const CaseWeight& w = c.weights[i];
    const Layout its = w.matrix ? layout : Layout::kStored;
    const Bytes bytes = laid_out(w, its);
    program.weights[i].layout = its;
    program.weights[i].bytes = bytes.size();
    weights.push_back(upload(device, bytes, BufferUse::kWeights));
    bindings.weights.push_back({weights.back().get(), 0, w.type, its, w.rows, w.cols});
  }
  std::vector<std::unique_ptr<Buffer>> caches;
  for (const CaseCache& cache : c.caches) {
    caches.push_back(upload(device, cache.bytes, BufferUse::kCache));
    bindings.caches.push_back(
        {caches.back().get(), 0, cache.kv_heads, cache.head_dim, cache.type, cache.blocks});
  }
  const std::unique_ptr<StepBuffer> step = device.make_step_buffer(program.limits);
  const std::unique_ptr<CompiledSegment> segment =
      device.compile(program, program.segments[0], bindings, *step);
  device.write_step(*step, c.step);
  wait(device.launch(Lane::kCompute, *segment, {}));

  Outcome outcome;
  const std::vector<std::string> kernels = segment->kernels();
  if (!kernels.empty()) outcome.kernel = kernels[0];
  outcome.arena = download(device, *arena, arena_bytes);
  if (staging) outcome.staging = download(device, *staging, staging_bytes);
  for (size_t i = 0; i < caches.size(); ++i) {
    outcome.caches.push_back(download(device, *caches[i], c.caches[i].bytes.size()));
  }
  return outcome;
}

}  // namespace yoke::conformance
