// Formats the table twice: once to measure the other columns, then with the names as wide as the terminal leaves.
#include "tools/sinter/ProfileText.h"

#include "tools/sinter/TextTable.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <llvm/Support/JSON.h>

namespace sinter {
namespace {

constexpr size_t shortestNames = 16, longestOps = 20; // characters

constexpr const char *legend = R"(
  MB: inputs, weights and outputs, each once. CALLS: phases of a run. ROOFLINE: what the machine needs at least
  (the operations at the peak, or the bytes at the speed of a cache that holds them; LIMIT: the longer time), of the
  time measured; above 100 % where an algorithm needs fewer operations than are counted.
)";

/// Three digits; "-" for what is unknown or nothing.
std::string number(double value) {
  if (!std::isfinite(value) || value == 0)
    return "-";
  return value >= 100 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}

std::string percent(double share, int digits) {
  return std::isfinite(share) ? fmt::format("{:.{}f} %", 100 * share, digits) : "-";
}

TextTable::Cell rooflineCell(const KernelProfile &kernel) {
  double share = kernel.shareOfRoofline();
  Colour colour = share >= 0.6 ? Colour::Green : share >= 0.3 ? Colour::Yellow : Colour::Red;
  return {percent(share, 0), std::isfinite(share) ? colour : Colour::None};
}

/// "llvm", or the algorithm's first word.
std::string methodOf(const KernelProfile &kernel) {
  return kernel.algorithm.empty() ? kernel.backend : kernel.algorithm.substr(0, kernel.algorithm.find(' '));
}

/// All node names if they fit, else the first and how many follow: "layer1.0.conv1 +2".
std::string nodesOf(const KernelProfile &kernel, size_t longest) {
  std::string all = llvm::json::fixUTF8(kernel.name);
  if (kernel.nodes.size() < 2 || all.size() <= longest)
    return all.empty() ? "-" : shortened(all, longest);
  std::string rest = fmt::format(" +{}", kernel.nodes.size() - 1);
  return shortened(llvm::json::fixUTF8(kernel.nodes[0]), longest - rest.size()) + rest;
}

/// "3 kernels".
std::string kernelCount(size_t n) { return fmt::format("{} kernel{}", n, n == 1 ? "" : "s"); }

std::vector<const KernelProfile *> byTime(const ModelProfile &profile) {
  std::vector<const KernelProfile *> rows;
  for (const KernelProfile &kernel : profile.kernels)
    rows.push_back(&kernel);
  std::stable_sort(rows.begin(), rows.end(),
                   [](const KernelProfile *a, const KernelProfile *b) { return a->ms > b->ms; });
  return rows;
}

void addRow(TextTable &table, std::string name, std::string ops, std::string method, const KernelProfile &kernel,
            const char *limit) {
  table.add({std::move(name), std::move(ops), std::move(method), std::to_string(kernel.calls), number(kernel.ms),
             percent(kernel.share, 1), number(kernel.gflops()), number(kernel.bytes * 1e-6),
             number(kernel.gbPerSecond()), rooflineCell(kernel), limit});
}

std::string tableText(const ModelProfile &profile, const ProfileStyle &style, size_t longestName) {
  TextTable table({"NODES",
                   "OPS",
                   "BY",
                   {"CALLS", true},
                   {"MS", true},
                   {"SHARE", true},
                   {"GFLOP/S", true},
                   {"MB", true},
                   {"GB/S", true},
                   {"ROOFLINE", true},
                   "LIMIT"},
                  style.colour);
  std::vector<const KernelProfile *> rows = byTime(profile);
  size_t shown = std::min(rows.size(), style.rows);
  ModelProfile rest;
  for (size_t i = 0; i < rows.size(); ++i)
    if (i >= shown)
      rest.kernels.push_back(*rows[i]);
    else
      addRow(table, nodesOf(*rows[i], longestName), shortened(rows[i]->ops, longestOps), methodOf(*rows[i]), *rows[i],
             rows[i]->rooflineMs == 0 ? ""
             : rows[i]->boundByBytes  ? "bytes"
                                      : "flops");
  if (!rest.kernels.empty())
    addRow(table, shortened(fmt::format("{} more (--all)", rest.kernels.size()), longestName), "", "", rest.total(),
           "");
  addRow(table, "total", "", "", profile.total(), "");
  return table.text();
}

std::string headText(const ModelProfile &profile) {
  std::string text = fmt::format("{}: {}, {} thread{}, {} in {} ms\n", profile.model,
                                 kernelCount(profile.kernels.size()), profile.threads, profile.threads == 1 ? "" : "s",
                                 profile.isCompiled ? "loaded" : "compiled", number(profile.readyMs));
  text += fmt::format(
      "  a run takes {:.4g} ms, observed {:.4g} ms ({:+.1f} %), of which {} ms outside kernels; medians "
      "of {} runs each{}\n",
      profile.unprofiledMs, profile.profiledMs, 100 * profile.overhead(), number(profile.outsideMs), profile.runs,
      profile.runsPerKernel > 1 ? fmt::format(", a kernel's of one in {}", profile.runsPerKernel) : "");
  text += fmt::format("  measured now: peak {} GFLOP/s", number(profile.peakGflops));
  auto points = profile.bandwidth.points();
  for (size_t i = 0; i < points.size(); i += std::max<size_t>(points.size() - 1, 1)) {
    bool isSmall = points[i].bytes < (1 << 20);
    text += fmt::format("{} {} GB/s in {:.0f} {}", i == 0 ? "," : " to", number(points[i].gbPerSecond),
                        points[i].bytes / (isSmall ? 1 << 10 : 1 << 20), isSmall ? "KB" : "MB");
  }
  return text + "\n\n";
}

} // namespace

std::string profileText(const ModelProfile &profile, const ProfileStyle &style) {
  // The head of the last column is as wide as its cells, so the head's line is as wide as the table.
  ProfileStyle plain = style;
  plain.colour = false;
  size_t others = tableText(profile, plain, shortestNames).find('\n') - shortestNames;
  size_t names = style.width > others + shortestNames ? style.width - others : shortestNames;
  return headText(profile) + tableText(profile, style, names) + legend;
}

} // namespace sinter
