// A fixed team of threads that walks the same work together: the caller is member 0 and works too.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <thread>
#include <vector>

namespace yoke {

class ThreadTeam {
 public:
  struct Options {
    int threads = 1;
    // Logical CPU of each member; empty: not pinned. Member 0 is the caller: it is moved to its CPU when a
    // run begins, but its affinity mask stays as it was.
    std::vector<int> cpus;
    // More members than CPUs: waiting members give up their CPU at once instead of spinning.
    bool oversubscribed = false;
  };
  explicit ThreadTeam(Options options);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int size() const { return size_; }

  // work(context, member) on every member; returns when all are done. One caller at a time. `work` must not
  // throw. Allocates nothing.
  using Work = void (*)(void* context, int member);
  void run(Work work, void* context);
  template <class F>
  void run(F&& f) {
    run([](void* context, int member) { (*static_cast<std::remove_reference_t<F>*>(context))(member); }, &f);
  }

  // Inside a run, by every member: all that was written before is seen by all behind it.
  void barrier();

 private:
  void serve(int member);
  void end_threads();
  // Until `word` differs from `seen`: spins, then yields, then sleeps.
  void await(const std::atomic<uint32_t>& word, uint32_t seen, int64_t spin_ns) const;
  void move_caller() const;

  const int size_;
  const std::vector<int> cpus_;
  const bool oversubscribed_;

  // Each on a cache line of its own: arrivals and releases are written by different members.
  alignas(64) std::atomic<uint32_t> epoch_{0};  // counts runs; a change starts one
  alignas(64) std::atomic<uint32_t> arrived_{0};
  alignas(64) std::atomic<uint32_t> generation_{0};  // counts barriers passed
  alignas(64) mutable std::atomic<uint32_t> sleepers_{0};
  Work work_ = nullptr;
  void* context_ = nullptr;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace yoke
