#include "devices/cpu/cpu_segment.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>

#include "base/error.h"

namespace yoke::cpu {
namespace {

int64_t now_ns() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

std::byte* aligned(uint64_t bytes) {
  // A page more between members: their scratch never shares a line or a page.
  const uint64_t rounded = (bytes + 4095) / 4096 * 4096;
  auto* const p = static_cast<std::byte*>(std::aligned_alloc(4096, rounded));
  if (p == nullptr) {
    fail(ErrorKind::kDoesNotFit, "reserving scratch for the CPU's threads",
         "the system has no " + std::to_string(rounded) + " bytes more");
  }
  return p;
}

// "op 3 (linear) of cpu.0, layer 2"
std::string place_of(const CpuTask& task, size_t index, const std::string& segment) {
  std::string text = "op " + std::to_string(index) + " (" + std::string(task.name) + ") of " + segment;
  if (task.layer >= 0) text += ", layer " + std::to_string(task.layer);
  return text;
}

}  // namespace

CpuSegment::CpuSegment(const Segment& segment, const Resolver& resolver, const StepInputs& step)
    : name_(segment.name), step_(&step) {
  bool shared_in_use = false;
  for (const ProgramOp& op : segment.ops) {
    CpuTask task{nullptr, op.barrier, op_name(op.op), op.layer};
    try {
      task.op = make_op(op.op, resolver);
    } catch (const Error& error) {
      throw Error(error.kind(), place_of(task, tasks_.size(), name_) + ": " + error.what());
    }
    // The team's shared scratch belongs to one op at a time.
    if (task.op->shared_bytes() > 0) {
      task.barrier = task.barrier || shared_in_use;
      shared_in_use = true;
    } else if (task.barrier) {
      shared_in_use = false;
    }
    tasks_.push_back(std::move(task));
  }
}

std::vector<std::string> CpuSegment::kernels() const {
  std::vector<std::string> names;
  for (const CpuTask& task : tasks_) names.push_back(task.op->kernel());
  return names;
}

uint64_t CpuSegment::scratch_bytes() const {
  uint64_t most = 0;
  for (const CpuTask& task : tasks_) most = std::max(most, task.op->scratch_bytes());
  return most;
}

uint64_t CpuSegment::shared_bytes() const {
  uint64_t most = 0;
  for (const CpuTask& task : tasks_) most = std::max(most, task.op->shared_bytes());
  return most;
}

std::vector<NodeRange> CpuSegment::node_ranges(const std::vector<int>& nodes) const {
  std::vector<NodeRange> ranges;
  for (const CpuTask& task : tasks_) {
    task.op->weight_parts(static_cast<int>(nodes.size()),
                          [&](const std::byte* begin, uint64_t bytes, int member) {
                            const int node = nodes[member];
                            // Parts of a node's members follow each other.
                            if (!ranges.empty() && ranges.back().node == node &&
                                ranges.back().begin + ranges.back().bytes == begin) {
                              ranges.back().bytes += bytes;
                            } else {
                              ranges.push_back({begin, bytes, node});
                            }
                          });
  }
  return ranges;
}

// The first failure of any member; the others go on meeting at the barriers but do no more work.
struct SegmentRunner::Failure {
  std::atomic<bool> happened{false};
  std::mutex mutex;
  ErrorKind kind = ErrorKind::kRuntime;
  std::string message;

  void record(const std::string& place, ErrorKind k, const char* what) {
    const std::lock_guard lock(mutex);
    if (happened.load(std::memory_order_relaxed)) return;
    kind = k;
    message = place + ": " + what;
    happened.store(true, std::memory_order_release);
  }
};

SegmentRunner::SegmentRunner(ThreadTeam::Options options, std::vector<int> nodes, CpuOpObserver* observer)
    : team_(std::move(options)),
      nodes_(std::move(nodes)),
      several_nodes_(std::ranges::count(nodes_, nodes_.front()) < std::ssize(nodes_)),
      observer_(observer),
      scratch_(team_.size()) {}

SegmentRunner::~SegmentRunner() = default;

void SegmentRunner::Free::operator()(std::byte* p) const {
  std::free(p);
}

void SegmentRunner::reserve(uint64_t scratch_bytes, uint64_t shared_bytes) {
  if (scratch_bytes > scratch_bytes_) {
    for (auto& scratch : scratch_) scratch.reset(aligned(scratch_bytes));
    scratch_bytes_ = scratch_bytes;
  }
  if (shared_bytes > shared_bytes_) {
    shared_.reset(aligned(shared_bytes));
    shared_bytes_ = shared_bytes;
  }
}

void SegmentRunner::run(CpuSegment& segment) {
  for (CpuTask& task : segment.tasks()) task.op->start();
  if (observer_ != nullptr) kernel_names_ = segment.kernels();
  ++runs_;
  Failure failure;
  team_.run([&](int member) { walk(segment, member, failure); });
  if (failure.happened) throw Error(failure.kind, failure.message);
}

void SegmentRunner::walk(CpuSegment& segment, int member, Failure& failure) {
  const Member me{member,        team_.size(), scratch_[member].get(),
                  shared_.get(), runs_,        several_nodes_ ? nodes_.data() : nullptr};
  int64_t since = observer_ != nullptr ? now_ns() : 0;
  for (size_t i = 0; i < segment.tasks().size(); ++i) {
    CpuTask& task = segment.tasks()[i];
    if (task.barrier) team_.barrier(member);
    if (!failure.happened.load(std::memory_order_relaxed)) {
      try {
        task.op->run(segment.step(), me);
      } catch (const Error& error) {
        failure.record(place_of(task, i, segment.name()), error.kind(), error.what());
      } catch (const std::exception& error) {
        failure.record(place_of(task, i, segment.name()), ErrorKind::kRuntime, error.what());
      }
    }
    if (observer_ != nullptr) {
      team_.barrier(member);
      if (member == 0) observe(segment, i, since);
    }
  }
}

void SegmentRunner::observe(CpuSegment& segment, size_t task, int64_t& since_ns) {
  const CpuTask& t = segment.tasks()[task];
  const int64_t now = now_ns();
  observer_->on_op(t.name, kernel_names_[task], t.layer, static_cast<uint64_t>(now - since_ns));
  since_ns = now_ns();
}

}  // namespace yoke::cpu
