// Copies are merged to few dimensions, checked to stay in bounds, and run by rows, with memcpy where steps are 1.
#include "ir/StridedCopy.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace sinter::nn {

StridedCopy StridedCopy::collapsed() const {
  StridedCopy out{operand, result, {}, srcOffset, dstOffset, {}, {}};
  for (auto [size, src, dst] : zip_equal(shape, srcStrides, dstStrides)) {
    if (size == 1)
      continue;
    if (!out.shape.empty() && out.srcStrides.back() == src * size && out.dstStrides.back() == dst * size) {
      out.shape.back() *= size;
      out.srcStrides.back() = src;
      out.dstStrides.back() = dst;
      continue;
    }
    out.shape.push_back(size);
    out.srcStrides.push_back(src);
    out.dstStrides.push_back(dst);
  }
  return out;
}

/// Whether every place that the strides reach lies within [0, size). Overflow counts as outside.
static bool isWithin(ArrayRef<int64_t> shape, int64_t offset, ArrayRef<int64_t> strides, int64_t size) {
  int64_t low = offset, high = offset;
  for (auto [extent, stride] : zip_equal(shape, strides)) {
    int64_t reach;
    if (__builtin_mul_overflow(extent - 1, stride, &reach))
      return false;
    int64_t &bound = reach < 0 ? low : high;
    if (__builtin_add_overflow(bound, reach, &bound))
      return false;
  }
  return low >= 0 && high < size;
}

bool runCopy(const StridedCopy &copy, const Tensor &source, Tensor &target) {
  if (source.type() != target.type())
    return false;
  if (is_contained(copy.shape, 0))
    return true;
  StridedCopy flat = copy.collapsed();
  if (!isWithin(flat.shape, flat.srcOffset, flat.srcStrides, source.size()) ||
      !isWithin(flat.shape, flat.dstOffset, flat.dstStrides, target.size()))
    return false;
  if (flat.shape.empty()) {
    flat.shape.push_back(1);
    flat.srcStrides.push_back(1);
    flat.dstStrides.push_back(1);
  }
  int64_t width = sizeOf(source.type()), inner = flat.shape.pop_back_val();
  int64_t srcStep = flat.srcStrides.pop_back_val(), dstStep = flat.dstStrides.pop_back_val();
  Dims index(flat.shape.size(), 0);
  do {
    const std::byte *from = source.data() + width * (flat.srcOffset + offsetOf(index, flat.srcStrides));
    std::byte *to = target.data() + width * (flat.dstOffset + offsetOf(index, flat.dstStrides));
    if (srcStep == 1 && dstStep == 1) {
      std::memcpy(to, from, inner * width);
      continue;
    }
    for (int64_t i = 0; i < inner; ++i)
      std::memcpy(to + i * dstStep * width, from + i * srcStep * width, width);
  } while (nextIndex(index, flat.shape));
  return true;
}

Dims IndexTables::shape() const {
  Dims result;
  for (const std::vector<int64_t> &table : offsets)
    result.push_back(static_cast<int64_t>(table.size()));
  return result;
}

bool readThroughTables(const IndexTables &tables, const Tensor &source, Tensor &target, const std::byte *fill) {
  Dims shape = tables.shape();
  if (source.type() != target.type() || !equal(shape, target.shape()))
    return false;
  if (target.size() == 0)
    return true;
  size_t width = sizeOf(source.type());
  std::byte *to = target.data();
  Dims index(shape.size(), 0);
  do {
    int64_t offset = 0;
    for (size_t d = 0; d < index.size() && offset >= 0; ++d) {
      int64_t part = tables.offsets[d][index[d]];
      offset = part < 0 ? -1 : offset + part;
    }
    if (offset >= source.size())
      return false;
    std::memcpy(to, offset < 0 ? fill : source.data() + offset * width, width);
    to += width;
  } while (nextIndex(index, shape));
  return true;
}

void fillTensor(Tensor &target, const std::byte *element) {
  size_t width = sizeOf(target.type());
  for (int64_t i = 0; i < target.size(); ++i)
    std::memcpy(target.data() + i * width, element, width);
}

} // namespace sinter::nn
