// The interface to kernels that are not generated code: primitives of a library such as oneDNN. The runtime
// knows only this interface, so a program that needs no fallback links none.
#pragma once

#include "runtime/Abi.h"
#include "runtime/Status.h"

#include <memory>

namespace sinter {

/// The primitives of one session's model, created once, with all the memory they need.
class Fallback {
public:
  virtual ~Fallback() = default;
  /// Runs the primitive of model.kernels[kernel]; 0, or an error code that lastError() puts into words.
  virtual int32_t call(int32_t kernel, void *const *buffers) = 0;
  /// Runs generated code between primitives, as ThreadPool does, but on the library's own threads: two teams would wait
  /// for each other's cores.
  virtual void parallelFor(SinterKernelFn fn, void *const *buffers, int64_t total, int64_t grain) = 0;
  /// Called before and after the primitives of a run: all threads flush subnormals (or do not) in between.
  virtual void begin(bool flush) = 0;
  virtual void end() = 0;
  virtual std::string lastError() const = 0;
};

/// Creates a primitive for every kernel of `model` whose `fallback` description is not null.
using FallbackFactory = Expected<std::unique_ptr<Fallback>> (*)(const SinterModel &model, int threads);

/// Called by a program that links a fallback, before it creates sessions.
void setFallbackFactory(FallbackFactory factory);
FallbackFactory fallbackFactory();

} // namespace sinter
