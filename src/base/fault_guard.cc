#include "base/fault_guard.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <utility>

namespace yoke {

// Slots are linked once and reused, never freed, so that a signal handler may walk them at any moment.
struct Slot {
  static constexpr size_t kNameBytes = 1024;
  std::atomic<uintptr_t> begin{0};
  std::atomic<uintptr_t> end{0};
  bool taken = false;  // guarded by registry_mutex
  char name[kNameBytes] = {};
  Slot* next = nullptr;
};

namespace {

constexpr size_t kAlternateStackBytes = 64 * 1024;
constexpr int kBadFileExitCode = 3;

std::atomic<Slot*> first_slot{nullptr};
struct sigaction previous_bus, previous_segv;
alignas(16) char alternate_stack[kAlternateStackBytes];

std::mutex& registry_mutex() {
  // Never destroyed: mappings may be released by destructors of static objects.
  static auto* mutex = new std::mutex;
  return *mutex;
}

const Slot* slot_of(uintptr_t address) {
  for (const Slot* s = first_slot.load(std::memory_order_acquire); s != nullptr; s = s->next) {
    const uintptr_t begin = s->begin.load(std::memory_order_acquire);
    if (begin != 0 && address >= begin && address < s->end.load(std::memory_order_acquire)) return s;
  }
  return nullptr;
}

size_t append(char* line, size_t used, size_t capacity, const char* text) {
  const size_t n = std::min(std::strlen(text), capacity - used);
  std::copy_n(text, n, line + used);
  return used + n;
}

[[noreturn]] void end_program(const char* name) {
  char line[Slot::kNameBytes + 256];
  size_t used = append(line, 0, sizeof line, "yoke: reading ");
  used = append(line, used, sizeof line, name);
  used = append(line, used, sizeof line,
                ": the file was truncated or became unreadable while in use (restore it, and do not change a "
                "model file while it runs)\n");
  for (size_t done = 0; done < used;) {
    const ssize_t n = write(STDERR_FILENO, line + done, used - done);
    if (n <= 0) break;
    done += static_cast<size_t>(n);
  }
  _exit(kBadFileExitCode);
}

void on_fault(int signal, siginfo_t* info, void*) {
  // A write to the read-only mapping is our own mistake (SEGV_ACCERR) and has to crash as one.
  const bool from_memory = info->si_code > 0 && !(signal == SIGSEGV && info->si_code == SEGV_ACCERR);
  if (from_memory) {
    const Slot* slot = slot_of(reinterpret_cast<uintptr_t>(info->si_addr));
    if (slot != nullptr) end_program(slot->name);
  }
  // Back in the faulting instruction the signal comes again and meets the previous action.
  sigaction(signal, signal == SIGBUS ? &previous_bus : &previous_segv, nullptr);
  if (info->si_code <= 0) raise(signal);
}

void copy_name(char* to, const std::string& name) {
  const size_t n = std::min(name.size(), Slot::kNameBytes - 1);
  for (size_t i = 0; i < n; ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    to[i] = c < 0x20 || c == 0x7f ? '?' : name[i];
  }
  to[n] = 0;
}

}  // namespace

void install_fault_guard() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Only this thread has the alternate stack; a fault on a mapping is no stack overflow, so that other
    // threads handle it on their own stacks.
    stack_t stack = {};
    stack_t present = {};
    stack.ss_sp = alternate_stack;
    stack.ss_size = kAlternateStackBytes;
    if (sigaltstack(nullptr, &present) == 0 && (present.ss_flags & SS_DISABLE)) sigaltstack(&stack, nullptr);

    struct sigaction action = {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous_bus);
    sigaction(SIGSEGV, &action, &previous_segv);
  });
}

GuardedRange::GuardedRange(const void* begin, size_t bytes, const std::string& name) {
  if (bytes == 0) return;
  std::lock_guard lock(registry_mutex());
  for (slot_ = first_slot.load(); slot_ != nullptr && slot_->taken; slot_ = slot_->next) {
  }
  const bool fresh = slot_ == nullptr;
  if (fresh) slot_ = new Slot;
  slot_->taken = true;
  copy_name(slot_->name, name);
  slot_->end.store(reinterpret_cast<uintptr_t>(begin) + bytes, std::memory_order_release);
  slot_->begin.store(reinterpret_cast<uintptr_t>(begin), std::memory_order_release);
  if (fresh) {
    slot_->next = first_slot.load();
    first_slot.store(slot_, std::memory_order_release);
  }
}

GuardedRange::~GuardedRange() {
  if (slot_ == nullptr) return;
  std::lock_guard lock(registry_mutex());
  slot_->begin.store(0, std::memory_order_release);
  slot_->end.store(0, std::memory_order_release);
  slot_->taken = false;
}

GuardedRange::GuardedRange(GuardedRange&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}

GuardedRange& GuardedRange::operator=(GuardedRange&& other) noexcept {
  std::swap(slot_, other.slot_);
  return *this;
}

}  // namespace yoke
