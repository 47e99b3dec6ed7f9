// Inputs are uniform in [-1, 1], integers in [-9, 9], from a fixed seed.
#include "tests/unit/RunModel.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace sinter {

std::vector<Tensor> uniformInputs(const Model &model) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<Tensor> inputs;
  for (const SinterTensorInfo &info : model.inputs()) {
    Tensor tensor(typeOf(info), shapeOf(info));
    std::vector<double> values(static_cast<size_t>(tensor.size()));
    for (double &value : values)
      value = isFloat(tensor.type()) ? uniform(random) : std::round(9 * uniform(random));
    storeDoubles(tensor, values);
    inputs.push_back(tensor);
  }
  return inputs;
}

std::vector<Tensor> compileAndRun(const std::string &path, const CompileOptions &options, int threads) {
  auto compiled = compileInProcess(path, options);
  if (!compiled) {
    ADD_FAILURE() << compiled.failure().message;
    return {};
  }
  std::shared_ptr<Model> model = *Model::fromAbi((*compiled)->abi(), *compiled);
  auto session = Session::create(model, threads);
  auto outputs = (*session)->makeOutputs();
  Status status = (*session)->run(uniformInputs(*model), *outputs);
  EXPECT_TRUE(status.ok()) << status.message();
  return status.ok() ? *outputs : std::vector<Tensor>();
}

} // namespace sinter
