// sinter_error_t, versions and element types.
#include "api/Errors.h"
#include "runtime/OptionMark.h"
#include "runtime/Tensor.h"

struct sinter_error {
  sinter_code_t code;
  std::string message;
};

/// Stands for every error that there is no memory to make; never freed. The short message needs none.
static sinter_error noMemory{SINTER_OUT_OF_MEMORY, "out of memory"};

uint32_t sinter_api_version(void) { return SINTER_API_MAJOR << 16 | SINTER_API_MINOR; }
const char *sinter_version(void) { return SINTER_VERSION; }

sinter_code_t sinter_error_code(const sinter_error_t *error) { return error ? error->code : SINTER_OK; }
const char *sinter_error_message(const sinter_error_t *error) { return error ? error->message.c_str() : ""; }

void sinter_error_free(sinter_error_t *error) {
  if (error != &noMemory)
    delete error;
}

sinter_error_t *sinter_error_create(int32_t code, const char *message) {
  bool isKnown = code > SINTER_OK && code <= SINTER_CANCELLED;
  try {
    return new sinter_error{isKnown ? static_cast<sinter_code_t>(code) : SINTER_INTERNAL,
                            sinter::expandOptionMarks(message ? message : "", sinter::optionInC)};
  } catch (...) {
    return &noMemory;
  }
}

const char *sinter_type_name(int32_t type) {
  bool isKnown = type >= SINTER_F32 && type <= SINTER_U2;
  return isKnown ? sinter::nameOf(static_cast<sinter::DType>(type)).data() : nullptr;
}

size_t sinter_type_size(int32_t type) {
  bool isKnown = type >= SINTER_F32 && type <= SINTER_U2;
  return isKnown ? sinter::sizeOf(static_cast<sinter::DType>(type)) : 0;
}
