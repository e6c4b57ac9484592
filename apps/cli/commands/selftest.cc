// `yoke selftest`: every op and format of every device and instruction set here, against the reference.
#include <cstdio>
#include <memory>
#include <sstream>

#include "base/cpu_features.h"
#include "base/error.h"
#include "command.h"
#include "devices/conformance/conformance.h"
#include "engine/open_devices.h"

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

Json result_json(const Subject& s, const ConformanceResult& r) {
  Json entry = {{"device", s.device}, {"op", r.op},         {"format", r.format},
                {"kernel", r.kernel}, {"passed", r.passed}, {"cases", r.cases}};
  if (!s.isa.empty()) entry["isa"] = s.isa;
  if (!r.message.empty()) entry["message"] = r.message;
  if (r.skipped_cases > 0) entry["skipped"] = {{"cases", r.skipped_cases}, {"reason", r.skip_reason}};
  return entry;
}

void print_result(const Subject& s, const ConformanceResult& r) {
  std::printf("%s  %-10s %-12s %-14s %-20s %d cases%s%s\n", r.passed ? "ok  " : "FAIL", s.device.c_str(),
              s.isa.c_str(), r.op.c_str(), r.format.c_str(), r.cases, r.passed ? "" : ": ",
              r.message.c_str());
  if (r.skipped_cases > 0)
    std::printf("      %d cases not run: %s\n", r.skipped_cases, r.skip_reason.c_str());
}

// Names that cannot be opened are told before the first test.
void check_names(const SelftestArguments& a) {
  if (!a.isa.empty()) open_device("cpu", {.threads = 1, .isa = a.isa});
  for (const Subject& s : subjects(a)) {
    if (!a.devices.empty() && s.device != "cpu") open_device(s.device, {});
  }
}

int run(const SelftestArguments& a) {
  check_names(a);
  Json results = Json::array();
  int failed = 0;
  for (const Subject& s : subjects(a)) {
    const std::unique_ptr<Device> device =
        open_device(s.device, {.threads = 0, .isa = s.isa, .check_kernels = false});
    int passed = 0, failed_here = 0;
    for (const ConformanceResult& r : run_conformance(*device, {.thorough = a.thorough})) {
      (r.passed ? passed : failed_here) += 1;
      if (a.json) results.push_back(result_json(s, r));
      if (!a.json && (a.verbose || !r.passed)) print_result(s, r);
    }
    failed += failed_here;
    if (!a.json)
      std::printf("%-10s %-12s %d of %d pairs of op and format equal the reference bit for bit\n",
                  s.device.c_str(), s.isa.c_str(), passed, passed + failed_here);
  }
  if (a.json) print_json({{"passed", failed == 0}, {"results", results}});
  if (failed > 0) {
    fail(ErrorKind::kSelfTest, "testing this machine",
         std::to_string(failed) + " kernels differ from the reference (--devices and --isa choose others)");
  }
  return 0;
}

}  // namespace

Runner declare_selftest(CLI::App& app) {
  auto a = std::make_shared<SelftestArguments>();
  app.add_option("--devices", a->devices, "only these, such as cpu,vulkan:0")->type_name("LIST");
  app.add_option("--isa", a->isa, "only this instruction set of the CPU")->type_name("NAME");
  app.add_flag("--thorough", a->thorough, "every combination of sizes");
  app.add_flag("-v,--verbose", a->verbose, "a line for each op and format, not only for failures");
  add_json(app, a->json);
  return [a] { return run(*a); };
}

}  // namespace yoke::cli
