#include "engine/plan_kernels.h"

#include <sys/mman.h>

#include <map>

#include "base/error.h"
#include "cache/kv_storage.h"
#include "tensor/layout.h"

namespace yoke {
namespace {

// Addresses that nothing lies behind: compiling takes them down, only running would touch them.
class AddressSpace final : public Buffer {
 public:
  AddressSpace(uint64_t bytes, BufferUse use)
      : Buffer(bytes, use),
        begin_(mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
    if (begin_ == MAP_FAILED)
      fail(ErrorKind::kRuntime, "naming kernels", "the system has no address space left");
  }
  ~AddressSpace() override { munmap(begin_, bytes()); }
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

  std::byte* host() override { return static_cast<std::byte*>(begin_); }
  uint64_t address() override { return reinterpret_cast<uint64_t>(begin_); }

 private:
  void* begin_;
};

class Compiler {
 public:
  explicit Compiler(const PlannedModel& planned) : planned_(planned) {
    bind_values();
    bind_weights();
    bind_caches();
  }

  std::vector<std::vector<std::string>> kernels() {
    std::vector<std::vector<std::string>> result;
    std::map<int32_t, std::unique_ptr<StepBuffer>> steps;
    for (const Segment& segment : program().segments) {
      Device& device = *planned_.devices[static_cast<size_t>(segment.device)];
      std::unique_ptr<StepBuffer>& step = steps[segment.device];
      if (!step) step = device.make_step_buffer(program().limits);
      result.push_back(device.compile(program(), segment, bindings_, *step)->kernels());
    }
    return result;
  }

 private:
  const Program& program() const { return planned_.plan.program; }

  Buffer* space(uint64_t bytes, BufferUse use) {
    buffers_.push_back(std::make_unique<AddressSpace>(std::max<uint64_t>(bytes, 1), use));
    return buffers_.back().get();
  }

  void bind_values() {
    std::map<std::pair<int32_t, MemoryKind>, Buffer*> homes;
    for (const ProgramValue& value : program().values) {
      const ProgramDevice& device = program().devices[static_cast<size_t>(value.device)];
      Buffer*& home = homes[{value.device, value.memory}];
      const bool arena = value.memory == MemoryKind::kArena;
      if (!home)
        home = space(arena ? device.arena_bytes : device.staging_bytes,
                     arena ? BufferUse::kScratch : BufferUse::kStaging);
      bindings_.values.push_back({home, value.offset});
    }
  }

  void bind_weights() {
    for (const ProgramWeight& placed : program().weights) {
      const NetWeight& weight = planned_.net.weights[static_cast<size_t>(index(placed.source))];
      bindings_.weights.push_back({.buffer = space(placed.bytes, BufferUse::kWeights),
                                   .type = weight.vector ? DType::kF32 : weight.type,
                                   .layout = placed.layout,
                                   .rows = weight.rows,
                                   .cols = weight.cols});
    }
  }

  void bind_caches() {
    const int32_t blocks = planned_.plan.cache_blocks;
    for (const ProgramCache& placed : program().caches) {
      const NetCache& cache = planned_.net.caches[static_cast<size_t>(index(placed.source))];
      bindings_.caches.push_back(
          {.buffer = space(cache_bytes(cache, planned_.plan.kv, blocks), BufferUse::kCache),
           .kv_heads = cache.kv_heads,
           .head_dim = cache.head_dim,
           .type = planned_.plan.kv,
           .blocks = blocks});
    }
  }

  const PlannedModel& planned_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  Bindings bindings_;
};

}  // namespace

std::vector<std::vector<std::string>> plan_kernels(const PlannedModel& planned) {
  if (planned.devices.empty()) return {};
  return Compiler(planned).kernels();
}

}  // namespace yoke
