// The definition of sinter_options_t.
#pragma once

#include "compiler/ShapeCache.h"
#include "sinter/sinter.h"

enum class OpenModels { Auto, Always, Never };

struct sinter_options {
  sinter::CompileOptions compile;
  OpenModels open = OpenModels::Auto;
  size_t shapeCache = sinter::defaultShapeCache;
  sinter_progress_t progress = nullptr;
  void *progressContext = nullptr;
  sinter_warning_t warning = nullptr;
  void *warningContext = nullptr;
  bool isolate = false;       ///< compile in a process of its own
  uint64_t isolateMemory = 0; ///< bytes of address space that it may have; 0: no limit of ours
  /// The calls that set options, for the child to repeat: a kind, a name, values (api/Isolated.cpp).
  std::vector<std::vector<std::string>> calls;
};
