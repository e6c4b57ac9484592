#include "convert/row_workers.h"

#include <algorithm>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

namespace yoke {
namespace {

constexpr uint64_t kStretchBytes = 4 << 20;

}  // namespace

void make_rows(int64_t rows, uint64_t row_bytes, int threads,
               const std::function<void(int64_t, int64_t, std::byte*)>& make,
               const std::function<void(std::span<const std::byte>)>& take) {
  const int64_t each = std::max<int64_t>(1, static_cast<int64_t>(kStretchBytes / row_bytes));
  std::vector<std::vector<std::byte>> stretches(static_cast<size_t>(threads));
  std::vector<std::exception_ptr> failures(stretches.size());
  for (int64_t row = 0; row < rows;) {
    std::vector<std::thread> workers;
    size_t used = 0;
    for (; used < stretches.size() && row < rows; ++used) {
      const int64_t last = std::min(rows, row + each);
      stretches[used].resize(static_cast<size_t>(last - row) * row_bytes);
      const auto work = [&, used, row, last] {
        try {
          make(row, last, stretches[used].data());
        } catch (...) {
          failures[used] = std::current_exception();
        }
      };
      try {
        workers.emplace_back(work);
      } catch (const std::system_error&) {  // no thread to be had: this one does it
        work();
      }
      row = last;
    }
    for (std::thread& worker : workers) worker.join();
    for (size_t i = 0; i < used; ++i) {
      if (failures[i]) std::rethrow_exception(failures[i]);
      take(stretches[i]);
    }
  }
}

}  // namespace yoke
