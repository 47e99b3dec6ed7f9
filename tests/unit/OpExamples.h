// The documented example of every op, as a program that tests can run.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace sinter {

/// One ```mlir block of docs/ops.md, which is generated from the op definitions.
struct Example {
  std::string op, body;
};
std::vector<Example> readExamples();
/// What those leave out: attributes that bend a function, constant operands, sizes that other kernels take.
std::vector<Example> furtherExamples();

/// How a failing parameter is printed.
inline void PrintTo(const Example &example, std::ostream *out) { *out << example.op; }

/// The example as a function @main whose arguments are the values it does not define and whose results are
/// the last op's.
std::string wrap(const std::string &body);

} // namespace sinter
