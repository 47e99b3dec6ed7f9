// Names come from locations; messages are rewritten from ODS's and MLIR's words by search and replacement.
#include "ir/Diagnostics.h"
#include "ir/Weights.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace sinter::nn {

std::string nameOf(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName().str();
  if (auto fused = dyn_cast<FusedLoc>(loc)) {
    std::string joined;
    for (Location part : fused.getLocations()) {
      std::string name = nameOf(part);
      if (!name.empty())
        joined += (joined.empty() ? "" : "+") + name;
    }
    return joined;
  }
  return "";
}

/// "reduce_mean" to "ReduceMean", and what ONNX spells otherwise.
static std::string onnxName(StringRef mnemonic) {
  StringRef known = llvm::StringSwitch<StringRef>(mnemonic)
                        .Cases({"batch_norm", "batch_norm_training", "channel_affine"}, "BatchNormalization")
                        .Case("instance_norm", "InstanceNormalization")
                        .Case("group_norm", "GroupNormalization")
                        .Cases({"layer_norm", "layer_norm_stats"}, "LayerNormalization")
                        .Case("rms_norm", "RMSNormalization")
                        .Case("mean_variance_norm", "MeanVarianceNormalization")
                        .Case("lp_norm", "LpNormalization")
                        .Case("lrn", "LRN")
                        .Case("prelu", "PRelu")
                        .Case("matmul", "MatMul")
                        .Case("conv_integer", "ConvInteger")
                        .Case("gather_nd", "GatherND")
                        .Case("scatter_nd", "ScatterND")
                        .Case("top_k", "TopK")
                        .Case("is_nan", "IsNaN")
                        .Case("quantize", "QuantizeLinear")
                        .Case("dequantize", "DequantizeLinear")
                        .Case("max_pool_indices", "MaxPool")
                        .Case("select", "If")
                        .Case("one_hot", "OneHot")
                        .Case("kernel", "kernel")
                        .Default("");
  if (!known.empty())
    return known.str();
  std::string name;
  for (bool isStart = true; char c : mnemonic) {
    if (c != '_')
      name += isStart ? llvm::toUpper(c) : c;
    isStart = c == '_';
  }
  return name;
}

std::string operatorName(Operation *op) {
  if (auto kind = op->getAttrOfType<StringAttr>(nodeKindAttr))
    return kind.str();
  return onnxName(op->getName().stripDialect());
}

/// A name from a file as a terminal may be shown it.
static std::string printable(StringRef name) {
  std::string text;
  for (char c : name)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f')
      text += "\\x" + llvm::utohexstr(static_cast<unsigned char>(c), /*LowerCase=*/true, /*Width=*/2);
    else
      text += c;
  return text;
}

std::string describe(Operation *op) {
  std::string name = printable(nameOf(op->getLoc()));
  return (name.empty() ? "" : "'" + name + "' ") + "(" + operatorName(op) + ")";
}

std::string typeText(Type type) {
  std::string text;
  llvm::raw_string_ostream out(text);
  auto tensor = dyn_cast<TensorType>(type);
  Type element = tensor ? tensor.getElementType() : type;
  if (std::optional<DType> dtype = toDType(element))
    out << std::string(sinter::nameOf(*dtype));
  else
    out << element;
  if (!tensor)
    return text;
  if (!tensor.hasRank())
    return text + " of unknown rank";
  out << '[';
  llvm::interleave(
      tensor.getShape(), out, [&](int64_t dim) { ShapedType::isDynamic(dim) ? out << '?' : out << dim; }, "x");
  out << ']';
  return text;
}

/// The names that ODS has for operands and element types, and those that the tool prints elsewhere.
static void plainWords(std::string &text) {
  constexpr std::pair<StringLiteral, StringLiteral> words[] = {{"operand #", "input "},
                                                               {"1-bit signless integer", "bool"},
                                                               {"8-bit signless integer", "i8"},
                                                               {"16-bit signless integer", "i16"},
                                                               {"32-bit signless integer", "i32"},
                                                               {"64-bit signless integer", "i64"},
                                                               {"8-bit unsigned integer", "u8"},
                                                               {"16-bit unsigned integer", "u16"},
                                                               {"32-bit unsigned integer", "u32"},
                                                               {"64-bit unsigned integer", "u64"},
                                                               {"16-bit float", "f16"},
                                                               {"32-bit float", "f32"},
                                                               {"64-bit float", "f64"}};
  for (auto [from, to] : words)
    for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
      // "1-bit" ends others, too.
      if (at == 0 || !llvm::isDigit(text[at - 1]))
        text.replace(at, from.size(), to);
    }
}

std::string messageOf(Diagnostic &diagnostic, std::string *op) {
  std::string text;
  llvm::raw_string_ostream out(text);
  for (DiagnosticArgument &argument : diagnostic.getArguments()) {
    if (argument.getKind() == DiagnosticArgument::DiagnosticArgumentKind::Type)
      out << typeText(argument.getAsType());
    else
      argument.print(out);
  }
  // emitOpError and the checks of operands begin with "'nn.conv' op ".
  constexpr StringLiteral before = "'nn.", after = "' op ";
  for (size_t from = 0; (from = text.find(before, from)) != std::string::npos; ++from) {
    size_t end = text.find('\'', from + 1);
    if (end == std::string::npos)
      break;
    bool isFirst = from == 0 && StringRef(text).substr(end).starts_with(after);
    std::string name = onnxName(StringRef(text).slice(from + before.size(), end));
    text.replace(from, end + (isFirst ? after.size() : 1) - from, isFirst ? "" : name);
    if (isFirst && op)
      *op = name;
  }
  plainWords(text);
  return text;
}

} // namespace sinter::nn
