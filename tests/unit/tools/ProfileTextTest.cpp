// The table of `sinter profile`, of made-up measurements.
#include "tools/sinter/ProfileText.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace sinter;

namespace {

KernelProfile kernel(std::string name, std::vector<std::string> nodes, double ms, double rooflineMs) {
  KernelProfile k;
  k.name = std::move(name);
  k.nodes = std::move(nodes);
  k.ops = "conv+relu";
  k.backend = "llvm";
  k.flops = 1e8;
  k.bytes = 2e6;
  k.calls = 1;
  k.ms = k.minMs = ms;
  k.share = ms / 4;
  k.rooflineMs = rooflineMs;
  return k;
}

ModelProfile threeKernels() {
  ModelProfile profile;
  profile.model = "m.onnx";
  profile.unprofiledMs = 4;
  profile.profiledMs = 4.04;
  profile.runs = 7;
  profile.peakGflops = 100;
  profile.bandwidth = StreamBandwidth({{32768, 100}, {131072, 50}});
  profile.kernels = {kernel("cheap", {"cheap"}, 0.5, 0), kernel("dear+bn+relu", {"dear", "bn", "relu"}, 2.5, 1.25),
                     kernel("middle", {"middle"}, 1, 1.5)};
  profile.kernels[1].algorithm = "Winograd F(4x4, 3x3)";
  profile.kernels[2].boundByBytes = true;
  return profile;
}

/// The table's lines, without what comes before and after.
std::string tableOf(const ProfileStyle &style) {
  std::string text = profileText(threeKernels(), style);
  size_t begin = text.find("  NODES");
  return text.substr(begin, text.find("\n\n", begin) + 1 - begin);
}

} // namespace

TEST(ProfileText, TheMostExpensiveFirst) {
  EXPECT_EQ(tableOf({}),
            "  NODES         OPS        BY        CALLS   MS    SHARE  GFLOP/S  MB  GB/S  ROOFLINE  LIMIT\n"
            "  dear+bn+relu  conv+relu  Winograd      1  2.5   62.5 %       40   2   0.8      50 %  flops\n"
            "  middle        conv+relu  llvm          1    1   25.0 %      100   2     2     150 %  bytes\n"
            "  cheap         conv+relu  llvm          1  0.5   12.5 %      200   2     4         -\n"
            "  total                                  3    4  100.0 %       75   6   1.5         -\n");
}

TEST(ProfileText, TheOthersAreSummedUp) {
  ProfileStyle style;
  style.rows = 1;
  EXPECT_NE(
      tableOf(style).find("  2 more (--all)                           2  1.5   37.5 %      133   4  2.67         -\n"),
      std::string::npos)
      << tableOf(style);
  style.rows = 0;
  EXPECT_NE(tableOf(style).find("3 more (--all)"), std::string::npos);
}

TEST(ProfileText, NamesAreShortenedToTheWidth) {
  ModelProfile profile = threeKernels();
  std::string longName = "/layer4/layer4.1/a_block_of_a_long_name/conv1/Conv";
  profile.kernels[1].nodes[0] = longName;
  profile.kernels[1].name = longName + "+bn+relu";
  for (size_t width : {100, 110, 130}) {
    ProfileStyle style;
    style.width = width;
    std::string text = profileText(profile, style);
    size_t begin = text.find("  NODES"), end = text.find('\n', begin);
    EXPECT_EQ(end - begin, width);
    EXPECT_NE(text.find("Conv +2"), std::string::npos) << text;
  }
}

TEST(ProfileText, ColoursOnlyWhereAsked) {
  ProfileStyle style;
  EXPECT_EQ(tableOf(style).find('\x1b'), std::string::npos);
  style.colour = true;
  EXPECT_NE(tableOf(style).find("\x1b[33m50 %\x1b[0m"), std::string::npos);
  EXPECT_NE(tableOf(style).find("\x1b[32m150 %\x1b[0m"), std::string::npos);
}

TEST(ModelProfile, SumsAndShares) {
  ModelProfile profile = threeKernels();
  EXPECT_NEAR(profile.overhead(), 0.01, 1e-12);
  KernelProfile total = profile.total();
  EXPECT_DOUBLE_EQ(total.ms, 4);
  EXPECT_DOUBLE_EQ(total.share, 1);
  EXPECT_DOUBLE_EQ(profile.kernels[1].shareOfRoofline(), 0.5);
  // Nothing is known of one kernel, so nothing is of the sum.
  EXPECT_TRUE(std::isnan(profile.kernels[0].shareOfRoofline()));
  EXPECT_TRUE(std::isnan(total.shareOfRoofline()));
  profile.kernels.erase(profile.kernels.begin());
  EXPECT_DOUBLE_EQ(profile.total().shareOfRoofline(), 2.75 / 3.5);
}

TEST(StreamBandwidth, InterpolatesByTheLogarithm) {
  StreamBandwidth bandwidth({{1024, 100}, {4096, 60}, {16384, 20}});
  EXPECT_DOUBLE_EQ(bandwidth.at(10), 100);
  EXPECT_DOUBLE_EQ(bandwidth.at(1024), 100);
  EXPECT_DOUBLE_EQ(bandwidth.at(2048), 80);
  EXPECT_DOUBLE_EQ(bandwidth.at(4096), 60);
  EXPECT_DOUBLE_EQ(bandwidth.at(1e9), 20);
  EXPECT_EQ(StreamBandwidth({}).at(1), 0);
}

TEST(StreamBandwidth, IsMeasured) {
  StreamBandwidth bandwidth = StreamBandwidth::measure(100e3, 1);
  ASSERT_EQ(bandwidth.points().size(), 2u);
  for (const StreamBandwidth::Point &point : bandwidth.points())
    EXPECT_GT(point.gbPerSecond, 0);
  EXPECT_EQ(StreamBandwidth::measure(0, 1).points().size(), 1u);
}
