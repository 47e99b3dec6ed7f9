// Errors as values: a code for programs and a sentence for people that names the culprit and the remedy.
// Nothing that a file or a caller can provoke is thrown or aborts.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace sinter {

enum class ErrorCode {
  InvalidArgument, ///< the caller's values are wrong: names, shapes, types, options
  InvalidFile,     ///< a file is not what it should be: truncated, garbage, inconsistent
  Io,              ///< the system refused: no such file, no permission, disk full
  Unsupported,     ///< well-formed, but beyond what Sinter implements: an op, type, attribute or opset
  Incompatible,    ///< a compiled model that this processor or this version cannot run
  OutOfMemory,
  Internal, ///< Sinter's own fault
};

struct Failure {
  ErrorCode code = ErrorCode::Internal;
  std::string message;
};

/// Success or a Failure.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(Failure failure) : failure_(std::move(failure)) {}
  Status(ErrorCode code, std::string message) : failure_(Failure{code, std::move(message)}) {}

  bool ok() const { return !failure_; }
  const Failure &failure() const {
    assert(failure_ && "a success has no failure");
    return *failure_;
  }
  const std::string &message() const { return failure().message; }

private:
  std::optional<Failure> failure_;
};

/// A value or a Failure. `if (!x) return x.failure();` passes the failure on.
// NOLINTNEXTLINE(bugprone-exception-escape): what a variant throws without a value cannot happen here.
template <typename T> class [[nodiscard]] Expected {
public:
  Expected(T value) : value_(std::move(value)) {}
  Expected(Failure failure) : value_(std::move(failure)) {}

  explicit operator bool() const { return std::holds_alternative<T>(value_); }
  T &operator*() {
    assert(*this && "a failure has no value");
    return *std::get_if<T>(&value_);
  }
  const T &operator*() const {
    assert(*this && "a failure has no value");
    return *std::get_if<T>(&value_);
  }
  T *operator->() { return &**this; }
  const T *operator->() const { return &**this; }
  const Failure &failure() const {
    assert(!*this && "a success has no failure");
    return *std::get_if<Failure>(&value_);
  }

private:
  std::variant<T, Failure> value_;
};

} // namespace sinter
