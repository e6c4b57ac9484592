#include "gguf/encoded_value.h"

#include <string>

#include "base/error.h"

namespace yoke {

EncodedValue EncodedValue::text(std::string_view text) {
  ByteSink sink;
  sink.text(text);
  return {GgufValueType::kString, sink.take()};
}

ByteSink EncodedValue::array_start(GgufValueType element_type, uint64_t count) {
  ByteSink sink;
  sink.number(static_cast<uint32_t>(element_type));
  sink.number(count);
  return sink;
}

EncodedValue EncodedValue::array(GgufValueType element_type, std::span<const EncodedValue> elements) {
  ByteSink sink = array_start(element_type, elements.size());
  for (const EncodedValue& e : elements) {
    if (e.type != element_type) {
      fail(ErrorKind::kRuntime, "making a GGUF array",
           std::string("an element is ") + name_of(e.type) + ", not " + name_of(element_type));
    }
    sink.bytes(e.bytes);
  }
  return {GgufValueType::kArray, sink.take()};
}

}  // namespace yoke
