#include "base/thread_team.h"

#include <pthread.h>
#include <sched.h>

#include <chrono>
#include <string>
#include <system_error>

#include "base/error.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace yoke {
namespace {

// A member that waits in a run waits for work of microseconds; between runs the caller samples and talks.
constexpr int64_t kBarrierSpinNs = 100'000;
constexpr int64_t kIdleSpinNs = 300'000;
constexpr int kYields = 200;

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

int64_t now_ns() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

void pin(pthread_t thread, int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  // Refused in some sandboxes; the team then runs unpinned.
  (void)pthread_setaffinity_np(thread, sizeof set, &set);
}

}  // namespace

ThreadTeam::ThreadTeam(Options options)
    : size_(options.threads), cpus_(std::move(options.cpus)), oversubscribed_(options.oversubscribed) {
  threads_.reserve(size_ > 1 ? size_ - 1 : 0);
  try {
    for (int member = 1; member < size_; ++member) {
      threads_.emplace_back([this, member] { serve(member); });
      if (static_cast<size_t>(member) < cpus_.size()) pin(threads_.back().native_handle(), cpus_[member]);
    }
  } catch (const std::system_error&) {
    const std::string started = std::to_string(threads_.size() + 1);
    end_threads();
    fail(ErrorKind::kRuntime, "starting " + std::to_string(size_) + " threads",
         "the system allows only " + started + " (use fewer with --threads)");
  }
}

ThreadTeam::~ThreadTeam() {
  end_threads();
}

void ThreadTeam::end_threads() {
  stop_ = true;
  epoch_.fetch_add(1);
  epoch_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void ThreadTeam::run(Work work, void* context) {
  if (size_ == 1) return work(context, 0);
  move_caller();
  work_ = work;
  context_ = context;
  epoch_.fetch_add(1);
  if (sleepers_.load() != 0) epoch_.notify_all();
  work(context, 0);
  barrier();
}

void ThreadTeam::serve(int member) {
  uint32_t seen = 0;
  for (;;) {
    await(epoch_, seen, kIdleSpinNs);
    ++seen;
    if (stop_) return;
    work_(context_, member);
    barrier();
  }
}

void ThreadTeam::barrier() {
  if (size_ == 1) return;
  const uint32_t generation = generation_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == static_cast<uint32_t>(size_)) {
    arrived_.store(0, std::memory_order_relaxed);
    generation_.fetch_add(1);
    if (sleepers_.load() != 0) generation_.notify_all();
    return;
  }
  await(generation_, generation, kBarrierSpinNs);
}

void ThreadTeam::await(const std::atomic<uint32_t>& word, uint32_t seen, int64_t spin_ns) const {
  const auto changed = [&] { return word.load(std::memory_order_acquire) != seen; };
  if (!oversubscribed_) {
    // The clock is asked only now and then: most waits end within a few hundred nanoseconds.
    for (int i = 0; i < 64; ++i) {
      if (changed()) return;
      relax();
    }
    const int64_t end = now_ns() + spin_ns;
    do {
      for (int i = 0; i < 32; ++i) {
        if (changed()) return;
        relax();
      }
    } while (now_ns() < end);
  }
  for (int i = 0; i < kYields; ++i) {
    if (changed()) return;
    sched_yield();
  }
  // Announced first, then looked at again: whoever changes the word afterwards sees the announcement.
  sleepers_.fetch_add(1);
  while (word.load() == seen) word.wait(seen);
  sleepers_.fetch_sub(1);
}

void ThreadTeam::move_caller() const {
  if (cpus_.empty() || sched_getcpu() == cpus_[0]) return;
  cpu_set_t before;
  if (pthread_getaffinity_np(pthread_self(), sizeof before, &before) != 0) return;
  if (!CPU_ISSET(cpus_[0], &before)) return;
  // Moves this thread now; the mask that its later threads inherit stays.
  pin(pthread_self(), cpus_[0]);
  (void)pthread_setaffinity_np(pthread_self(), sizeof before, &before);
}

}  // namespace yoke
