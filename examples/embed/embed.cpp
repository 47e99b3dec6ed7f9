// A program with the compiler inside: compiles a model while it runs, reports progress, classifies, says what became of
// the model, and keeps the machine code for next time. usage: embed MODEL.onnx MODEL.so
#include <sinter/sinter.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace {

template <typename T> T require(sinter::Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "error %d: %s\n", result.error().code(), std::string(result.error().message()).c_str());
    std::exit(1);
  }
  return std::move(*result);
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 3)
    return 1;
  sinter::Options options;
  options.dimension("batch", 1).inputRange("image", 0, 1).progress([](const char *stage, double done) {
    std::printf("\r%-10s %3.0f %%", stage, 100 * done);
    return true;
  });
  auto model = require(sinter::Model::compile(argv[1], options));
  std::printf("\n%zu kernels for %s\n", model.kernels().size(), std::string(model.target()).c_str());
  for (const sinter_kernel_info_t &kernel : model.kernels())
    std::printf("  %-32s %s\n", kernel.name, kernel.ops);

  // A one, drawn by hand, as the middle columns of a wider picture: strides, no copy of ours.
  float picture[8][16] = {};
  for (int y = 1; y < 7; ++y)
    picture[y][7] = picture[y][8] = 1;
  sinter::Tensor image(&picture[0][4], {1, 1, 8, 8},
                       {sizeof picture, sizeof picture, sizeof picture[0], sizeof(float)});
  auto session = require(model.session());
  auto outputs = require(session.run({image}));
  std::span<const float> logits = outputs.front().as<float>();
  std::printf("the picture shows a %td\n", std::max_element(logits.begin(), logits.end()) - logits.begin());

  if (auto saved = model.save(argv[2]); !saved)
    return 1;
  auto again = require(sinter::Model::load(argv[2]));
  auto second = require(again.session());
  auto same = require(second.run({image}));
  std::printf("saved and loaded: %s\n", std::equal(logits.begin(), logits.end(), same.front().as<float>().begin())
                                            ? "the same bits"
                                            : "other bits");
}
