/// \file
/// Sinter for C++20: owners and views over sinter.h, which documents effects, errors and threads of each function.
/// Header only. Errors are values here, too: functions return a Result, and nothing throws but std::bad_alloc of
/// the containers.
#ifndef SINTER_SINTER_HPP
#define SINTER_SINTER_HPP

#if __cplusplus < 202002L
#error "sinter/sinter.hpp needs C++20: compile with -std=c++20, or use sinter/sinter.h"
#endif

#include "sinter/sinter.h"

#include <concepts>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sinter {
inline namespace v1 {

/// A code for programs and a sentence for people.
class Error {
public:
  /// Takes over `error`, which must not be null.
  explicit Error(sinter_error_t *error) : error_(error, sinter_error_free) {}
  Error(sinter_code_t code, const std::string &message) : Error(sinter_error_create(code, message.c_str())) {}

  sinter_code_t code() const { return sinter_error_code(error_.get()); }
  std::string_view message() const { return sinter_error_message(error_.get()); }

private:
  std::shared_ptr<sinter_error_t> error_;
};

/// A value or an Error; test it before using the value.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : value_(std::move(value)) {}
  Result(Error error) : value_(std::move(error)) {}

  explicit operator bool() const { return value_.index() == 0; }
  T &operator*() & { return *std::get_if<0>(&value_); }
  const T &operator*() const & { return *std::get_if<0>(&value_); }
  T &&operator*() && { return std::move(*std::get_if<0>(&value_)); }
  T *operator->() { return std::get_if<0>(&value_); }
  const T *operator->() const { return std::get_if<0>(&value_); }
  /// Must be called for a failure only.
  const Error &error() const { return *std::get_if<1>(&value_); }

private:
  std::variant<T, Error> value_;
};

/// Success or an Error.
template <> class [[nodiscard]] Result<void> {
public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}
  /// Takes over the result of a function of sinter.h.
  static Result of(sinter_error_t *error) { return error ? Result(Error(error)) : Result(); }

  explicit operator bool() const { return !error_; }
  /// Must be called for a failure only.
  const Error &error() const { return *error_; }

private:
  std::optional<Error> error_;
};

/// The sinter_type_t of a C++ type. SINTER_F16 and other types without a C++ type must be named.
template <typename T> constexpr sinter_type_t typeOf() {
  using U = std::remove_const_t<T>;
  if constexpr (std::same_as<U, bool>)
    return SINTER_BOOL;
  else if constexpr (std::floating_point<U>) {
    static_assert(sizeof(U) == 4 || sizeof(U) == 8);
    return sizeof(U) == 4 ? SINTER_F32 : SINTER_F64;
  } else {
    static_assert(std::integral<U> && sizeof(U) <= 8);
    constexpr sinter_type_t types[2][4] = {{SINTER_I8, SINTER_I16, SINTER_I32, SINTER_I64},
                                           {SINTER_U8, SINTER_U16, SINTER_U32, SINTER_U64}};
    return types[std::unsigned_integral<U>][sizeof(U) == 1 ? 0 : sizeof(U) == 2 ? 1 : sizeof(U) == 4 ? 2 : 3];
  }
}

using Shape = std::vector<int64_t>;

/// A view of the caller's memory; see sinter_tensor_t. A default-constructed one stands for an input with a default,
/// which is left out, or for an output in the session's memory.
class Tensor {
public:
  Tensor() = default;
  /// `strides` in bytes; empty: dense and row-major.
  Tensor(void *data, sinter_type_t type, Shape shape, Shape strides = {})
      : data_(data), type_(type), shape_(std::move(shape)), strides_(std::move(strides)) {}
  template <typename T>
  Tensor(T *data, Shape shape, Shape strides = {})
      : Tensor(const_cast<std::remove_const_t<T> *>(data), typeOf<T>(), std::move(shape), std::move(strides)) {}

  void *data() const { return data_; }
  /// The elements of a dense tensor of that type; empty for another type.
  template <typename T> std::span<T> as() const {
    return typeOf<T>() == type_ ? std::span<T>(static_cast<T *>(data_), size()) : std::span<T>();
  }
  sinter_type_t type() const { return type_; }
  const Shape &shape() const { return shape_; }
  const Shape &strides() const { return strides_; }
  /// The number of elements.
  size_t size() const {
    size_t count = 1;
    for (int64_t d : shape_)
      count *= static_cast<size_t>(d);
    return count;
  }

  /// The tensor for the C interface; valid while this object lives unchanged.
  sinter_tensor_t view() const {
    return {data_, shape_.data(), strides_.empty() ? nullptr : strides_.data(), static_cast<int32_t>(shape_.size()),
            static_cast<int32_t>(type_)};
  }

private:
  void *data_ = nullptr;
  sinter_type_t type_ = SINTER_F32;
  Shape shape_, strides_;
};

/// An input or output of a model.
struct TensorInfo {
  std::string_view name;
  sinter_type_t type;
  std::span<const int64_t> shape; ///< -1 where an open model leaves a size open; empty where it leaves the rank open
  bool hasDefault;
};

/// Options of a compilation. The first error of a setter is kept, and the compilation fails with it.
class Options {
public:
  Options() {
    sinter_options_t *options = nullptr;
    note(sinter_options_create(&options));
    options_.reset(options, sinter_options_free);
  }
  /// See sinter_options_set: with set("isolate", "true") another process compiles; if it crashes, that is an error.
  Options &set(const std::string &name, const std::string &value) {
    return note(sinter_options_set(options_.get(), name.c_str(), value.c_str()));
  }
  Options &shape(const std::string &input, const Shape &shape) {
    return note(
        sinter_options_set_shape(options_.get(), input.c_str(), shape.data(), static_cast<int32_t>(shape.size())));
  }
  Options &dimension(const std::string &name, int64_t size) {
    return note(sinter_options_set_dimension(options_.get(), name.c_str(), size));
  }
  Options &inputRange(const std::string &input, double low, double high) {
    return note(sinter_options_set_input_range(options_.get(), input.c_str(), low, high));
  }
  /// An input that is an empty sequence, or an optional without a value.
  Options &empty(const std::string &input) { return note(sinter_options_set_empty(options_.get(), input.c_str())); }
  /// The value that an input will have; see sinter_options_set_value.
  Options &value(const std::string &input, const Tensor &value) {
    sinter_tensor_t view = value.view();
    return note(sinter_options_set_value(options_.get(), input.c_str(), &view));
  }
  /// Called with a stage and the part of the whole that is done; false cancels. Must not throw.
  Options &progress(std::function<bool(const char *stage, double fraction)> callback) {
    progress_ = std::make_shared<decltype(callback)>(std::move(callback));
    auto call = [](void *context, const char *stage, double fraction) -> int32_t {
      return !(*static_cast<decltype(callback) *>(context))(stage, fraction);
    };
    return note(sinter_options_set_progress(options_.get(), call, progress_.get()));
  }

  /// Told of what is odd about a model but no error. Must not throw.
  Options &warning(std::function<void(const char *message)> callback) {
    warning_ = std::make_shared<decltype(callback)>(std::move(callback));
    auto call = [](void *context, const char *message) { (*static_cast<decltype(callback) *>(context))(message); };
    return note(sinter_options_set_warning(options_.get(), call, warning_.get()));
  }

  const std::optional<Error> &error() const { return error_; }
  const sinter_options_t *get() const { return options_.get(); }

private:
  Options &note(sinter_error_t *error) {
    if (error && !error_)
      error_ = Error(error);
    else
      sinter_error_free(error);
    return *this;
  }

  std::shared_ptr<sinter_options_t> options_;
  std::shared_ptr<std::function<bool(const char *, double)>> progress_;
  std::shared_ptr<std::function<void(const char *)>> warning_;
  std::optional<Error> error_;
};

class Session;

/// A compiled model. Copies share it.
class Model {
public:
  /// `checkWeights`: also read all weights and compare their checksum; the rest of the file is always checked.
  static Result<Model> load(const std::string &path, bool checkWeights = false) {
    sinter_model_t *model = nullptr;
    sinter_load_config_t config = {sizeof config, checkWeights};
    return made(sinter_model_load_with(path.c_str(), &config, &model), model);
  }
  static Result<Model> load(std::span<const std::byte> bytes, bool checkWeights = false) {
    sinter_model_t *model = nullptr;
    sinter_load_config_t config = {sizeof config, checkWeights};
    return made(sinter_model_load_memory_with(bytes.data(), bytes.size(), &config, &model), model);
  }
  /// A model that was linked into the program: `sinter_model` of the header beside a compiled object.
  static Result<Model> fromTable(const struct ::SinterModel &table) {
    sinter_model_t *model = nullptr;
    return made(sinter_model_from_table(&table, nullptr, nullptr, &model), model);
  }
  /// Needs libsinter, like all functions with options.
  static Result<Model> compile(const std::string &path, const Options &options = {}) {
    if (options.error())
      return *options.error();
    sinter_model_t *model = nullptr;
    return made(sinter_compile(path.c_str(), options.get(), &model), model);
  }
  static Result<Model> compile(std::span<const std::byte> bytes, sinter_format_t format, const Options &options = {}) {
    if (options.error())
      return *options.error();
    sinter_model_t *model = nullptr;
    return made(sinter_compile_memory(bytes.data(), bytes.size(), format, nullptr, options.get(), &model), model);
  }
  /// Needs libsinter.
  Result<void> save(const std::string &path) const { return Result<void>::of(sinter_model_save(get(), path.c_str())); }

  /// Whether it is compiled for shapes when runs first have them; see sinter_model_is_open.
  bool isOpen() const { return sinter_model_is_open(get()) != 0; }
  /// The model for the shapes of these inputs, whose data may be null; see sinter_model_specialise.
  Result<Model> specialise(std::span<const Tensor> inputs) const {
    std::vector<sinter_tensor_t> views;
    for (const Tensor &tensor : inputs)
      views.push_back(tensor.view());
    sinter_model_t *model = nullptr;
    return made(sinter_model_specialise(get(), views.data(), views.size(), &model), model);
  }
  Result<Model> specialise(std::initializer_list<Tensor> inputs) const {
    return specialise(std::span(inputs.begin(), inputs.size()));
  }

  std::string_view name() const { return sinter_model_name(get()); }
  std::string_view target() const { return sinter_model_target(get()); }
  size_t inputCount() const { return sinter_model_input_count(get()); }
  size_t outputCount() const { return sinter_model_output_count(get()); }
  /// `index` must be below inputCount().
  TensorInfo input(size_t index) const { return infoOf(*sinter_model_input(get(), index)); }
  /// `index` must be below outputCount().
  TensorInfo output(size_t index) const { return infoOf(*sinter_model_output(get(), index)); }
  std::vector<sinter_kernel_info_t> kernels() const {
    std::vector<sinter_kernel_info_t> kernels;
    for (size_t i = 0; i < sinter_model_kernel_count(get()); ++i)
      kernels.push_back(*sinter_model_kernel(get(), i));
    return kernels;
  }
  /// JSON (docs/explain.md); may be empty.
  std::string_view explanation() const {
    const char *json = sinter_model_explanation(get());
    return json ? json : "";
  }
  Result<void> checkWeights() const { return Result<void>::of(sinter_model_check_weights(get())); }

  /// See sinter_session_create.
  Result<Session> session(int threads = 0, const sinter_allocator_t *allocator = nullptr) const;
  const sinter_model_t *get() const { return model_.get(); }

private:
  explicit Model(sinter_model_t *model) : model_(model, sinter_model_free) {}
  /// `model` is a reference because the call that returns `error` writes it.
  static Result<Model> made(sinter_error_t *error, sinter_model_t *const &model) {
    return error ? Result<Model>(Error(error)) : Result<Model>(Model(model));
  }
  static TensorInfo infoOf(const sinter_tensor_info_t &info) {
    return {info.name,
            static_cast<sinter_type_t>(info.type),
            {info.shape, static_cast<size_t>(info.rank < 0 ? 0 : info.rank)},
            info.has_default != 0};
  }

  std::shared_ptr<sinter_model_t> model_;
};

/// Runs a model; serves one thread at a time.
class Session {
public:
  /// Writes the caller's outputs; those without data get memory of the session, valid until the next run.
  Result<void> run(std::span<const Tensor> inputs, std::span<Tensor> outputs) {
    inputs_.clear();
    outputs_.clear();
    for (const Tensor &tensor : inputs)
      inputs_.push_back(tensor.view());
    for (const Tensor &tensor : outputs)
      outputs_.push_back(tensor.view());
    if (sinter_error_t *error =
            sinter_session_run(session_.get(), inputs_.data(), inputs_.size(), outputs_.data(), outputs_.size()))
      return Error(error);
    for (size_t i = 0; i < outputs.size(); ++i)
      if (!outputs[i].data())
        outputs[i] = Tensor(outputs_[i].data, static_cast<sinter_type_t>(outputs_[i].type),
                            Shape(outputs_[i].shape, outputs_[i].shape + outputs_[i].rank));
    return {};
  }
  /// Writes memory of the session, valid until the next run.
  Result<std::vector<Tensor>> run(std::initializer_list<Tensor> inputs) {
    std::vector<Tensor> outputs(outputCount_);
    if (Result<void> result = run(std::span<const Tensor>(inputs.begin(), inputs.size()), outputs); !result)
      return result.error();
    return outputs;
  }
  /// May be called by any thread, while no other function of this session but run() is active.
  void cancel() { sinter_session_cancel(session_.get()); }
  int threads() const { return sinter_session_threads(session_.get()); }
  Result<void> setThreads(int threads) { return Result<void>::of(sinter_session_set_threads(session_.get(), threads)); }
  sinter_session_t *get() const { return session_.get(); }

private:
  friend class Model;
  struct Free {
    void operator()(sinter_session_t *session) const { sinter_session_free(session); }
  };
  Session(sinter_session_t *session, size_t outputCount) : session_(session), outputCount_(outputCount) {}

  std::unique_ptr<sinter_session_t, Free> session_;
  size_t outputCount_;
  std::vector<sinter_tensor_t> inputs_, outputs_;
};

/// Compiles to a file: `emit` is "so", "obj", "llvm", "asm" or "mlir". Needs libsinter, as explain().
inline Result<void> compileToFile(const std::string &path, const std::string &output, const std::string &emit = "so",
                                  const Options &options = {}) {
  if (options.error())
    return *options.error();
  return Result<void>::of(sinter_compile_to_file(path.c_str(), output.c_str(), emit.c_str(), options.get()));
}

/// The JSON of docs/explain.md, without generating code.
inline Result<std::string> explain(const std::string &path, const Options &options = {}) {
  if (options.error())
    return *options.error();
  char *json = nullptr;
  if (sinter_error_t *error = sinter_explain(path.c_str(), options.get(), &json))
    return Error(error);
  std::string text = json;
  sinter_string_free(json);
  return text;
}

inline Result<Session> Model::session(int threads, const sinter_allocator_t *allocator) const {
  sinter_session_config_t config{sizeof config, threads, allocator};
  sinter_session_t *session = nullptr;
  if (sinter_error_t *error = sinter_session_create(get(), &config, &session))
    return Error(error);
  return Session(session, outputCount());
}

} // namespace v1
} // namespace sinter
#endif
