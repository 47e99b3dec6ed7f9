// The backends by name, and what --backend may say of them: the one place that knows these words. Options, passes,
// tables of compiled models and reports all ask here. codegen/Backend.cpp lists the implementations.
#pragma once

#include "runtime/Abi.h"

#include <string>
#include <string_view>
#include <vector>

namespace sinter {

struct BackendName {
  std::string_view name;  ///< in options, tables and reports
  std::string_view title; ///< in sentences
};

/// Generated code. It can do what all others can, so it helps out where another one that was chosen cannot.
inline constexpr std::string_view generatedCode = "llvm";
inline constexpr std::string_view oneDnnPrimitives = "onednn";

/// In the order in which `auto` asks them.
inline constexpr BackendName backendNames[] = {{generatedCode, "generated code"}, {oneDnnPrimitives, "oneDNN"}};

/// The name of a backend in sentences: its title, or `name` itself where no backend has that.
std::string_view backendTitle(std::string_view name);

/// Whose a compiled model's kernel is: what the host computes is described for oneDNN.
inline const char *backendOf(const SinterKernelInfo &kernel) {
  return (kernel.fallback ? oneDnnPrimitives : generatedCode).data();
}

/// A choice of backends: `auto`, one by name, or the reference, which interprets the model.
class BackendChoice {
public:
  static constexpr std::string_view reference = "reference";

  explicit BackendChoice(std::string_view text);

  /// All that may be chosen.
  static std::vector<std::string> all();

  /// Whether the text is one of these; if it is not, all else is false.
  bool isKnown() const { return isReference() || !asked.empty(); }
  bool isAuto() const;
  bool isReference() const;
  /// Whether generated code comes first, so that its layouts and its kinds of kernels do.
  bool prefersGeneratedCode() const { return !asked.empty() && asked.front() == generatedCode; }
  /// Whether a library of others comes first.
  bool prefersLibrary() const { return !asked.empty() && !prefersGeneratedCode(); }

  /// The backends that are asked, the preferred one first; none for the reference.
  const std::vector<std::string_view> &order() const { return asked; }
  std::string_view name() const { return text; }

private:
  std::string text;
  std::vector<std::string_view> asked;
};

} // namespace sinter
