// Parses, checks sizes and the interface, names arguments, and drops attributes that only a compilation may write.
#include "compiler/ModelText.h"
#include "ir/DiagnosticCollector.h"
#include "ir/Diagnostics.h"
#include "ir/Evaluation.h"
#include "ir/KernelBackend.h"
#include "ir/Ops.h"
#include "ir/TextCheck.h"
#include "ir/Weights.h"
#include "ir/analysis/Views.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Parser/Parser.h"
#include "runtime/OptionMark.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace sinter::codegen {

/// Inputs and outputs that have no name get that of their place, which is what tables call them.
static void nameArguments(func::FuncOp main) {
  Builder b(main.getContext());
  for (unsigned i = 0; i < main.getNumArguments(); ++i)
    if (!main.getArgAttrOfType<StringAttr>(i, "nn.name"))
      main.setArgAttr(i, "nn.name", b.getStringAttr("input" + Twine(i)));
  for (unsigned i = 0; i < main.getNumResults(); ++i)
    if (!main.getResultAttrOfType<StringAttr>(i, "nn.name"))
      main.setResultAttr(i, "nn.name", b.getStringAttr("output" + Twine(i)));
}

/// Whether inputs and outputs are such as the compiler knows: what is wrong with them, or nothing.
static std::string findInterfaceProblem(func::FuncOp main) {
  for (auto [i, type] : llvm::enumerate(main.getArgumentTypes())) {
    std::string which = "input " + std::to_string(i);
    auto ranked = dyn_cast<RankedTensorType>(type);
    if (!ranked || !nn::toDType(ranked.getElementType()))
      return which + " is no ranked tensor of a known element type";
  }
  for (auto [i, type] : llvm::enumerate(main.getResultTypes()))
    if (auto tensor = dyn_cast<TensorType>(type); !tensor || !nn::toDType(tensor.getElementType()))
      return "output " + std::to_string(i) + " is no tensor of a known element type";
  for (Type type : llvm::concat<const Type>(main.getArgumentTypes(), main.getResultTypes()))
    if (type != nn::withoutLayout(type))
      return "inputs or outputs are in a layout: those of a model are plain tensors";
  return "";
}

/// Why a value of a file of IR cannot be, or nothing.
static std::string checkValue(Value value, const nn::Limits &limits) {
  RankedTensorType type = nn::rankedType(value);
  if (type && type.getRank() > nn::maxRank)
    return "has a value of rank " + std::to_string(type.getRank()) + "; the limit is " + std::to_string(nn::maxRank);
  std::string reason = type ? nn::checkType(type, limits) : "";
  return reason.empty()
             ? ""
             : "line " +
                   std::to_string(isa<FileLineColLoc>(value.getLoc()) ? cast<FileLineColLoc>(value.getLoc()).getLine()
                                                                      : 0) +
                   ": " + reason;
}

/// Why a constant of a file of IR cannot be, or nothing. Its data is not touched.
static std::string checkConstant(ElementsAttr value, const nn::Limits &limits) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  int64_t bytes = type ? nn::bytesOf(type).value_or(-1) : -1;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (bytes < 0 || !blob || static_cast<int64_t>(blob->getData().size()) != bytes)
      return "leaves out weights: write it with " + optionMark("dump-weights", "true");
    return "";
  }
  if (bytes < 0 || !isa<DenseElementsAttr>(value))
    return "has a constant of no known form";
  // One element of text may stand for any number.
  return bytes > limits.foldBytes && isa<SplatElementsAttr>(value)
             ? "has a constant of more bytes than the limit fold-bytes allows: expand it with nn.expand, or raise the "
               "limit (" +
                   optionMark("limit", "fold-bytes=N") + ")"
             : "";
}

/// Why the sizes and constants of a file of IR are wrong; empty if they are not.
static std::string findSizeProblem(ModuleOp module, const nn::Limits &limits) {
  std::string problem;
  int64_t ops = 0;
  module->walk<WalkOrder::PreOrder>([&](Operation *op) {
    auto check = [&](const std::string &reason) { problem = problem.empty() ? reason : problem; };
    if (++ops > 2 * limits.ops + 64)
      check("has more than " + std::to_string(2 * limits.ops + 64) + " ops: make it smaller, or raise the limit (" +
            optionMark("limit", "ops=N") + ")");
    if (op->getNumOperands() > limits.parts || op->getNumResults() > limits.parts)
      check("has an op of more than " + std::to_string(limits.parts) +
            " operands or results: use fewer, or raise the limit (" + optionMark("limit", "parts=N") + ")");
    for (Value result : op->getResults())
      check(checkValue(result, limits));
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Value argument : block.getArguments())
          check(checkValue(argument, limits));
    if (auto constant = dyn_cast<nn::ConstantOp>(op))
      check(checkConstant(constant.getValue(), limits));
    return problem.empty() ? WalkResult::advance() : WalkResult::interrupt();
  });
  return problem;
}

/// Drops what a compilation found out and wrote beside the ops, where no pass does that always. This one finds it out
/// anew or goes without: a file may claim a place that no storage has, or a budget that its caller never gave.
static void forgetFindings(ModuleOp module) {
  for (StringRef budget : {nn::limitsAttr, nn::givenBytesAttr})
    module->removeAttr(budget);
  module->walk([](Operation *op) {
    if (isa<nn::ConcatOp>(op))
      op->removeAttr(nn::inPlaceAttr);
    if (isa<nn::KernelOp>(op))
      op->removeAttr(nn::measuredAttr);
  });
}

/// `text`: the source with a zero behind it.
Expected<OwningOpRef<ModuleOp>> parseMlir(const std::string &path, std::span<const std::byte> text,
                                          MLIRContext &context, const nn::Limits &limits) {
  context.loadDialect<nn::NNDialect, func::FuncDialect>();
  DiagnosticCollector diagnostics(context);
  auto buffer =
      llvm::MemoryBuffer::getMemBuffer(StringRef(reinterpret_cast<const char *>(text.data()), text.size() - 1), path);
  if (std::string problem = nn::checkText(buffer->getBuffer()); !problem.empty())
    return Failure{ErrorCode::InvalidFile, "'" + path + "' " + problem};
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return Failure{ErrorCode::InvalidFile, diagnostics.failure("'" + path + "' cannot be parsed").message};
  if (std::string problem = findSizeProblem(*module, limits); !problem.empty())
    return Failure{ErrorCode::InvalidFile, "'" + path + "' " + problem};
  // Checks types inside kernels, as shape inference does before kernels are formed.
  WalkResult typed = module->walk([](Operation *op) {
    bool isInKernel = isa_and_nonnull<nn::KernelOp>(op->getParentOp());
    return isInKernel && failed(nn::checkInferredTypes(op)) ? WalkResult::interrupt() : WalkResult::advance();
  });
  if (typed.wasInterrupted())
    return Failure{ErrorCode::InvalidFile, diagnostics.failure("'" + path + "' has types that do not fit").message};
  auto function = module->lookupSymbol<func::FuncOp>("main");
  if (!function || function.isExternal() || !function.getBody().hasOneBlock())
    return Failure{ErrorCode::InvalidFile, "'" + path + "' has no function @main of one block"};
  if (std::string problem = findInterfaceProblem(function); !problem.empty())
    return Failure{ErrorCode::InvalidFile, "'" + path + "': " + problem};
  nameArguments(function);
  forgetFindings(*module);
  return module;
}

} // namespace sinter::codegen
