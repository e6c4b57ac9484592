#include "weights/load.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "base/error.h"
#include "program/placement_data.h"
#include "tensor/quantize.h"

namespace yoke {
namespace {

// Small enough to share work evenly and to bound staging, large enough that an upload's fixed cost is
// nothing.
constexpr uint64_t kPieceBytes = uint64_t{4} << 20;

// Memory of one thread for what is packed on its way to a GPU, or gathered from parts of rows.
class Scratch {
 public:
  std::byte* get(uint64_t bytes) {
    if (bytes > memory_.size() * sizeof(Line)) memory_.resize((bytes + sizeof(Line) - 1) / sizeof(Line));
    return memory_.data()->bytes;
  }

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  std::vector<Line> memory_;
};

// Rows [row_begin, row_end) of a move's range. For panels a multiple of 16, except at the end.
struct Piece {
  size_t move = 0;
  int64_t row_begin = 0;
  int64_t row_end = 0;
};

int64_t range_rows(const WeightRange& range) {
  return range.row_end - range.row_begin;
}
int64_t range_cols(const WeightHome& home, const WeightRange& range) {
  return (range.block_end - range.block_begin) * traits(home.type).block;
}

bool whole_rows(const WeightHome& home, const WeightRange& range) {
  return range.block_begin == 0 && range_cols(home, range) == home.cols;
}

std::vector<Piece> cut(std::span<const WeightMove> moves) {
  std::vector<Piece> pieces;
  for (size_t m = 0; m < moves.size(); ++m) {
    const WeightMove& move = moves[m];
    const int64_t rows = range_rows(move.range);
    const uint64_t row_bytes = stored_bytes(move.home->type, 1, range_cols(*move.home, move.range));
    int64_t step =
        static_cast<int64_t>(kPieceBytes / std::max<uint64_t>(row_bytes, 1)) / kPanelRows * kPanelRows;
    step = std::max(step, kPanelRows);
    for (int64_t row = 0; row < rows; row += step) pieces.push_back({m, row, std::min(rows, row + step)});
  }
  return pieces;
}

class Loader {
 public:
  Loader(std::span<const WeightMove> moves, const WeightHomes& homes, const LoadOptions& options)
      : moves_(moves), homes_(homes), options_(options), pieces_(cut(moves)), left_(moves.size()) {
    for (const Piece& piece : pieces_) {
      ++left_[piece.move];
      total_ += home_bytes(piece);
    }
  }

  void run() {
    std::vector<std::thread> others;
    const size_t threads = std::clamp<size_t>(static_cast<size_t>(std::max(options_.threads, 1)), 1,
                                              std::max<size_t>(pieces_.size(), 1));
    try {
      for (size_t t = 1; t < threads; ++t) others.emplace_back([this] { work(false); });
    } catch (const std::system_error&) {  // fewer threads do it as well
    }
    work(true);
    for (std::thread& t : others) t.join();
    if (failure_) std::rethrow_exception(failure_);
    if (options_.progress) options_.progress(total_, total_);
  }

 private:
  uint64_t home_bytes(const Piece& piece) const {
    const WeightMove& move = moves_[piece.move];
    return stored_bytes(move.home->type, piece.row_end - piece.row_begin, range_cols(*move.home, move.range));
  }

  // Where the piece's rows lie in the file, parts between them included.
  std::span<const std::byte> home_span(const Piece& piece) const {
    const WeightMove& move = moves_[piece.move];
    const uint64_t row_bytes = stored_bytes(move.home->type, 1, move.home->cols);
    return move.home->bytes.subspan(static_cast<uint64_t>(move.range.row_begin + piece.row_begin) * row_bytes,
                                    static_cast<uint64_t>(piece.row_end - piece.row_begin) * row_bytes);
  }

  void work(bool reports) {
    try {
      Scratch gathered;
      Scratch packed;
      const size_t ahead = static_cast<size_t>(std::max(options_.threads, 1));
      for (size_t i = next_++; i < pieces_.size() && !stopped_; i = next_++) {
        if (homes_.prefetch && i + ahead < pieces_.size()) homes_.prefetch(home_span(pieces_[i + ahead]));
        put(pieces_[i], gathered, packed);
        release(pieces_[i]);
        done_ += home_bytes(pieces_[i]);
        if (reports && options_.progress) options_.progress(done_, total_);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      stopped_ = true;
    }
  }

  // The piece's rows as a stored matrix of the range's own width.
  const std::byte* stored_rows(const Piece& piece, Scratch& scratch) const {
    const WeightMove& move = moves_[piece.move];
    const auto span = home_span(piece);
    if (whole_rows(*move.home, move.range)) return span.data();
    const uint64_t from_row = stored_bytes(move.home->type, 1, move.home->cols);
    const uint64_t to_row = stored_bytes(move.home->type, 1, range_cols(*move.home, move.range));
    const uint64_t skip = static_cast<uint64_t>(move.range.block_begin) *
                          static_cast<uint64_t>(traits(move.home->type).block_bytes);
    std::byte* out = scratch.get(home_bytes(piece));
    for (int64_t r = 0; r < piece.row_end - piece.row_begin; ++r) {
      std::memcpy(out + static_cast<uint64_t>(r) * to_row,
                  span.data() + static_cast<uint64_t>(r) * from_row + skip, to_row);
    }
    return out;
  }

  void put(const Piece& piece, Scratch& gathered, Scratch& packed) {
    const WeightMove& move = moves_[piece.move];
    const WeightHome& home = *move.home;
    const int64_t rows = piece.row_end - piece.row_begin;
    const int64_t cols = range_cols(home, move.range);
    const std::byte* stored = stored_rows(piece, gathered);
    // Only a CPU's buffer is written in place; other memories are filled in one stream.
    std::byte* host = is_host(move.device->info().kind) ? move.buffer->host() : nullptr;
    if (home.vector) {
      const uint64_t bytes = static_cast<uint64_t>(cols) * sizeof(float);
      std::byte* out = host ? host + move.offset : packed.get(bytes);
      dequantize(home.type, stored, cols, reinterpret_cast<float*>(out));
      if (!host) write(move, move.offset, {out, bytes});
      return;
    }
    if (move.layout == Layout::kStored) {
      const uint64_t row_bytes = stored_bytes(home.type, 1, cols);
      write(move, move.offset + static_cast<uint64_t>(piece.row_begin) * row_bytes,
            {stored, static_cast<uint64_t>(rows) * row_bytes});
      return;
    }
    const int64_t panels = (rows + kPanelRows - 1) / kPanelRows;
    const uint64_t bytes = static_cast<uint64_t>(panels) * panel_bytes(home.type, cols);
    const uint64_t offset =
        move.offset + static_cast<uint64_t>(piece.row_begin / kPanelRows) * panel_bytes(home.type, cols);
    std::byte* out = host ? host + offset : packed.get(bytes);
    pack_panels(home.type, rows, cols, stored, 0, panels, out);
    if (!host) write(move, offset, {out, bytes});
  }

  // A device takes one copy at a time; meanwhile the other threads pack.
  void write(const WeightMove& move, uint64_t offset, std::span<const std::byte> from) {
    const std::lock_guard lock(write_mutex_);
    move.device->write(*move.buffer, offset, from);
  }

  void release(const Piece& piece) {
    const WeightMove& move = moves_[piece.move];
    const bool last = --left_[piece.move] == 0;
    if (!homes_.release_pages || !whole_rows(*move.home, move.range)) return;
    // The pages at the seams between pieces go with the whole.
    homes_.release_pages(last ? range_home(*move.home, move.range) : home_span(piece));
  }

  std::span<const WeightMove> moves_;
  const WeightHomes& homes_;
  const LoadOptions& options_;
  std::vector<Piece> pieces_;
  std::vector<std::atomic<int64_t>> left_;  // [moves] pieces not yet placed
  uint64_t total_ = 0;
  std::atomic<size_t> next_ = 0;
  std::atomic<uint64_t> done_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::mutex write_mutex_;
  std::exception_ptr failure_;
};

}  // namespace

WeightRange whole(const WeightHome& home) {
  return {0, home.rows, 0, home.cols / traits(home.type).block};
}

uint64_t range_bytes(const WeightHome& home, const WeightRange& range, Layout layout) {
  const int64_t cols = range_cols(home, range);
  if (home.vector) return static_cast<uint64_t>(cols) * sizeof(float);
  return layout_bytes(home.type, layout, range_rows(range), cols);
}

std::span<const std::byte> range_home(const WeightHome& home, const WeightRange& range) {
  if (!whole_rows(home, range)) return {};
  const uint64_t row_bytes = stored_bytes(home.type, 1, home.cols);
  return home.bytes.subspan(static_cast<uint64_t>(range.row_begin) * row_bytes,
                            static_cast<uint64_t>(range_rows(range)) * row_bytes);
}

void move_weights(std::span<const WeightMove> moves, const WeightHomes& homes, const LoadOptions& options) {
  Loader(moves, homes, options).run();
}

}  // namespace yoke
