// Classifies the held-out digits with a compiled model: loads the .so and .npy files, runs one inference,
// draws a few digits with the answers and prints the accuracy. An example of a program that embeds a model,
// not the compiler.
#include "runtime/Model.h"
#include "runtime/Npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

using namespace sinter;

namespace {

constexpr int64_t side = 8;
constexpr int64_t classes = 10;

/// Prints the failure and gives the program's exit status.
int fail(const Failure &failure) {
  fmt::print(stderr, "digits-classify: error: {}\n", failure.message);
  return 1;
}

int fail(const std::string &message) { return fail(Failure{ErrorCode::InvalidArgument, message}); }

/// One row of a digit, two characters a pixel, darker for higher values.
std::string drawRow(std::span<const float> pixels) {
  static constexpr std::string_view ramp = " .:-=+*#%@";
  std::string row;
  for (float pixel : pixels) {
    auto shade = static_cast<size_t>(std::clamp(pixel, 0.0f, 1.0f) * float(ramp.size() - 1) + 0.5f);
    row.append(2, ramp[shade]);
  }
  return row;
}

int64_t argMax(std::span<const float> logits) {
  return std::max_element(logits.begin(), logits.end()) - logits.begin();
}

/// Draws the given images side by side with what the model says below.
void draw(std::span<const int64_t> chosen, const Tensor &images, std::span<const int64_t> answers,
          std::span<const int64_t> labels) {
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t i : chosen)
      fmt::print("  {}", drawRow(images.as<float>().subspan(size_t((i * side + y) * side), side)));
    fmt::print("\n");
  }
  for (int64_t i : chosen)
    fmt::print("  {:<16}", answers[i] == labels[i] ? fmt::format("-> {}", answers[i])
                                                   : fmt::format("-> {} (is {})", answers[i], labels[i]));
  fmt::print("\n\n");
}

/// Lists the kernels of the network: the nodes that each stands for, and the ops that it still computes.
/// A node whose kind is not named on the right went into another op's constants.
void listKernels(const Model &model) {
  fmt::print("  {:<40} {}\n", "nodes", "computed as");
  for (const SinterKernelInfo &kernel : model.kernels())
    fmt::print("  {:<40} {}{}\n", kernel.name, kernel.ops, kernel.fallback ? " (oneDNN)" : "");
  fmt::print("\n");
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 4 && argc != 5)
    return fail("usage: digits-classify MODEL.so IMAGES.npy LABELS.npy [REFERENCE_LOGITS.npy]");
  auto model = Model::load(argv[1]);
  if (!model)
    return fail(model.failure());
  listKernels(**model);
  auto images = readNpy(argv[2]);
  if (!images)
    return fail(images.failure());
  auto labels = readNpy(argv[3]);
  if (!labels)
    return fail(labels.failure());
  auto session = Session::create(*model);
  if (!session)
    return fail(session.failure());
  auto outputs = (*session)->makeOutputs();
  if (!outputs)
    return fail(outputs.failure());

  const int64_t count = labels->size();
  if (labels->type() != DType::I64 || images->size() != count * side * side || outputs->size() != 1 ||
      outputs->front().size() != count * classes || outputs->front().type() != DType::F32)
    return fail(fmt::format("expected int64 labels, {0}x{0} images and {1} f32 logits for each label", side, classes));
  if (Status status = (*session)->run({&*images, 1}, *outputs); !status.ok())
    return fail(status.failure());

  std::span<const float> logits = outputs->front().as<float>();
  std::span<const int64_t> truth = labels->as<int64_t>();
  std::vector<int64_t> answers, wrong;
  for (int64_t i = 0; i < count; ++i) {
    answers.push_back(argMax(logits.subspan(size_t(i * classes), classes)));
    if (answers.back() != truth[i])
      wrong.push_back(i);
  }

  const int64_t right = count - static_cast<int64_t>(wrong.size());

  std::vector<int64_t> first;
  for (int64_t i = 0; i < std::min<int64_t>(count, 4); ++i)
    first.push_back(i);
  draw(first, *images, answers, truth);
  if (!wrong.empty()) {
    fmt::print("some that it gets wrong:\n");
    wrong.resize(std::min<size_t>(wrong.size(), 4));
    draw(wrong, *images, answers, truth);
  }

  if (argc == 5) {
    auto reference = readNpy(argv[4]);
    if (!reference)
      return fail(reference.failure());
    if (reference->type() != DType::F32 || reference->size() != int64_t(logits.size()))
      return fail("the reference logits have another type or size than the model's output");
    double difference = 0;
    for (size_t i = 0; i < logits.size(); ++i) {
      double distance = std::fabs(double(logits[i]) - double(reference->as<float>()[i]));
      difference = std::isnan(distance) ? INFINITY : std::max(difference, distance);
    }
    fmt::print("largest difference to the reference logits: {:.1e}\n", difference);
    if (difference > 1e-4)
      return fail("that is more than rounding (1e-4)");
  }
  fmt::print("accuracy {:.1f} %\n", 100.0 * double(right) / double(std::max<int64_t>(count, 1)));
  return 0;
}
