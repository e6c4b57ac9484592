// `yoke selftest`: every op and format of every device and instruction set here, against the reference.
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "base/cpu_features.h"
#include "base/error.h"
#include "command.h"
#include "devices/conformance/conformance.h"
#include "engine/open_devices.h"
#include "engine/verdict.h"

namespace yoke::cli {
namespace {

struct SelftestArguments {
  std::string devices;
  std::string isa;
  bool thorough = false, json = false, verbose = false;
};

struct Subject {
  std::string device, isa;
};

std::vector<Subject> subjects(const SelftestArguments& a) {
  std::vector<std::string> names;
  if (a.devices.empty()) {
    for (const DeviceInfo& info : available_devices()) {
      if (info.kind != DeviceKind::kReference) names.push_back(info.name);
    }
  } else {
    std::istringstream list(a.devices);
    for (std::string name; std::getline(list, name, ',');) names.push_back(name);
  }
  std::vector<Subject> result;
  for (const std::string& name : names) {
    if (name != "cpu") {
      result.push_back({name, ""});
    } else if (!a.isa.empty()) {
      result.push_back({name, a.isa});
    } else {
      for (const std::string_view isa : isas_of(detect_cpu_features()))
        result.push_back({name, std::string(isa)});
    }
  }
  return result;
}

enum class Outcome { kEqual, kClose, kDiffers, kNotRun };

Outcome outcome_of(const ConformanceResult& r) {
  if (!r.passed) return Outcome::kDiffers;
  if (r.skipped()) return Outcome::kNotRun;
  return r.bitwise ? Outcome::kEqual : Outcome::kClose;
}

// By Outcome: for a table, and in full.
constexpr const char* kMarks[] = {"ok", "near", "FAIL", "--"};
constexpr const char* kWords[] = {"equal", "close", "differs", "not run"};
constexpr const char* kCounted[] = {"equal the reference bit for bit", "come close to it, as claimed",
                                    "differ", "not run"};

struct Tested {
  ConformanceResult result;
  std::string stand_in;  // the kernel that runs instead of one that differs, if there is one
  Outcome outcome() const { return outcome_of(result); }
};

// What the CPU uses where one of its kernels differs: its own check at start decides that, so it is asked.
void name_stand_ins(const Subject& s, std::vector<Tested>& tests) {
  ConformanceOptions options;
  for (const Tested& t : tests) {
    if (t.outcome() == Outcome::kDiffers) options.ops.push_back(t.result.op);
  }
  if (options.ops.empty()) return;
  const std::unique_ptr<Device> device = open_device(s.device, {.isa = s.isa});
  for (const ConformanceResult& now : run_conformance(*device, options)) {
    for (Tested& t : tests) {
      const bool same = t.result.op == now.op && t.result.format == now.format;
      if (same && t.outcome() == Outcome::kDiffers && now.passed) t.stand_in = now.kernel;
    }
  }
}

Json result_json(const Subject& s, const Tested& t) {
  const ConformanceResult& r = t.result;
  Json entry = {{"device", s.device},
                {"op", r.op},
                {"format", r.format},
                {"kernel", r.kernel},
                {"result", kWords[static_cast<size_t>(t.outcome())]},
                {"passed", r.passed && !r.skipped()},
                {"cases", r.cases}};
  if (!s.isa.empty()) entry["isa"] = s.isa;
  if (!r.message.empty()) entry["message"] = r.message;
  if (!t.stand_in.empty()) entry["stand_in"] = t.stand_in;
  if (r.skipped_cases > 0) entry["skipped"] = {{"cases", r.skipped_cases}, {"reason", r.skip_reason}};
  return entry;
}

void print_result(const Subject& s, const Tested& t) {
  const ConformanceResult& r = t.result;
  std::printf("%-4s  %-10s %-12s %-14s %-20s %d cases%s%s\n", kMarks[static_cast<size_t>(t.outcome())],
              s.device.c_str(), s.isa.c_str(), r.op.c_str(), r.format.c_str(), r.cases,
              r.message.empty() ? "" : ": ", r.message.c_str());
  if (!t.stand_in.empty()) std::printf("      it is not used; in its place: %s\n", t.stand_in.c_str());
  if (r.skipped_cases > 0)
    std::printf("      %d cases not run: %s\n", r.skipped_cases, r.skip_reason.c_str());
}

// "cpu  avx2  112 pairs of op and format equal the reference bit for bit, 2 differ"
void print_summary(const Subject& s, const std::vector<Tested>& tests) {
  std::string text;
  for (size_t o = 0; o < std::size(kCounted); ++o) {
    const auto count =
        std::ranges::count(tests, static_cast<Outcome>(o), [](const Tested& t) { return t.outcome(); });
    if (count == 0 && o > 0) continue;
    text += (o == 0 ? "" : ", ") + std::to_string(count) + (o == 0 ? " pairs of op and format " : " ") +
            kCounted[o];
  }
  std::set<std::string> reasons, stand_ins;
  for (const Tested& t : tests) {
    if (t.outcome() == Outcome::kNotRun) reasons.insert(t.result.skip_reason);
    if (!t.stand_in.empty()) stand_ins.insert(t.stand_in);
  }
  for (const std::string& reason : reasons) text += (reason == *reasons.begin() ? ": " : "; ") + reason;
  for (const std::string& kernel : stand_ins)
    text += (kernel == *stand_ins.begin() ? " (in their place: " : ", ") + kernel;
  if (!stand_ins.empty()) text += ")";
  std::printf("%-10s %-12s %s\n", s.device.c_str(), s.isa.c_str(), text.c_str());
}

// So that the next to open the device does without what differs.
void keep_verdict(const Device& device, const std::vector<Tested>& tests, bool thorough) {
  if (device.info().kernels_id.empty()) return;
  Verdict verdict{.thorough = thorough, .passed = {}, .refused = {}};
  for (const Tested& t : tests) {
    const OpFormat pair{t.result.op, t.result.format};
    if (t.outcome() == Outcome::kDiffers) verdict.refused.push_back(pair);
    if (t.outcome() == Outcome::kEqual || t.outcome() == Outcome::kClose) verdict.passed.push_back(pair);
  }
  if (const auto why = save_verdict(device.info().kernels_id, verdict)) {
    std::fprintf(stderr, "note: the result for %s is not kept for later runs: %s\n",
                 device.info().name.c_str(), why->c_str());
  }
}

class Selftest {
 public:
  explicit Selftest(const SelftestArguments& arguments) : a_(arguments) {}

  int run() {
    check_names();
    for (const Subject& s : subjects(a_)) {
      try {
        test(s);
      } catch (const Error& e) {  // one broken driver does not hide the others
        unopened_.push_back({{"device", s.device}, {"error", e.what()}});
        if (!a_.json)
          std::printf("%-10s %-12s cannot be tested: %s\n", s.device.c_str(), s.isa.c_str(), e.what());
      }
    }
    return finish();
  }

 private:
  // Names that mean nothing here are told before the first test.
  void check_names() const {
    if (!a_.isa.empty()) open_device("cpu", {.threads = 1, .isa = a_.isa});
    if (a_.devices.empty()) return;
    for (const Subject& s : subjects(a_)) {
      try {
        if (s.device != "cpu") open_device(s.device, {});
      } catch (const Error& e) {
        if (e.kind() == ErrorKind::kUsage) throw;
      }
    }
  }

  void test(const Subject& s) {
    const std::unique_ptr<Device> device =
        open_device(s.device, {.threads = 0, .isa = s.isa, .check_kernels = false});
    std::vector<Tested> tests;
    for (ConformanceResult& r : run_conformance(*device, {.thorough = a_.thorough}))
      tests.push_back({std::move(r), ""});
    if (device->info().kind == DeviceKind::kCpu) name_stand_ins(s, tests);
    for (const Tested& t : tests) {
      differ_ += t.outcome() == Outcome::kDiffers;
      if (a_.json) results_.push_back(result_json(s, t));
      if (!a_.json && (a_.verbose || t.outcome() == Outcome::kDiffers)) print_result(s, t);
    }
    if (!a_.json) print_summary(s, tests);
    keep_verdict(*device, tests, a_.thorough);
  }

  // A device that cannot be opened counts where it was asked for.
  int finish() {
    const bool unopened = !a_.devices.empty() && !unopened_.empty();
    if (a_.json) {
      Json document = {{"passed", differ_ == 0 && !unopened}, {"results", results_}};
      if (!unopened_.empty()) document["not_tested"] = unopened_;
      print_json(document);
    }
    std::string wrong;
    if (differ_ > 0) wrong = std::to_string(differ_) + " kernels differ from the reference";
    if (unopened)
      wrong += (wrong.empty() ? "" : ", ") + std::to_string(unopened_.size()) + " devices cannot be tested";
    if (wrong.empty()) return 0;
    fail(ErrorKind::kSelfTest, "testing this machine", wrong + " (--devices and --isa choose others)");
  }

  const SelftestArguments& a_;
  Json results_ = Json::array(), unopened_ = Json::array();
  int differ_ = 0;
};

}  // namespace

Runner declare_selftest(CLI::App& app) {
  auto a = std::make_shared<SelftestArguments>();
  app.add_option("--devices", a->devices, "only these, such as cpu,vulkan:0")->type_name("LIST");
  app.add_option("--isa", a->isa, "only this instruction set of the CPU")->type_name("NAME");
  app.add_flag("--thorough", a->thorough, "every combination of sizes");
  app.add_flag("-v,--verbose", a->verbose, "a line for each op and format, not only for failures");
  add_json(app, a->json);
  return [a] { return Selftest(*a).run(); };
}

}  // namespace yoke::cli
