// The oneDNN backend at run time: the fallback that runs kernels described by runtime/onednn/Description.h.
#pragma once

#include "runtime/Fallback.h"
#include "runtime/onednn/Description.h"

namespace sinter::onednn {

/// Makes oneDNN the fallback of this program's sessions.
void registerFallback();

/// The primitives of all fallback kernels of `model`; the failure names the kernel.
Expected<std::unique_ptr<Fallback>> createFallback(const SinterModel &model, int threads);

/// Would createFallback take a kernel of this description?
Status check(const Description &description);

} // namespace sinter::onednn
