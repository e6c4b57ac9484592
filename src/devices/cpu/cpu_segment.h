// A compiled segment of the CPU, and the team that walks it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/thread_team.h"
#include "devices/cpu/cpu_device.h"
#include "devices/cpu/cpu_op.h"

namespace yoke::cpu {

struct CpuTask {
  std::unique_ptr<CpuOp> op;
  bool barrier = false;  // before it
  std::string_view name;
  int32_t layer = -1;
};

// A stretch of weights and the memory node whose members read it.
struct NodeRange {
  const std::byte* begin = nullptr;
  uint64_t bytes = 0;
  int node = 0;
};

class CpuSegment final : public CompiledSegment {
 public:
  CpuSegment(const Segment& segment, const Resolver& resolver, const StepInputs& step);

  std::vector<std::string> kernels() const override;
  std::vector<CpuTask>& tasks() { return tasks_; }
  const StepInputs& step() const { return *step_; }
  const std::string& name() const { return name_; }
  uint64_t scratch_bytes() const;
  uint64_t shared_bytes() const;
  // nodes: [members]. Every weight of a product in as many ranges as there are nodes.
  std::vector<NodeRange> node_ranges(const std::vector<int>& nodes) const;

 private:
  std::string name_;
  std::vector<CpuTask> tasks_;
  const StepInputs* step_;
};

class SegmentRunner {
 public:
  // nodes: [threads] memory node of each member.
  SegmentRunner(ThreadTeam::Options options, std::vector<int> nodes, CpuOpObserver* observer);
  ~SegmentRunner();

  int members() const { return team_.size(); }
  const std::vector<int>& nodes() const { return nodes_; }
  // Grows the members' scratch; not while a segment runs.
  void reserve(uint64_t scratch_bytes, uint64_t shared_bytes);
  // Walks the segment with the calling thread as member 0. Throws the first failure, naming its op.
  void run(CpuSegment& segment);

 private:
  struct Failure;
  void walk(CpuSegment& segment, int member, Failure& failure);
  void observe(CpuSegment& segment, size_t task, int64_t& since_ns);

  ThreadTeam team_;
  std::vector<int> nodes_;
  bool several_nodes_;
  uint32_t runs_ = 0;
  CpuOpObserver* observer_;
  uint64_t scratch_bytes_ = 0;
  uint64_t shared_bytes_ = 0;
  struct Free {
    void operator()(std::byte* p) const;
  };
  std::vector<std::unique_ptr<std::byte, Free>> scratch_;  // [members]
  std::unique_ptr<std::byte, Free> shared_;
  std::vector<std::string> kernel_names_;  // of the observed segment
};

}  // namespace yoke::cpu
