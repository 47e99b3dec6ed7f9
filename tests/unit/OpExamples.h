// The documented example of every op, as a program that tests can run.
#pragma once

#include <ostream>
#include <regex>
#include <string>
#include <vector>

namespace sinter {

/// One ```mlir block of docs/ops.md, which is generated from the op definitions.
struct Example {
  std::string op, body;
};
std::vector<Example> readExamples();
/// Cases that docs/ops.md leaves out: attributes that change a function, constant operands, sizes for other kernels.
std::vector<Example> furtherExamples();

/// The name of a test whose parameter is an example; `info` is googletest's.
template <typename Info> std::string testName(const Info &info) {
  return std::regex_replace(info.param.op, std::regex("\\W"), "_") + "_" + std::to_string(info.index);
}

/// How a failing parameter is printed.
inline void PrintTo(const Example &example, std::ostream *out) { *out << example.op; }

/// The example as a function @main whose arguments are the values it does not define and whose results are
/// the last op's.
std::string wrap(const std::string &body);

} // namespace sinter
