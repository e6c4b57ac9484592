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

  // Inside a run, by every member with its number: all that was written before is seen by all behind it.
  void barrier(int member);

 private:
  void serve(int member);
  void end_threads();
  // A counter on a cache line of its own: its neighbours are written by other members.
  struct alignas(64) Counter {
    std::atomic<uint32_t> value{0};
  };

  // Until `counter` has reached `number`: spins, then yields, then sleeps.
  void await(const Counter& counter, uint32_t number, int64_t spin_ns) const;
  // One more on a counter that this member alone writes; returns the new count.
  uint32_t count_up(Counter& counter);
  void move_caller() const;

  const int size_;
  const std::vector<int> cpus_;
  const bool oversubscribed_;

  Counter started_;  // runs; a change starts one
  // Dissemination barrier (Hensgen, Finkel and Manber 1988): in round r a member tells the one 2^r behind it
  // how many barriers it has come to, and waits for the one 2^r before it.
  const int rounds_;
  std::vector<Counter> come_;  // [member][round], written by the one that tells
  mutable Counter sleepers_;
  Work work_ = nullptr;
  void* context_ = nullptr;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace yoke
