// Options of code generation, beside kernels and a target.
#pragma once

#include "runtime/Status.h"
#include <cstdint>
#include <functional>
#include <limits>

namespace sinter::codegen {

struct CodegenOptions {
  int jobs = 0;                ///< threads that compile; 0: one per CPU
  bool checkIndices = true;    ///< kernels end the run where an index of the run lies outside its dimension
  bool flushSubnormals = true; ///< where contractions multiply them
  int64_t stackLimit = std::numeric_limits<int64_t>::max(); ///< bytes that a run may need
  /// Told which part of the code is made, in [0, 1]; a failure ends the compilation. Called from any of its threads,
  /// never from two at a time. May be null.
  std::function<Status(double)> progress;
};

} // namespace sinter::codegen
