// Errors of the C interface: internal failures and exceptions become sinter_error_t, and nothing else gets out.
#pragma once

#include "runtime/Status.h"
#include "sinter/sinter.h"

#include <cstdio>
#include <exception>
#include <new>

namespace sinter::api {

inline sinter_error_t *error(sinter_code_t code, const std::string &message) {
  return sinter_error_create(code, message.c_str());
}

inline sinter_error_t *error(const Failure &failure) {
  // The two enumerations have the same order, one apart.
  static_assert(static_cast<int>(ErrorCode::InvalidArgument) + 1 == SINTER_INVALID_ARGUMENT &&
                static_cast<int>(ErrorCode::InvalidFile) + 1 == SINTER_INVALID_FILE &&
                static_cast<int>(ErrorCode::Io) + 1 == SINTER_IO &&
                static_cast<int>(ErrorCode::Unsupported) + 1 == SINTER_UNSUPPORTED &&
                static_cast<int>(ErrorCode::Incompatible) + 1 == SINTER_INCOMPATIBLE &&
                static_cast<int>(ErrorCode::OutOfMemory) + 1 == SINTER_OUT_OF_MEMORY &&
                static_cast<int>(ErrorCode::Internal) + 1 == SINTER_INTERNAL);
  return error(static_cast<sinter_code_t>(static_cast<int>(failure.code) + 1), failure.message);
}

inline sinter_error_t *error(const Status &status) { return status.ok() ? nullptr : error(status.failure()); }

/// For an argument that must not be null. Called outside guarded(): nothing is thrown.
inline sinter_error_t *nullArgument(const char *name) noexcept {
  char text[128];
  std::snprintf(text, sizeof text, "the argument '%s' must not be NULL", name);
  return sinter_error_create(SINTER_INVALID_ARGUMENT, text);
}

/// Runs `body`, which returns an error or null, and lets no exception out.
template <typename Body> sinter_error_t *guarded(Body body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return sinter_error_create(SINTER_OUT_OF_MEMORY, "not enough memory");
  } catch (const std::exception &exception) {
    return sinter_error_create(SINTER_INTERNAL, exception.what());
  } catch (...) {
    return sinter_error_create(SINTER_INTERNAL, "an unknown exception was thrown: please report it");
  }
}

} // namespace sinter::api
