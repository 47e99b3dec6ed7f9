// Losses of ONNX, composed of gathers and sums.
#include "ir/onnx/Compose.h"
#include "ir/ops/Normalisation.h"
#include "ir/ops/Reduction.h"

using namespace mlir;

namespace sinter::nn {

/// -weight[target] * logProbabilities[target], reduced; targets that are ignore_index count nothing. Null after an
/// error.
static Value negativeLogLikelihood(NodeImporter &n, Value logProbabilities, Value target, Value weight) {
  Compose c(n);
  std::string reduction = n.stringAttr("reduction", "mean");
  if (reduction != "none" && reduction != "mean" && reduction != "sum") {
    (void)n.invalid("has reduction '" + reduction + "'; none, mean and sum are defined");
    return {};
  }
  if (c.rank(logProbabilities) < 2 || c.rank(target) != c.rank(logProbabilities) - 1) {
    (void)n.invalid("needs scores of rank 2 or more and targets of one rank less");
    return {};
  }
  if (weight && c.rank(weight) != 1) {
    (void)n.invalid("needs one weight per class");
    return {};
  }
  Value ignored;
  if (n.hasAttr("ignore_index")) {
    ignored = c.equal(target, c.number(static_cast<double>(n.intAttr("ignore_index", 0)), target));
    target = c.where(ignored, c.number(0, target), target);
  }
  Value chosen = c.gatherElements(logProbabilities, c.unsqueeze(target, 1), 1);
  Value loss = c.neg(c.squeeze(chosen, 1));
  Value factor = weight ? c.gather(weight, target, 0) : Value();
  if (ignored)
    factor = c.where(ignored, c.number(0, loss), factor ? factor : c.number(1, loss));
  if (factor)
    loss = c.mul(loss, factor);
  if (reduction == "none")
    return loss;
  if (reduction == "mean" && !factor)
    return n.create<ReduceMeanOp>(loss, Value(), n.builder.getBoolAttr(false), UnitAttr());
  Value total = c.sum(loss, {}, false);
  return reduction == "mean" ? c.div(total, c.sum(factor, {}, false)) : total;
}

static LogicalResult importNegativeLogLikelihood(NodeImporter &n) {
  if (failed(n.expectInputs(2, 3)))
    return failure();
  Value loss = negativeLogLikelihood(n, n.input(0), n.input(1), n.input(2));
  return loss ? n.finish(loss) : failure();
}

static LogicalResult importSoftmaxCrossEntropy(NodeImporter &n) {
  if (failed(n.expectInputs(2, 3)))
    return failure();
  Value logProbabilities = n.create<LogSoftmaxOp>(n.input(0), n.builder.getI64IntegerAttr(1));
  Value loss = negativeLogLikelihood(n, logProbabilities, n.input(1), n.input(2));
  return loss ? n.finish({loss, logProbabilities}) : failure();
}

void registerLossImporters(ImporterTable &table) {
  table.add("NegativeLogLikelihoodLoss", importNegativeLogLikelihood, {12, "f32"});
  table.add("SoftmaxCrossEntropyLoss", importSoftmaxCrossEntropy, {12, "f32"});
}

} // namespace sinter::nn
