// The families of anchors that the LLVM backend can emit; each is defined in the file of its name.
#pragma once

#include "codegen/emit/KernelEmitter.h"

namespace sinter::codegen {

void registerConvolutionEmitters(EmitterTable &table);
void registerIndexingEmitters(EmitterTable &table);
void registerIndexingOrderEmitters(EmitterTable &table);
void registerLayoutEmitters(EmitterTable &table);
void registerMatrixEmitters(EmitterTable &table);
void registerMovementEmitters(EmitterTable &table);
void registerNormalisationEmitters(EmitterTable &table);
void registerPoolEmitters(EmitterTable &table);
void registerReductionEmitters(EmitterTable &table);
void registerResizeEmitters(EmitterTable &table);
void registerSoftmaxEmitters(EmitterTable &table);

} // namespace sinter::codegen
