// Names, default values and bounds come from the argument and result attributes of the function @main.
#include "codegen/artefact/ModelTables.h"
#include "ir/Bounds.h"
#include "ir/Weights.h"

using namespace mlir;

namespace sinter::codegen {

std::vector<SinterTensorInfo> TensorTables::infos(const std::vector<TensorEntry> &entries) {
  std::vector<SinterTensorInfo> infos;
  for (const TensorEntry &entry : entries) {
    const void *defaultValue = entry.defaultValue ? entry.defaultValue->data() : nullptr;
    infos.push_back({entry.name.c_str(), entry.shape.data(), static_cast<int32_t>(entry.shape.size()),
                     static_cast<int32_t>(entry.type), defaultValue, entry.countedBy, entry.boundedAxis});
  }
  return infos;
}

static TensorEntry entryOf(Type type, StringAttr name, StringRef role, unsigned index) {
  auto tensor = cast<RankedTensorType>(type);
  std::string given = name ? name.str() : (role + std::to_string(index)).str();
  return {given, *nn::toDType(tensor.getElementType()), Shape(tensor.getShape()), std::nullopt, 0, 0};
}

TensorTables tensorTables(func::FuncOp main) {
  TensorTables tables;
  for (auto [i, type] : llvm::enumerate(main.getArgumentTypes())) {
    TensorEntry entry = entryOf(type, main.getArgAttrOfType<StringAttr>(i, "nn.name"), "input", i);
    if (auto value = main.getArgAttrOfType<ElementsAttr>(i, "nn.default"))
      entry.defaultValue = nn::readElements(value);
    tables.inputs.push_back(std::move(entry));
  }
  for (auto [i, type] : llvm::enumerate(main.getResultTypes())) {
    TensorEntry entry = entryOf(type, main.getResultAttrOfType<StringAttr>(i, "nn.name"), "output", i);
    if (auto bound = main.getResultAttrOfType<DenseI64ArrayAttr>(i, nn::boundAttr); bound && bound.size() == 2) {
      entry.boundedAxis = static_cast<int32_t>(bound[0]);
      entry.countedBy = static_cast<int32_t>(bound[1]) + 1;
    }
    if (main.getResultAttr(i, nn::countAttr))
      entry.countedBy = -1;
    tables.outputs.push_back(std::move(entry));
  }
  return tables;
}

} // namespace sinter::codegen
