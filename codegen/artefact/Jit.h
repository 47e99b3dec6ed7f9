// Object files, linked into this process.
#pragma once

#include "codegen/artefact/CompiledModel.h"
#include "codegen/artefact/Program.h"

namespace sinter::codegen {

/// Links the objects with the program's weights, where the program's placement has them, and finds `sinter_model`. The
/// result can be saved.
Expected<std::shared_ptr<CompiledModel>> linkInProcess(Program program, std::vector<std::string> objects,
                                                       const Target &target);

} // namespace sinter::codegen
