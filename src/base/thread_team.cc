#include "base/thread_team.h"

#include <pthread.h>
#include <sched.h>

#include <bit>
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
    : size_(options.threads),
      cpus_(std::move(options.cpus)),
      oversubscribed_(options.oversubscribed),
      rounds_(std::bit_width(static_cast<unsigned>(size_ - 1))),
      come_(static_cast<size_t>(size_ * rounds_)) {
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
  count_up(started_);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void ThreadTeam::run(Work work, void* context) {
  if (size_ == 1) return work(context, 0);
  move_caller();
  work_ = work;
  context_ = context;
  count_up(started_);
  work(context, 0);
  barrier(0);
}

void ThreadTeam::serve(int member) {
  for (uint32_t run = 1;; ++run) {
    await(started_, run, kIdleSpinNs);
    if (stop_) return;
    work_(context_, member);
    barrier(member);
  }
}

void ThreadTeam::barrier(int member) {
  for (int round = 0; round < rounds_; ++round) {
    const int behind = (member + (1 << round)) % size_;
    const uint32_t number = count_up(come_[behind * rounds_ + round]);
    await(come_[member * rounds_ + round], number, kBarrierSpinNs);
  }
}

uint32_t ThreadTeam::count_up(Counter& counter) {
  const uint32_t number = counter.value.load(std::memory_order_relaxed) + 1;
  // In one order with the announcement of who sleeps: either it is seen here, or the number there.
  counter.value.store(number);
  if (sleepers_.value.load() != 0) counter.value.notify_all();
  return number;
}

void ThreadTeam::await(const Counter& counter, uint32_t number, int64_t spin_ns) const {
  // A member may be a barrier ahead already; the counts wrap around.
  const auto reached = [number](uint32_t count) { return static_cast<int32_t>(count - number) >= 0; };
  const auto changed = [&] { return reached(counter.value.load(std::memory_order_acquire)); };
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
  // Announced first, then looked at again: whoever counts afterwards sees the announcement.
  sleepers_.value.fetch_add(1);
  for (uint32_t count = counter.value.load(); !reached(count); count = counter.value.load()) {
    counter.value.wait(count);
  }
  sleepers_.value.fetch_sub(1);
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
