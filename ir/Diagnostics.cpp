// See the header.
#include "ir/Diagnostics.h"
#include "mlir/IR/Location.h"

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

std::string describe(Operation *op) {
  std::string name = nameOf(op->getLoc());
  return (name.empty() ? "" : "'" + name + "' ") + "(" + op->getName().getStringRef().str() + ")";
}

} // namespace sinter::nn
