// Knows where every weight is now: at home in the file and, as copies, on the devices.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "devices/device.h"
#include "program/program.h"
#include "weights/homes.h"
#include "weights/load.h"
#include "weights/weight_plan.h"

namespace yoke {

struct WeightPlace {
  int32_t device = 0;  // index into the store's devices
  Layout layout = Layout::kStored;
  auto operator<=>(const WeightPlace&) const = default;
};

// Where bring() puts a range: memory that the caller owns (a staging buffer), or none, and the store
// allocates.
struct WeightSpot {
  Buffer* buffer = nullptr;
  uint64_t offset = 0;
};

struct Brought {
  BoundWeight where;
  TimePoint ready;  // reached when the bytes are there
};

// Used by one thread; load() and bring() start others for the time they take.
class WeightStore {
 public:
  // What the homes point to and the devices outlive the store.
  WeightStore(WeightHomes homes, std::vector<Device*> devices);

  // Allocates what the plan says, to the byte, and fills it.
  void load(const WeightPlan& plan, const LoadOptions& options);
  // What a Program's Bindings take. Throws if a copy that it names is not there.
  std::vector<BoundWeight> bind(const Program& program) const;

  // Where the range is in that place, if it is there; no side effect.
  std::optional<BoundWeight> at(WeightId weight, const WeightRange& range, WeightPlace place) const;
  // Makes it be there if it is not: from a host's copy in that layout, else from its home. The result is a
  // matrix of the range's own shape. Panels begin at rows that are a multiple of 16. A stored range of whole
  // rows on the CPU is a view of the file: nothing is copied. Drop what lies in a spot before using it again.
  Brought bring(WeightId weight, const WeightRange& range, WeightPlace place, WeightSpot spot = {},
                const LoadOptions& options = {});
  // Forgets it and gives back the memory that bring() allocated; what load() placed keeps its memory until
  // the store ends, since Programs may name it. The home is untouched.
  void drop(WeightId weight, const WeightRange& range, WeightPlace place);

  WeightRange whole_of(WeightId weight) const { return whole(home(weight)); }
  // Held in buffers of the store on that device, mapped weights included.
  uint64_t bytes(int32_t device) const;

 private:
  struct Key {
    WeightId weight;
    WeightRange range;
    WeightPlace place;
    auto operator<=>(const Key&) const = default;
  };
  struct Copy {
    BoundWeight bound;
    std::unique_ptr<Buffer> own;  // its own memory; none where it lies in a buffer of load() or of the caller
  };

  const WeightHome& home(WeightId weight) const;
  Device& device(int32_t index) const { return *devices_[static_cast<size_t>(index)]; }
  void check(WeightId weight, const WeightRange& range, WeightPlace place) const;
  BoundWeight bound(const Key& key, Buffer* buffer, uint64_t offset) const;
  // The range's bytes in a copy of the whole that the host can read; empty where there is none.
  std::span<const std::byte> host_copy(const Key& key) const;
  // The mapping itself as a buffer, where the device can and the range lies together.
  std::unique_ptr<Buffer> view(const Key& key) const;

  WeightHomes homes_;
  std::vector<Device*> devices_;
  std::vector<std::vector<std::unique_ptr<Buffer>>> buffers_;  // [devices][few] of load()
  std::map<Key, Copy> copies_;
};

}  // namespace yoke
