// The emitter of nn.non_max_suppression.
#pragma once

namespace sinter::codegen {

class EmitterTable;
void registerDetectionEmitters(EmitterTable &table);

} // namespace sinter::codegen
