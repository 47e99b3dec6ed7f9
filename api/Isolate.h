// Compiling in a process of its own, of which the host only reads the result.
#pragma once

#include "api/OptionsHandle.h"
#include "compiler/Compiler.h"

namespace sinter::api {

/// The request to the other process.
struct IsolateRequest {
  std::string verb;   ///< "file", "content" or "explain"
  std::string path;   ///< of the model; of content, what it is called
  int32_t format = 0; ///< of content
  std::span<const std::byte> content;
  std::string output, emit;
};

/// Runs it; `text`, if not null, gets what an explanation says. Nothing is left of outputs where it fails.
sinter_error_t *isolate(const IsolateRequest &request, const sinter_options &options, std::string *text = nullptr);

/// Compiles a file, or content, and loads the result.
sinter_error_t *isolateCompile(IsolateRequest request, const sinter_options &options, sinter_model_t **model);

} // namespace sinter::api
