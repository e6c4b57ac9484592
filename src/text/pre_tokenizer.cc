// The table of pre-tokenizers and the regular expressions behind them, run by PCRE2.
#include "text/pre_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cstdint>
#include <span>

#include "base/error.h"
#include "gguf/printable.h"
#include "text/utf8.h"

namespace yoke {
namespace {

// PCRE2's \s counts U+180E as space, Unicode (and so the models' own tokenizers) does not: the property
// White_Space is spelled out. _WS_ stands for it inside a class in the patterns below.
constexpr std::string_view kWhiteSpace =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";

// From GPT-2's published encoder.
constexpr const char* kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^_WS_\p{L}\p{N}]+|[_WS_]+(?![^_WS_])|[_WS_]+)";
// From the tokenizer.json of Llama 3 and Qwen2; they differ in how many digits are a word.
constexpr const char* kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^_WS_\p{L}\p{N}]+[\r\n]*)"
    R"(|[_WS_]*[\r\n]+|[_WS_]+(?![^_WS_])|[_WS_]+)";
constexpr const char* kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^_WS_\p{L}\p{N}]+[\r\n]*)"
    R"(|[_WS_]*[\r\n]+|[_WS_]+(?![^_WS_])|[_WS_]+)";
constexpr const char* kDigit = R"(\p{N})";
// What the GGUF world runs where a file says "default" or nothing.
constexpr const char* kPunctuation = R"([\p{P}\$\+<=>\^~\|]+)";
constexpr const char* kNumber = R"(\p{N}+)";
constexpr const char* kThreeDigits = R"([0-9][0-9][0-9])";

constexpr const char* kGpt2Stages[] = {kGpt2};
constexpr const char* kSmollmStages[] = {kDigit, kGpt2};
constexpr const char* kLlama3Stages[] = {kLlama3};
constexpr const char* kQwen2Stages[] = {kQwen2};
constexpr const char* kDefaultStages[] = {kPunctuation, kGpt2, kNumber, kThreeDigits};

// Each stage cuts the words of the one before into its matches and what lies between them.
struct Kind {
  const char* name;
  std::span<const char* const> stages;
  bool whole_words_first = false;
  bool adds_bos = false;
};

constexpr Kind kKinds[] = {
    {"default", kDefaultStages},
    {"gpt-2", kGpt2Stages},
    {"smollm", kSmollmStages},
    {"llama-bpe", kLlama3Stages, true, true},
    {"llama3", kLlama3Stages, true, true},
    {"llama-v3", kLlama3Stages, true, true},
    {"qwen2", kQwen2Stages},
    {"deepseek-r1-qwen", kQwen2Stages},
    {"refact", kSmollmStages},
    {"starcoder", kSmollmStages},
    {"command-r", kSmollmStages},
};

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
using Code = std::unique_ptr<pcre2_code, FreeCode>;

std::string with_white_space(std::string_view pattern) {
  constexpr std::string_view name = "_WS_";
  std::string out;
  for (size_t at = 0; at < pattern.size();) {
    if (pattern.substr(at, name.size()) == name) {
      out += kWhiteSpace;
      at += name.size();
    } else {
      out.push_back(pattern[at++]);
    }
  }
  return out;
}

Code compile(const char* pattern) {
  const std::string full = with_white_space(pattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(full.data()), full.size(), PCRE2_UTF | PCRE2_UCP,
                          &error, &offset, nullptr));
  if (!code) {
    fail(ErrorKind::kRuntime, "compiling the pre-tokenizer's regular expression",
         "PCRE2 error " + std::to_string(error) + " at " + std::to_string(offset));
  }
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);  // where there is no JIT the interpreter serves
  return code;
}

struct Range {
  size_t begin, end;
};

void split_range(const pcre2_code* code, pcre2_match_data* data, pcre2_match_context* context,
                 std::string_view text, Range range, std::vector<Range>& out) {
  // The word alone is the subject: look-ahead must not see its neighbours.
  const std::string_view subject = text.substr(range.begin, range.end - range.begin);
  size_t done = 0;
  while (done < subject.size()) {
    const int count = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(), done,
                                  PCRE2_NO_UTF_CHECK, data, context);
    if (count == PCRE2_ERROR_NOMATCH) break;
    if (count < 0) {
      fail(ErrorKind::kRuntime, "splitting text into words", "PCRE2 error " + std::to_string(count));
    }
    const PCRE2_SIZE* at = pcre2_get_ovector_pointer(data);
    if (at[1] <= at[0]) break;  // no pattern here matches nothing
    if (at[0] > done) out.push_back({range.begin + done, range.begin + at[0]});
    out.push_back({range.begin + at[0], range.begin + at[1]});
    done = at[1];
  }
  if (done < subject.size()) out.push_back({range.begin + done, range.end});
}

// Where text is not UTF-8, a copy that is, with U+FFFD for each bad byte, and the way back.
struct Valid {
  std::string copy;
  std::vector<size_t> bad;  // offsets in copy of the replaced bytes, ascending

  size_t original(size_t offset, size_t& next_bad) const {
    while (next_bad < bad.size() && bad[next_bad] < offset) ++next_bad;
    return offset - next_bad * (kReplacementCharacter.size() - 1);
  }
};

Valid make_valid(std::string_view text) {
  Valid valid;
  size_t copied = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t length = utf8_length(text, at);
    if (length != 0) {
      at += length;
      continue;
    }
    valid.copy.append(text, copied, at - copied);
    valid.bad.push_back(valid.copy.size());
    valid.copy += kReplacementCharacter;
    copied = ++at;
  }
  if (!valid.bad.empty()) valid.copy.append(text, copied);
  return valid;
}

}  // namespace

struct PreTokenizer::State {
  const Kind* kind = nullptr;
  std::vector<Code> stages;
};

PreTokenizer::PreTokenizer(const std::string& name, const std::string& source)
    : state_(std::make_unique<State>()) {
  for (const Kind& kind : kKinds) {
    if (name == kind.name || (name.empty() && std::string_view(kind.name) == "default")) {
      state_->kind = &kind;
      break;
    }
  }
  if (state_->kind == nullptr) {
    std::string known;
    for (const Kind& kind : kKinds) known += std::string(known.empty() ? "" : ", ") + kind.name;
    fail(ErrorKind::kBadFile, "reading " + source,
         "tokenizer.ggml.pre: unknown pre-tokenizer \"" + printable(name, 64) + "\" (known: " + known + ")");
  }
  for (const char* pattern : state_->kind->stages) state_->stages.push_back(compile(pattern));
}

PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;
PreTokenizer::~PreTokenizer() = default;

std::vector<std::string_view> PreTokenizer::split(std::string_view text) const {
  std::vector<std::string_view> words;
  if (text.empty()) return words;
  const Valid valid = make_valid(text);
  const std::string_view subject = valid.bad.empty() ? text : std::string_view(valid.copy);

  const std::unique_ptr<pcre2_match_data, FreeMatch> data(pcre2_match_data_create(1, nullptr));
  const std::unique_ptr<pcre2_match_context, FreeContext> context(pcre2_match_context_create(nullptr));
  // The patterns backtrack at most once over a run of spaces; the default limit would refuse runs of
  // megabytes.
  pcre2_set_match_limit(context.get(), UINT32_MAX);

  std::vector<Range> ranges = {{0, subject.size()}};
  for (const Code& stage : state_->stages) {
    std::vector<Range> next;
    for (const Range& range : ranges)
      split_range(stage.get(), data.get(), context.get(), subject, range, next);
    ranges = std::move(next);
  }

  words.reserve(ranges.size());
  size_t next_bad = 0;
  for (const Range& range : ranges) {
    const size_t begin = valid.original(range.begin, next_bad);
    const size_t end = valid.original(range.end, next_bad);
    words.push_back(text.substr(begin, end - begin));
  }
  return words;
}

bool PreTokenizer::whole_words_first() const {
  return state_->kind->whole_words_first;
}
bool PreTokenizer::adds_bos() const {
  return state_->kind->adds_bos;
}

std::vector<std::string> PreTokenizer::known_names() {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) names.emplace_back(kind.name);
  return names;
}

}  // namespace yoke
