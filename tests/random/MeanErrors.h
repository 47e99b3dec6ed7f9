// How far the means that norms subtract move their results.
#pragma once

#include "ir/Evaluation.h"
#include "runtime/Tensor.h"
#include <vector>

namespace sinter::random_graphs {

/// Whether `op` compares values with their mean.
bool subtractsMean(mlir::Operation *op);

/// How far each element of the first result of `op` moves when each mean errs by `relative` times the largest
/// value that it sums, as every difference to the mean then does. Moving the operands at random does not show
/// that where two or three values have one mean: normalised, two values are -1 and 1 wherever they lie.
std::vector<double> errorsOfMeans(mlir::Operation *op, mlir::ArrayRef<Tensor> operands, double relative);

} // namespace sinter::random_graphs
