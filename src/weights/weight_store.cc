#include "weights/weight_store.h"

#include <string>
#include <utility>

#include "base/error.h"

namespace yoke {

WeightStore::WeightStore(WeightHomes homes, std::vector<Device*> devices)
    : homes_(std::move(homes)), devices_(std::move(devices)), buffers_(devices_.size()) {}

const WeightHome& WeightStore::home(WeightId weight) const {
  return homes_.weights.at(static_cast<size_t>(index(weight)));
}

BoundWeight WeightStore::bound(const Key& key, Buffer* buffer, uint64_t offset) const {
  const WeightHome& from = home(key.weight);
  const int64_t cols = (key.range.block_end - key.range.block_begin) * traits(from.type).block;
  return {buffer,
          offset,
          from.vector ? DType::kF32 : from.type,
          key.place.layout,
          key.range.row_end - key.range.row_begin,
          cols};
}

std::unique_ptr<Buffer> WeightStore::view(const Key& key) const {
  const WeightHome& from = home(key.weight);
  Device& on = device(key.place.device);
  if (from.vector || key.place.layout != Layout::kStored || !is_host(on.info().kind)) return nullptr;
  const auto bytes = range_home(from, key.range);
  if (bytes.empty()) return nullptr;
  // Devices only read weights; the mapping is read-only.
  return on.wrap({const_cast<std::byte*>(bytes.data()), bytes.size()}, BufferUse::kWeights);
}

std::span<const std::byte> WeightStore::host_copy(const Key& key) const {
  const WeightHome& from = home(key.weight);
  if (from.vector || key.range.block_begin != 0 || key.range.block_end != whole(from).block_end) return {};
  for (size_t d = 0; d < devices_.size(); ++d) {
    if (!is_host(devices_[d]->info().kind)) continue;
    const auto there = at(key.weight, whole(from), {static_cast<int32_t>(d), key.place.layout});
    if (!there || !there->buffer->host()) continue;
    const WeightRange before{0, key.range.row_begin, 0, key.range.block_end};
    const uint64_t skip = range_bytes(from, before, key.place.layout);
    return {there->buffer->host() + there->offset + skip, range_bytes(from, key.range, key.place.layout)};
  }
  return {};
}

void WeightStore::load(const WeightPlan& plan, const LoadOptions& options) {
  for (size_t d = 0; d < plan.devices.size(); ++d) {
    if (!buffers_[d].empty()) fail(ErrorKind::kRuntime, "loading weights", "they are loaded already");
    for (const uint64_t bytes : plan.devices[d].buffer_bytes) {
      buffers_[d].push_back(devices_[d]->allocate(bytes, BufferUse::kWeights));
    }
  }
  std::vector<WeightMove> moves;
  for (const PlannedWeight& w : plan.weights) {
    const Key key{w.source, whole_of(w.source), {w.device, w.layout}};
    Copy copy;
    Buffer* buffer = nullptr;
    if (w.mapped) {
      copy.own = view(key);
      // A device that cannot use the mapping gets a copy of the same size.
      const bool copied = !copy.own;
      if (copied) copy.own = device(w.device).allocate(w.bytes, BufferUse::kWeights);
      copy.bound = bound(key, copy.own.get(), 0);
      if (copied) buffer = copy.own.get();
    } else {
      buffer = buffers_[static_cast<size_t>(w.device)][static_cast<size_t>(w.spot.buffer)].get();
      copy.bound = bound(key, buffer, w.spot.offset);
    }
    if (buffer) {
      moves.push_back({&home(w.source), key.range, w.layout, &device(w.device), buffer, copy.bound.offset});
    }
    copies_[key] = std::move(copy);
  }
  move_weights(moves, homes_, options);
}

std::vector<BoundWeight> WeightStore::bind(const Program& program) const {
  std::vector<BoundWeight> result;
  result.reserve(program.weights.size());
  for (const ProgramWeight& w : program.weights) {
    const auto found = at(w.source, whole_of(w.source), {w.device, w.layout});
    if (!found) {
      fail(ErrorKind::kRuntime, "binding weights",
           "weight " + std::to_string(index(w.source)) + " was not loaded on device " +
               std::to_string(w.device));
    }
    result.push_back(*found);
  }
  return result;
}

std::optional<BoundWeight> WeightStore::at(WeightId weight, const WeightRange& range,
                                           WeightPlace place) const {
  const auto found = copies_.find({weight, range, place});
  if (found == copies_.end()) return std::nullopt;
  return found->second.bound;
}

void WeightStore::check(WeightId weight, const WeightRange& range, WeightPlace place) const {
  const WeightHome& from = home(weight);
  const WeightRange all = whole(from);
  const auto fail_range = [&](const std::string& wrong) {
    fail(ErrorKind::kRuntime, "bringing weight " + std::to_string(index(weight)), wrong);
  };
  if (range.row_begin < 0 || range.row_begin >= range.row_end || range.row_end > all.row_end ||
      range.block_begin < 0 || range.block_begin >= range.block_end || range.block_end > all.block_end) {
    fail_range("the range is empty or goes past the weight");
  }
  if (from.vector && range != all) fail_range("a vector moves as a whole");
  if (place.layout == Layout::kPanel16 && range.row_begin % kPanelRows != 0) {
    fail_range("panels begin at a multiple of 16 rows, not at row " + std::to_string(range.row_begin));
  }
}

Brought WeightStore::bring(WeightId weight, const WeightRange& range, WeightPlace place, WeightSpot spot,
                           const LoadOptions& options) {
  check(weight, range, place);
  // Every lane's clock starts at 0: this point has been reached.
  const TimePoint ready{&device(place.device), Lane::kCopyIn, 0};
  const Key key{weight, range, place};
  if (const auto there = at(weight, range, place)) return {*there, ready};
  Copy copy;
  if (!spot.buffer) copy.own = view(key);
  if (copy.own) {
    copy.bound = bound(key, copy.own.get(), 0);
  } else {
    const uint64_t bytes = range_bytes(home(weight), range, place.layout);
    if (!spot.buffer) {
      copy.own = device(place.device).allocate(bytes, BufferUse::kWeights);
      spot = {copy.own.get(), 0};
    } else if (spot.offset > spot.buffer->bytes() || bytes > spot.buffer->bytes() - spot.offset) {
      fail(ErrorKind::kRuntime, "bringing weight " + std::to_string(index(weight)),
           std::to_string(bytes) + " bytes at " + std::to_string(spot.offset) + " go past the buffer's " +
               std::to_string(spot.buffer->bytes()));
    }
    copy.bound = bound(key, spot.buffer, spot.offset);
    if (const auto from = host_copy(key); !from.empty()) {
      device(place.device).write(*spot.buffer, spot.offset, from);
    } else {
      const WeightMove move{&home(weight),         range,       place.layout,
                            &device(place.device), spot.buffer, spot.offset};
      move_weights({&move, 1}, homes_, options);
    }
  }
  const BoundWeight where = copy.bound;
  copies_[key] = std::move(copy);
  return {where, ready};
}

void WeightStore::drop(WeightId weight, const WeightRange& range, WeightPlace place) {
  copies_.erase({weight, range, place});
}

uint64_t WeightStore::bytes(int32_t device) const {
  uint64_t sum = 0;
  for (const auto& buffer : buffers_[static_cast<size_t>(device)]) sum += buffer->bytes();
  for (const auto& [key, copy] : copies_) {
    if (key.place.device == device && copy.own) sum += copy.own->bytes();
  }
  return sum;
}

}  // namespace yoke
