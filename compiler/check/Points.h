// Single elements of tensors on several sets of inputs at once: a value, as exact as double is, and how far roundings
// of the computation that makes it may move it.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "runtime/Tensor.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include <array>
#include <bitset>
#include <cmath>
#include <vector>

namespace sinter::codegen {

/// Sets of inputs, evaluated side by side.
constexpr unsigned lanes = 8;
using Lanes = std::array<double, lanes>;
using LaneMask = std::bitset<lanes>;

/// An error of which nothing is known. No infinity: times a weight of 0 it is none.
constexpr double unbounded = 0x1p1000;

/// The type's rounding: relative to 1 half a step, the least normal number (kernels may flush what is below), the
/// largest.
struct Rounding {
  double unit = 0, least = 0, largest = std::numeric_limits<double>::infinity();
  double flushed = least; ///< what flushing may lose
  static Rounding of(DType type);
  /// The error that one operation may add to its result y, by the magnitudes that it rounds.
  double own(double magnitude) const { return 2 * unit * magnitude + flushed; }
};

/// One element of a tensor of floats or of integers.
double floatAt(const Tensor &tensor, int64_t element);
int64_t wholeAt(const Tensor &tensor, int64_t element);

/// The elements of one value that something asks for.
class Points {
public:
  /// Points of a tensor of `count` elements.
  Points(DType type, int64_t count)
      : type(type), rounding(Rounding::of(type)), isFloat(sinter::isFloat(type)), count(count) {}

  /// The place of an element among them, added if it is new. A pull is what the element should be near for digits to
  /// cancel, and within what distance; a weight, what multiplies it in the end.
  unsigned demand(int64_t element);
  /// The place of an element that was asked for; nothing for another one.
  std::optional<unsigned> find(int64_t element) const;
  size_t size() const { return elements.size(); }
  void allocate();

  double *value(unsigned slot) { return values.data() + size_t(slot) * lanes; }
  double *error(unsigned slot) { return errors.data() + size_t(slot) * lanes; }
  int64_t *whole(unsigned slot) { return wholes.data() + size_t(slot) * lanes; }

  DType type;
  Rounding rounding;
  bool isFloat;
  std::vector<int64_t> elements;
  std::vector<double> centre, spread; ///< by slot, for leaves
  std::vector<float> weight;

private:
  static constexpr unsigned none = ~0u;
  /// An entry an element, once many were asked for.
  void tabulate();

  int64_t count;
  /// Elements are often a power of two apart, which DenseMap's own hash takes badly.
  struct Mixed : llvm::DenseMapInfo<int64_t> {
    static unsigned getHashValue(int64_t element) {
      return static_cast<unsigned>((static_cast<uint64_t>(element) * 0x9e3779b97f4a7c15) >> 32);
    }
  };
  llvm::DenseMap<int64_t, unsigned, Mixed> slots;
  std::vector<unsigned> table; ///< in place of it
  std::vector<double> values, errors;
  std::vector<int64_t> wholes; ///< of integers, in place of values
};

/// A sum of products, with its error and the sum of magnitudes.
struct Sum {
  Lanes value{}, error{}, magnitude{};

  void add(const double *x, const double *ex, double w, double ew) {
    double size = std::fabs(w);
    for (unsigned i = 0; i < lanes; ++i) {
      double m = std::fabs(x[i]);
      value[i] += w * x[i];
      magnitude[i] += size * m;
      error[i] += size * ex[i] + ew * m;
    }
  }
  void add(const double *x, const double *ex, const double *w, const double *ew) {
    for (unsigned i = 0; i < lanes; ++i) {
      value[i] += w[i] * x[i];
      magnitude[i] += std::fabs(w[i] * x[i]);
      error[i] += std::fabs(w[i]) * ex[i] + ew[i] * (std::fabs(x[i]) + ex[i]);
    }
  }
  /// A term that is no product.
  void add(const double *x, const double *ex) {
    for (unsigned i = 0; i < lanes; ++i) {
      value[i] += x[i];
      magnitude[i] += std::fabs(x[i]);
      error[i] += ex[i];
    }
  }
};

} // namespace sinter::codegen
