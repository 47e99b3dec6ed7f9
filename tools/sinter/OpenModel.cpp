// The one place where the tool decides between compiling and loading.
#include "tools/sinter/OpenModel.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sinter {

bool isCompiled(const std::string &path) { return path.ends_with(".so"); }

Expected<std::shared_ptr<Model>> openModel(const std::string &path, const CommonOptions &options) {
  if (!isCompiled(path))
    return compileModel(path, options.compile);
  std::vector<std::string> used = options.usedCompileOptions();
  if (!used.empty())
    return Failure{
        ErrorCode::InvalidArgument,
        fmt::format("'{}' is compiled already, so {} cannot change it: leave it out, or give the .onnx file",
                    path, fmt::join(used, ", "))};
  return Model::load(path);
}

Expected<std::shared_ptr<Model>> compileModel(const std::string &path, const CompileOptions &options) {
  Expected<std::shared_ptr<CompiledModel>> compiled = compileInProcess(path, options);
  if (!compiled)
    return compiled.failure();
  return Model::fromAbi((*compiled)->abi(), *compiled);
}

Tensor asDeclared(const SinterTensorInfo &info, const Tensor &recorded) {
  Tensor tensor = info.rank == 0 && recorded.size() == 1 ? recorded.reshaped({}) : recorded;
  if (typeOf(info) != DType::BF16 || tensor.type() != DType::U16)
    return tensor;
  auto owner = std::make_shared<Tensor>(tensor);
  return Tensor::view(DType::BF16, tensor.shape(), owner->data(), owner);
}

std::string describe(std::span<const SinterTensorInfo> tensors) {
  std::vector<std::string> parts;
  for (const SinterTensorInfo &info : tensors)
    parts.push_back(fmt::format("{} ({} {})", info.name, nameOf(typeOf(info)), toString(shapeOf(info))));
  return fmt::format("{}", fmt::join(parts, ", "));
}

} // namespace sinter
