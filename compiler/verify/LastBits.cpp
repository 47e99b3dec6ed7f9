// Multiplies each value that is no integer by 1 + unit * r, with r uniform in [-1, 1].
#include "compiler/verify/LastBits.h"
#include <cmath>

namespace sinter::codegen {

double unitOfShortType(DType type) { return type == DType::F16 ? 0x1p-10 : type == DType::BF16 ? 0x1p-7 : 0; }

Tensor roundedAnotherWay(const Tensor &exact, std::mt19937 &random) {
  double unit = exact.type() == DType::F32 ? 0x1p-22 : unitOfShortType(exact.type());
  if (unit == 0)
    return exact;
  Tensor result(exact.type(), Shape(exact.shape()));
  std::vector<double> values = toDoubles(exact);
  for (double &value : values)
    if (value != std::rint(value))
      value *= 1 + unit * (static_cast<double>(random()) / 0x7fffffffu - 1);
  storeDoubles(result, values);
  return result;
}

} // namespace sinter::codegen
