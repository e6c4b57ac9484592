// What each op reads and writes, field by field; included by op.h.
#pragma once

#include <type_traits>
#include <variant>

#include "ops/op.h"

namespace yoke {
namespace op_fields {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

// T is an op struct, const or not; the compiler refuses an op that no branch names.
template <class T>
inline constexpr bool kUnknownOp = false;

template <class T, class F>
void reads(T& op, F&& f) {
  using O = std::remove_const_t<T>;
  const auto some = [&](auto&... ids) { ((given(ids) ? f(ids) : void()), ...); };
  if constexpr (std::is_same_v<O, Embed>) {
  } else if constexpr (std::is_same_v<O, RmsNorm> || std::is_same_v<O, QuantizeRows> ||
                       std::is_same_v<O, GatedLinear> || std::is_same_v<O, HeadNormRope> ||
                       std::is_same_v<O, WantedRows> || std::is_same_v<O, Copy>) {
    some(op.x);
  } else if constexpr (std::is_same_v<O, Linear>) {
    some(op.x, op.add);
  } else if constexpr (std::is_same_v<O, GatedMul>) {
    some(op.gate, op.up);
  } else if constexpr (std::is_same_v<O, KvWrite>) {
    some(op.k, op.v);
  } else if constexpr (std::is_same_v<O, Attention>) {
    some(op.q);
  } else if constexpr (std::is_same_v<O, Add>) {
    some(op.a, op.b);
  } else {
    static_assert(kUnknownOp<O>);
  }
}

template <class T, class F>
void weights(T& op, F&& f) {
  using O = std::remove_const_t<T>;
  const auto some = [&](auto&... ids) { ((given(ids) ? f(ids) : void()), ...); };
  if constexpr (std::is_same_v<O, Embed>) {
    some(op.table);
  } else if constexpr (std::is_same_v<O, RmsNorm> || std::is_same_v<O, HeadNormRope>) {
    some(op.weight);
  } else if constexpr (std::is_same_v<O, Linear>) {
    some(op.weight, op.bias);
  } else if constexpr (std::is_same_v<O, GatedLinear>) {
    some(op.gate, op.up);
  }
}

template <class T, class F>
void writes(T& op, F&& f) {
  if constexpr (!std::is_same_v<std::remove_const_t<T>, KvWrite>) f(op.out);
}

}  // namespace op_fields

template <class OpT, class F>
void for_each_read(OpT& op, F&& f) {
  std::visit([&](auto& o) { op_fields::reads(o, f); }, op);
}
template <class OpT, class F>
void for_each_write(OpT& op, F&& f) {
  std::visit([&](auto& o) { op_fields::writes(o, f); }, op);
}
template <class OpT, class F>
void for_each_weight(OpT& op, F&& f) {
  std::visit([&](auto& o) { op_fields::weights(o, f); }, op);
}

}  // namespace yoke
