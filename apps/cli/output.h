// What goes to stdout, and that it really got there.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace yoke::cli {

using Json = nlohmann::ordered_json;

// A file opened later must never be taken for a stream that the caller has closed.
void open_standard_streams();

// One document on stdout.
void print_json(const Json& document);
// At once, so that a reader sees it now. Throws kRuntime where stdout does not take it.
void write_out(std::string_view text);
// Flushes stdout. Throws kRuntime where something that was printed did not get there.
void finish_output();

}  // namespace yoke::cli
