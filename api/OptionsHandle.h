// What a sinter_options_t is.
#pragma once

#include "codegen/Engine.h"
#include "sinter/sinter.h"

enum class OpenModels { Auto, Always, Never };

struct sinter_options {
  sinter::CompileOptions compile;
  OpenModels open = OpenModels::Auto;
  size_t shapeCache = sinter::defaultShapeCache;
  sinter_progress_t progress = nullptr;
  void *progressContext = nullptr;
};
