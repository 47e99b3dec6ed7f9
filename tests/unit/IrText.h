// Helpers of tests that write the text of the nn dialect: types, lists, and random choices.
#pragma once

#include "runtime/Tensor.h"

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>

namespace sinter {

/// "tensor<1x3xf32>"
inline std::string tensorType(const Shape &shape, const std::string &element = "f32") {
  std::string text = "tensor<";
  for (int64_t size : shape)
    text += std::to_string(size) + "x";
  return text + element + ">";
}

/// "array<i64: 1, 3>", of one number or more.
inline std::string list(const Shape &values) {
  std::string text;
  for (int64_t value : values)
    text += (text.empty() ? "array<i64: " : ", ") + std::to_string(value);
  return text + ">";
}

inline int64_t elements(const Shape &shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

/// Draws the choices of random models.
class RandomChoice {
public:
  explicit RandomChoice(unsigned seed) : random(seed) {}
  int64_t pick(std::initializer_list<int64_t> values) { return values.begin()[random() % values.size()]; }
  bool often() { return random() % 2 == 0; }

protected:
  std::mt19937 random;
};

} // namespace sinter
