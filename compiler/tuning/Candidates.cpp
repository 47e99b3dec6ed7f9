// A menu for all kernels with a contraction: emitters cut it to what fits, and what comes to the same code is not
// measured twice.
#include "compiler/tuning/Candidates.h"
#include "codegen/kernels/conv/SelectConv.h"
#include "ir/KernelBackend.h"
#include "ir/Ops.h"

namespace sinter::codegen {

std::vector<std::string> otherBackends(nn::KernelOp kernel) {
  std::vector<std::string> names;
  if (auto others = kernel->getAttrOfType<mlir::ArrayAttr>(nn::alsoTakenByAttr))
    for (auto name : others.getAsRange<mlir::StringAttr>())
      names.push_back(name.str());
  return names;
}

std::vector<Choice> candidatesFor(nn::KernelOp kernel, const Target &target) {
  std::vector<Choice> choices;
  for (const std::string &backend : otherBackends(kernel))
    choices.push_back(Choice::of(backend));
  mlir::Block &body = kernel.getBody().front();
  bool contracts = llvm::any_of(body, [](mlir::Operation &op) { return mlir::isa<nn::ContractionOpInterface>(op); });
  if (!contracts)
    return choices;
  if (llvm::any_of(body, [&](mlir::Operation &op) { return takesWinograd(&op, target); })) {
    choices.push_back(Choice::of(Schedule{.winograd = 0}));
    for (int64_t extent : winogradExtents)
      choices.push_back(Choice::of(Schedule{.winograd = extent}));
  }
  // `most` rows stand for as many as registers hold for so many vectors; the others are fewer.
  constexpr int64_t most = 64;
  std::pair<int64_t, int64_t> tiles[] = {{most, 1}, {most, 2}, {most, 3}, {most, 4}, {most, 6},
                                         {most, 8}, {4, 4},    {6, 3},    {6, 2},    {4, 2}};
  for (auto [rows, vectors] : tiles)
    choices.push_back(Choice::of(Schedule{.tileRows = rows, .tileVectors = vectors}));
  return choices;
}

std::vector<Choice> refinementsOf(const Choice &best) {
  std::vector<Choice> choices;
  if (!best.isGeneratedCode())
    return choices;
  for (auto [outer, inner] : {std::pair(-1, 0), {1, 0}, {0, -1}, {0, 1}}) {
    Choice choice = best;
    choice.schedule.outer += outer;
    choice.schedule.inner += inner;
    choices.push_back(choice);
  }
  return choices;
}

} // namespace sinter::codegen
