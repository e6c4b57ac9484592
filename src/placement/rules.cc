#include "placement/rules.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace yoke {
namespace {

// A compiled regular expression, searched anywhere in a text.
class Regex {
 public:
  Regex(const std::string& pattern, const std::string& doing) : doing_(doing) {
    int error = 0;
    PCRE2_SIZE at = 0;
    code_.reset(
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), 0, &error, &at, nullptr));
    if (!code_) {
      fail(ErrorKind::kUsage, doing_,
           "the regular expression is wrong at position " + std::to_string(at) + ": " + message(error));
    }
    match_.reset(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
  }

  bool found_in(const std::string& text) const {
    const int result = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0,
                                   match_.get(), nullptr);
    if (result == PCRE2_ERROR_NOMATCH) return false;
    if (result < 0)
      fail(ErrorKind::kUsage, doing_, "the regular expression cannot be searched: " + message(result));
    return true;
  }

 private:
  static std::string message(int error) {
    PCRE2_UCHAR text[256];
    pcre2_get_error_message(error, text, sizeof text);
    return reinterpret_cast<const char*>(text);
  }
  struct Free {
    void operator()(pcre2_code* c) const { pcre2_code_free(c); }
    void operator()(pcre2_match_data* m) const { pcre2_match_data_free(m); }
  };

  std::string doing_;
  std::unique_ptr<pcre2_code, Free> code_;
  std::unique_ptr<pcre2_match_data, Free> match_;
};

int32_t device_named(const std::string& name, const Machine& machine, const std::string& doing) {
  const auto found = std::ranges::find(machine.devices, name, &MachineDevice::name);
  if (found != machine.devices.end()) return static_cast<int32_t>(found - machine.devices.begin());
  std::string used;
  for (const MachineDevice& d : machine.devices) used += (used.empty() ? "" : ", ") + d.name;
  fail(ErrorKind::kUsage, doing,
       "device \"" + name + "\" is not in use (in use: " + used + "; --devices names others)");
}

}  // namespace

GpuLayers parse_gpu_layers(const std::string& text) {
  if (text == "auto") return {GpuLayers::Kind::kAuto, 0};
  if (text == "all") return {GpuLayers::Kind::kAll, 0};
  int32_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc::result_out_of_range && text[0] != '-') return {GpuLayers::Kind::kAll, 0};
  if (error != std::errc() || end != text.data() + text.size() || count < 0) {
    fail(ErrorKind::kUsage, "reading --gpu-layers", "\"" + text + "\" is no number of blocks, all or auto");
  }
  return {GpuLayers::Kind::kCount, count};
}

std::string to_text(const GpuLayers& layers) {
  if (layers.kind == GpuLayers::Kind::kAuto) return "auto";
  if (layers.kind == GpuLayers::Kind::kAll) return "all";
  return std::to_string(layers.count);
}

std::vector<bool> movable_weights(const Net& net) {
  std::vector<bool> movable(net.weights.size(), false);
  const auto move = [&](WeightId id) {
    if (given(id)) movable[static_cast<size_t>(index(id))] = true;
  };
  for (const NetOp& net_op : net.ops) {
    if (const auto* linear = std::get_if<Linear>(&net_op.op)) {
      move(linear->weight);
    } else if (!std::holds_alternative<Embed>(net_op.op)) {
      for_each_weight(net_op.op, [&](const WeightId& id) { move(id); });
    }
  }
  return movable;
}

std::vector<int32_t> apply_rules(std::span<const std::string> rules, const Net& net, const Machine& machine) {
  std::vector<int32_t> device_of(net.weights.size(), -1);
  const std::vector<bool> movable = movable_weights(net);
  for (const std::string& rule : rules) {
    const std::string doing = "reading --place '" + rule + "'";
    const size_t equals = rule.rfind('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == rule.size()) {
      fail(ErrorKind::kUsage, doing, "it is not of the form REGEX=DEVICE");
    }
    const Regex regex(rule.substr(0, equals), doing);
    const int32_t device = device_named(rule.substr(equals + 1), machine, doing);
    bool matched = false;
    for (size_t w = 0; w < net.weights.size(); ++w) {
      if (!movable[w] || !regex.found_in(net.weights[w].name)) continue;
      matched = true;
      if (device_of[w] < 0) device_of[w] = device;
    }
    if (!matched) {
      fail(ErrorKind::kUsage, doing,
           "it matches no tensor that can be placed (`yoke inspect` lists the names; biases follow their "
           "matrix, the "
           "token table stays with the CPU)");
    }
  }
  return device_of;
}

}  // namespace yoke
