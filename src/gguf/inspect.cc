#include "gguf/inspect.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "gguf/printable.h"

namespace yoke {
namespace {

using Json = nlohmann::ordered_json;

struct TypeTotal {
  const GgufType* type = nullptr;
  uint64_t tensors = 0, values = 0, bytes = 0;
};

// Of the types that occur, in order of id.
std::vector<TypeTotal> totals_per_type(const GgufFile& file) {
  std::vector<TypeTotal> totals(gguf_types().size());
  for (const TensorInfo& t : file.tensors()) {
    TypeTotal& total = totals[t.type_id()];
    total.type = t.type;
    ++total.tensors;
    total.values += static_cast<uint64_t>(t.elements());
    total.bytes += t.bytes;
  }
  std::erase_if(totals, [](const TypeTotal& t) { return t.tensors == 0; });
  return totals;
}

TypeTotal total_of(const std::vector<TypeTotal>& totals) {
  TypeTotal all;
  for (const TypeTotal& t : totals) {
    all.tensors += t.tensors;
    all.values += t.values;
    all.bytes += t.bytes;
  }
  return all;
}

std::span<const int64_t> shape_of(const TensorInfo& t) {
  return std::span(t.shape).first(static_cast<size_t>(t.rank));
}

// The shortest decimal number that gives this float again: 1e-05, not 9.999999747378752e-06.
double shortest(float value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  double number = 0;
  std::from_chars(text, end, number);
  return number;
}

Json json_of(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

Json json_of(const GgufValue& value, const InspectOptions& options);

Json json_of(const GgufArray& array, const InspectOptions& options) {
  Json all = Json::array();
  for (const GgufValue element : array) {
    if (all.size() == options.array_elements) break;
    all.push_back(json_of(element, options));
  }
  return all;
}

Json json_of(const GgufValue& value, const InspectOptions& options) {
  if (const auto text = value.as_string()) return valid_utf8(*text);
  if (const auto flag = value.as_bool()) return *flag;
  if (const auto array = value.as_array()) return json_of(*array, options);
  if (const auto n = value.as_u64()) return *n;
  if (const auto n = value.as_i64()) return *n;
  const double number = *value.as_f64();
  const bool is_short = value.type() == GgufValueType::kFloat32 && std::isfinite(number);
  return json_of(is_short ? shortest(static_cast<float>(number)) : number);
}

Json json_of(const MetadataEntry& entry, const InspectOptions& options) {
  Json json = {{"key", valid_utf8(entry.key)}, {"type", name_of(entry.value.type())}};
  if (const auto array = entry.value.as_array()) {
    json["element_type"] = name_of(array->element_type());
    json["count"] = array->size();
  }
  json["value"] = json_of(entry.value, options);
  return json;
}

Json json_of(const TensorInfo& t) {
  return {{"name", valid_utf8(t.name)},
          {"type", t.type->name},
          {"type_id", t.type_id()},
          {"shape", Json(shape_of(t))},
          {"shard", t.shard},
          {"offset", t.offset},
          {"bytes", t.bytes}};
}

std::string text_of(const GgufValue& value, const InspectOptions& options) {
  if (const auto text = value.as_string()) return '"' + printable(*text, options.text_bytes) + '"';
  const auto array = value.as_array();
  if (!array) return json_of(value, options).dump();
  std::string text = "[";
  size_t shown = 0;
  for (const GgufValue element : *array) {
    if (shown > 0) text += ", ";
    if (shown++ == options.array_elements) {
      text += "...";
      break;
    }
    text += text_of(element, options);
  }
  return text + "]";
}

std::string type_text(const GgufValue& value) {
  const auto array = value.as_array();
  if (!array) return name_of(value.type());
  return std::string(name_of(array->element_type())) + "[" + std::to_string(array->size()) + "]";
}

std::string shape_text(const TensorInfo& t) {
  std::string text = "[";
  for (const int64_t n : shape_of(t)) text += (text.size() > 1 ? ", " : "") + std::to_string(n);
  return text + "]";
}

using Row = std::vector<std::string>;

// Columns as wide as their widest cell, the last one ragged; numbers to the right.
std::string table(const std::vector<Row>& rows, const std::vector<bool>& is_number) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string text;
  for (const Row& row : rows) {
    text += "  ";
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string gap(widths[c] - row[c].size(), ' ');
      const bool last = c + 1 == row.size();
      text += is_number[c] ? gap + row[c] : row[c] + (last ? "" : gap);
      if (!last) text += "  ";
    }
    text += '\n';
  }
  return text;
}

std::string count_of(uint64_t n, const std::string& one) {
  return std::to_string(n) + " " + one + (n == 1 ? "" : "s");
}

std::string gigabytes(uint64_t bytes) {
  char text[64];
  std::snprintf(text, sizeof text, "%.3f GB", static_cast<double>(bytes) / 1e9);
  return text;
}

std::string metadata_text(const GgufFile& file, const InspectOptions& options) {
  std::vector<Row> rows;
  for (const MetadataEntry& e : file.metadata()) {
    rows.push_back({printable(e.key), type_text(e.value), text_of(e.value, options)});
  }
  return count_of(rows.size(), "metadata value") + "\n" + table(rows, {false, false, false});
}

std::string tensors_text(const GgufFile& file) {
  if (file.tensors().empty()) return "0 tensors\n";
  const bool split = file.shards() > 1;
  std::vector<Row> rows = {{"name", "type", "shape", "offset", "bytes"}};
  std::vector<bool> is_number = {false, false, false, true, true};
  if (split) {
    rows[0].push_back("shard");
    is_number.push_back(true);
  }
  for (const TensorInfo& t : file.tensors()) {
    rows.push_back(
        {printable(t.name), t.type->name, shape_text(t), std::to_string(t.offset), std::to_string(t.bytes)});
    if (split) rows.back().push_back(std::to_string(t.shard + 1));
  }
  return count_of(file.tensors().size(), "tensor") + "\n" + table(rows, is_number);
}

std::string totals_text(const GgufFile& file) {
  const std::vector<TypeTotal> totals = totals_per_type(file);
  std::vector<Row> rows = {{"type", "tensors", "values", "bytes"}};
  const auto add = [&](const std::string& name, const TypeTotal& t) {
    rows.push_back({name, std::to_string(t.tensors), std::to_string(t.values), std::to_string(t.bytes)});
  };
  for (const TypeTotal& t : totals) add(t.type->name, t);
  add("all", total_of(totals));
  return "totals\n" + table(rows, {false, true, true, true});
}

}  // namespace

std::string inspect_text(const GgufFile& file, const InspectOptions& options) {
  std::string text = printable(file.path(), 400) + ": GGUF v" + std::to_string(file.version()) + ", " +
                     gigabytes(file.total_bytes()) + " in " + count_of(file.shards(), "file") +
                     ", alignment " + std::to_string(file.alignment()) + "\n";
  if (file.shards() > 1) {
    for (size_t i = 0; i < file.shards(); ++i) {
      text += "  shard " + std::to_string(i + 1) + "  " + printable(file.shard_path(i), 400) + "  " +
              std::to_string(file.shard_bytes(i)) + " bytes\n";
    }
  }
  return text + metadata_text(file, options) + tensors_text(file) + totals_text(file);
}

Json inspect_json(const GgufFile& file, const InspectOptions& options) {
  Json json = {{"path", valid_utf8(file.path())},
               {"version", file.version()},
               {"alignment", file.alignment()},
               {"bytes", file.total_bytes()}};
  json["shards"] = Json::array();
  for (size_t i = 0; i < file.shards(); ++i) {
    json["shards"].push_back({{"path", valid_utf8(file.shard_path(i))}, {"bytes", file.shard_bytes(i)}});
  }
  json["metadata"] = Json::array();
  for (const MetadataEntry& e : file.metadata()) json["metadata"].push_back(json_of(e, options));
  json["tensors"] = Json::array();
  for (const TensorInfo& t : file.tensors()) json["tensors"].push_back(json_of(t));
  json["types"] = Json::array();
  const std::vector<TypeTotal> totals = totals_per_type(file);
  for (const TypeTotal& t : totals) {
    json["types"].push_back(
        {{"type", t.type->name}, {"tensors", t.tensors}, {"values", t.values}, {"bytes", t.bytes}});
  }
  json["values"] = total_of(totals).values;
  json["tensor_bytes"] = total_of(totals).bytes;
  return json;
}

}  // namespace yoke
