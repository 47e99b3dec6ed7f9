// A network a third of whose channels are dead on images in [0, 1] (examples/dead-channels): they leave, the
// multiply-adds with them, and the scores stay.
#include "runtime/TensorProto.h"
#include "tests/cli/Cli.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace sinter;
using namespace sinter::cli;

namespace {

const std::string network = SINTER_SOURCE_DIR "/examples/dead-channels/dead_channels.onnx";
const std::string pruned = network + " --input-range image=0:1 ", whole = pruned + "--no-prune ";

std::vector<double> scores(const std::string &options, const std::string &output) {
  Outcome outcome = run("run " + options + "--input image=@/image.pb --output scores=@/" + output);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  return toDoubles(readTensor(pathOf(output))->tensor);
}

} // namespace

TEST(DeadChannels, ExplainCountsBeforeAndAfter) {
  // 40x40 pixels: conv1 3*36*9, conv2 and conv3 36*36*9, classifier 36*10; of 36 channels 24 stay.
  expectContains(run("explain " + pruned).out,
                 {"38.88 M as imported, 17.63 M compiled", "36 constant channels left the network", "12/36"});
  expectContains(run("explain " + pruned + "--format json").out,
                 {"\"constant_channels_removed\": 36", "\"macs_before\": 38880360", "\"macs_after\": 17625840"});
  for (std::string options : {whole, network + " "})
    expectContains(run("explain " + options + "--format json").out,
                   {"\"constant_channels_removed\": 0", "\"macs_after\": 38880360"});
}

TEST(DeadChannels, ScoresStay) {
  Tensor image(DType::F32, {1, 3, 40, 40});
  std::vector<double> pixels(static_cast<size_t>(image.size()));
  for (size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = 0.5 + 0.5 * std::sin(0.7 * static_cast<double>(i * i % 1009));
  storeDoubles(image, pixels);
  ASSERT_TRUE(writeTensor(pathOf("image.pb"), {"image", image}).ok());
  std::vector<double> less = scores(pruned, "pruned.npy"), all = scores(whole, "whole.npy");
  ASSERT_EQ(less.size(), 10u);
  for (size_t i = 0; i < less.size(); ++i)
    EXPECT_NEAR(less[i], all[i], 1e-5 * std::fabs(all[i]) + 1e-6);
  Outcome verified = run("verify " + pruned + "--bisect");
  EXPECT_EQ(verified.status, 0) << verified.out;
}

TEST(DeadChannels, BenchRunsBoth) {
  for (const std::string &options : {pruned, whole}) {
    Outcome outcome = run("bench " + options + "--seconds 0.05 --threads 1");
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    expectContains(outcome.out, {"min ", "GFLOP a run"});
  }
}
