// From a file to a module: hands its graph to GraphImporter.
#include "ir/onnx/GraphImporter.h"

using namespace mlir;

namespace sinter::nn {

Expected<OwningOpRef<ModuleOp>> importOnnx(const ModelFile &file, MLIRContext &context, const ImportOptions &options) {
  context.loadDialect<NNDialect, func::FuncDialect>();
  try {
    Expected<OwningOpRef<ModuleOp>> module = GraphImporter(*file.proto, file.folder, context, options).run();
    if (!module)
      return Failure{module.failure().code, "'" + file.path + "': " + module.failure().message};
    return module;
  } catch (const std::bad_alloc &) {
    return Failure{ErrorCode::OutOfMemory, "'" + file.path + "' needs more memory than there is"};
  } catch (const std::exception &e) {
    return Failure{ErrorCode::InvalidFile, "'" + file.path + "': " + e.what()};
  }
}

} // namespace sinter::nn
