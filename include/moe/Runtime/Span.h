// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A view of contiguous elements, as std::span (which C++17 lacks).
#ifndef MOE_RUNTIME_SPAN_H
#define MOE_RUNTIME_SPAN_H

#include <cstddef>
#include <type_traits>
#include <vector>

namespace moe::rt {

template <typename T>
class Span {
public:
  Span() = default;
  Span(T *data, size_t size) : first(data), count(size) {}
  template <typename U = T, typename = std::enable_if_t<std::is_const_v<U>>>
  Span(const std::vector<std::remove_const_t<U>> &elements)
      : first(elements.data()), count(elements.size()) {}

  T *data() const { return first; }
  size_t size() const { return count; }
  bool empty() const { return count == 0; }
  T *begin() const { return first; }
  T *end() const { return first + count; }
  T &operator[](size_t i) const { return first[i]; }
  T &back() const { return first[count - 1]; }

  /// Elements [from, from + length), all of which must exist.
  Span slice(size_t from, size_t length) const {
    return {first + from, length};
  }

private:
  T *first = nullptr;
  size_t count = 0;
};

} // namespace moe::rt

#endif // MOE_RUNTIME_SPAN_H
