// What a sinter_options_t is.
#pragma once

#include "codegen/Compiler.h"
#include "sinter/sinter.h"

struct sinter_options {
  sinter::CompileOptions compile;
  sinter_progress_t progress = nullptr;
  void *progressContext = nullptr;
};
