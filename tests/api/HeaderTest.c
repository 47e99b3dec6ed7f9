/* The C header compiles as C99, with nothing before it. */
#include "sinter/sinter.h"

int main(void) {
  uint32_t version = sinter_api_version();
  return version == (uint32_t)SINTER_API_MAJOR * 65536 + SINTER_API_MINOR ? 0 : 1;
}
