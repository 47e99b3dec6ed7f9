// libsinter-onednn: the fallback backend for libsinter-runtime, of the same build. Its interface is private.
#include "runtime/onednn/OneDnn.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT const char *sinter_onednn_version() { return SINTER_VERSION; }

// Through a pointer, as C linkage does not go with the type.
EXPORT sinter::FallbackFactory sinter_onednn_factory() { return sinter::onednn::createFallback; }
