// Schedules as text.
#include "codegen/emit/Schedule.h"
#include "ir/ops/Kernel.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

namespace sinter::codegen {

/// More would be no wish but a mistake; sizes up to these cannot overflow either.
static constexpr int64_t maxTile = 64, maxScale = 4;

std::string toString(const Schedule &schedule) {
  std::vector<std::string> parts;
  if (schedule.winograd)
    parts.push_back("winograd=" + std::to_string(*schedule.winograd));
  if (schedule.hasTile())
    parts.push_back("tile=" + std::to_string(schedule.tileRows) + "x" + std::to_string(schedule.tileVectors));
  if (schedule.outer)
    parts.push_back("outer=" + std::to_string(schedule.outer));
  if (schedule.inner)
    parts.push_back("inner=" + std::to_string(schedule.inner));
  return llvm::join(parts, " ");
}

std::optional<Schedule> parseSchedule(llvm::StringRef text) {
  Schedule schedule;
  auto number = [](llvm::StringRef digits, int64_t low, int64_t high, int64_t &value) {
    return !digits.getAsInteger(10, value) && low <= value && value <= high;
  };
  llvm::SmallVector<llvm::StringRef> parts;
  text.split(parts, ' ', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (llvm::StringRef part : parts) {
    auto [key, value] = part.split('=');
    bool isGood = false;
    if (key == "winograd") {
      int64_t extent = 0;
      isGood = number(value, 0, INT64_MAX, extent) && (extent == 0 || llvm::is_contained(winogradExtents, extent));
      schedule.winograd = extent;
    } else if (key == "tile") {
      auto [rows, vectors] = value.split('x');
      isGood = number(rows, 1, maxTile, schedule.tileRows) && number(vectors, 1, maxTile, schedule.tileVectors);
    } else if (key == "outer" || key == "inner") {
      isGood = number(value, -maxScale, maxScale, key == "outer" ? schedule.outer : schedule.inner);
    }
    if (!isGood)
      return std::nullopt;
  }
  return schedule;
}

Schedule scheduleOf(mlir::Operation *op) {
  auto kernel = op->getParentOfType<nn::KernelOp>();
  auto text = kernel ? kernel->getAttrOfType<mlir::StringAttr>(nn::scheduleAttr) : mlir::StringAttr();
  return text ? parseSchedule(text.getValue()).value_or(Schedule()) : Schedule();
}

int64_t scaled(int64_t size, int64_t logarithm) {
  return std::max<int64_t>(logarithm < 0 ? size >> -logarithm : size << logarithm, 1);
}

int64_t evenPart(int64_t whole, int64_t part) {
  int64_t parts = llvm::divideCeilSigned(whole, std::max<int64_t>(part, 1));
  return llvm::divideCeilSigned(whole, std::max<int64_t>(parts, 1));
}

} // namespace sinter::codegen
