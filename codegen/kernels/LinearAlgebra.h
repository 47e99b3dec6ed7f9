// The emitter of nn.inverse.
#pragma once

namespace sinter::codegen {

class EmitterTable;
void registerLinearAlgebraEmitters(EmitterTable &table);

} // namespace sinter::codegen
