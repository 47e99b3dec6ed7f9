// The C header that --emit obj writes beside the object.
#pragma once

#include "codegen/artefact/Program.h"

namespace sinter::codegen {

/// Declares `sinter_model` with all types it needs (runtime/Abi.h, in full), and says what goes in and out.
std::string modelHeader(const Program &program);

} // namespace sinter::codegen
