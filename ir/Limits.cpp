// One table pairs each limit's name with its field; the module carries what callers gave in an attribute.
#include "ir/Limits.h"
#include "ir/Weights.h"
#include "ir/ops/Constant.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "runtime/OptionMark.h"
#include "runtime/ProcessMemory.h"
#include "llvm/Support/FormatVariadic.h"
#include <limits>

using namespace mlir;

namespace sinter::nn {

namespace {
struct Named {
  StringRef name;
  int64_t Limits::*field;
};
constexpr Named fields[] = {{"value", &Limits::value},          {"ops", &Limits::ops},
                            {"parts", &Limits::parts},          {"fold-work", &Limits::foldWork},
                            {"fold-bytes", &Limits::foldBytes}, {"table", &Limits::table},
                            {"stack", &Limits::stack}};
} // namespace

int64_t *Limits::find(StringRef name) {
  for (const Named &entry : fields)
    if (entry.name == name)
      return &(this->*entry.field);
  return nullptr;
}

Limits Limits::with(const std::map<std::string, int64_t> &given) {
  Limits limits;
  for (const auto &[name, most] : given)
    if (int64_t *limit = limits.find(name))
      *limit = most;
  return limits;
}

std::string Limits::names() {
  std::string all;
  for (const Named &entry : fields)
    all += (all.empty() ? "" : ", ") + entry.name.str();
  return all;
}

int64_t Limits::valueBytes() const { return value > 0 ? value : processMemory(); }

void setLimits(ModuleOp module, const std::map<std::string, int64_t> &given) {
  if (given.empty())
    return;
  Builder b(module.getContext());
  SmallVector<NamedAttribute> attributes;
  for (const auto &[name, most] : given)
    attributes.push_back(b.getNamedAttr(name, b.getI64IntegerAttr(most)));
  module->setAttr(limitsAttr, b.getDictionaryAttr(attributes));
}

void countGivenBytes(ModuleOp module) {
  int64_t given = 0;
  module.walk([&](ConstantOp constant) {
    if (!isa<SplatElementsAttr>(constant.getValue()))
      given += std::min(bytesOf(constant.getType()).value_or(0), int64_t(1) << 40);
  });
  constexpr int64_t many = int64_t(1) << 20;
  if (given >= many && !module->hasAttr(givenBytesAttr))
    module->setAttr(givenBytesAttr, Builder(module.getContext()).getI64IntegerAttr(given));
}

Limits limitsOf(Operation *op) {
  Limits limits;
  auto module = dyn_cast<ModuleOp>(op);
  if (!module)
    module = op->getParentOfType<ModuleOp>();
  auto given = module ? module->getAttrOfType<DictionaryAttr>(limitsAttr) : DictionaryAttr();
  if (given)
    for (NamedAttribute attribute : given)
      if (auto most = dyn_cast<IntegerAttr>(attribute.getValue()); most && most.getType().isInteger(64))
        if (int64_t *limit = limits.find(attribute.getName()))
          *limit = std::max<int64_t>(most.getInt(), 0);
  return limits;
}

std::optional<int64_t> product(int64_t a, int64_t b) {
  int64_t result;
  if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &result))
    return std::nullopt;
  return result;
}

std::optional<int64_t> bytesOf(Type type) {
  auto ranked = dyn_cast<RankedTensorType>(type);
  std::optional<DType> element = ranked ? toDType(ranked.getElementType()) : std::nullopt;
  if (!element || !ranked.hasStaticShape())
    return std::nullopt;
  // Within 2^56 elements, as elementCount says, bytes can be counted.
  std::optional<int64_t> count = elementCount(ranked.getShape());
  return count ? *count * static_cast<int64_t>(sizeOf(*element)) : std::numeric_limits<int64_t>::max();
}

/// "35.2 TB"
static std::string sizeText(int64_t bytes) {
  const char *units[] = {"bytes", "KB", "MB", "GB", "TB", "PB"};
  auto size = static_cast<double>(bytes);
  size_t unit = 0;
  for (; size >= 1000 && unit + 1 < std::size(units); ++unit)
    size /= 1000;
  return llvm::formatv(unit ? "{0:f1} {1}" : "{0:f0} {1}", size, units[unit]).str();
}

std::string checkType(Type type, const Limits &limits) {
  std::optional<int64_t> bytes = bytesOf(type);
  if (!bytes || *bytes <= limits.valueBytes())
    return "";
  std::string shape = toString(cast<RankedTensorType>(type).getShape());
  if (*bytes == std::numeric_limits<int64_t>::max())
    return "a value of shape " + shape + " has more elements than can be counted: give smaller sizes";
  return checkBytes("a value of shape " + shape + " takes", *bytes, limits);
}

std::string checkBytes(const std::string &what, int64_t bytes, const Limits &limits) {
  if (bytes <= limits.valueBytes())
    return "";
  return what + " " + sizeText(bytes) + ", more than the " + sizeText(limits.valueBytes()) +
         (limits.value > 0 ? " that the limit allows" : " that this process may have") +
         ": give smaller sizes, or raise it (" + optionMark("limit", "value=BYTES") + ")";
}

bool hasLongAxis(Operation *op) {
  int64_t most = limitsOf(op).table;
  auto isLong = [&](Type type) {
    auto ranked = dyn_cast<RankedTensorType>(type);
    return ranked && llvm::any_of(ranked.getShape(), [&](int64_t dim) { return dim > most; });
  };
  return llvm::any_of(op->getOperandTypes(), isLong) || llvm::any_of(op->getResultTypes(), isLong);
}

} // namespace sinter::nn
