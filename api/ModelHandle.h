// The contents of a sinter_model_t.
#pragma once

#include "runtime/Model.h"
#include "sinter/sinter.h"

namespace sinter::api {

/// An open model and the memory behind its tables.
class OpenModel {
public:
  /// Checked by the caller.
  explicit OpenModel(const sinter_open_model_t &given);
  ~OpenModel();
  OpenModel(const OpenModel &) = delete;
  OpenModel &operator=(const OpenModel &) = delete;

  /// The model for these inputs, whose number is right.
  sinter_error_t *specialise(std::span<const sinter_tensor_t> given, std::unique_ptr<sinter_model> &model) const;
  /// Whether `given` can be the input: its type, its rank, the sizes that are not open.
  sinter_error_t *check(size_t input, const sinter_tensor_t &given) const;
  /// From now on the context is released with this object.
  void own() { owns = true; }

  std::string name, target;
  std::vector<sinter_tensor_info_t> inputs, outputs;

private:
  std::vector<sinter_tensor_info_t> copied(const sinter_tensor_info_t *infos, size_t count);

  sinter_open_model_t source;
  std::vector<std::unique_ptr<std::string>> names;
  std::vector<std::unique_ptr<Shape>> shapes;
  bool owns = false;
};

} // namespace sinter::api

struct sinter_model {
  /// The tables point into `model`.
  explicit sinter_model(std::shared_ptr<const sinter::Model> model);
  explicit sinter_model(std::shared_ptr<const sinter::api::OpenModel> open);

  std::shared_ptr<const sinter::Model> model;         ///< null where the model is open
  std::shared_ptr<const sinter::api::OpenModel> open; ///< else null
  std::vector<sinter_tensor_info_t> inputs, outputs;
  std::vector<sinter_kernel_info_t> kernels;
  void (*release)(void *) = nullptr; ///< of sinter_model_from_table
  void *context = nullptr;
};
