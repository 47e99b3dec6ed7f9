// What a sinter_model_t is.
#pragma once

#include "runtime/Model.h"
#include "sinter/sinter.h"

struct sinter_model {
  /// The tables point into `model`.
  explicit sinter_model(std::shared_ptr<const sinter::Model> model);

  std::shared_ptr<const sinter::Model> model;
  std::vector<sinter_tensor_info_t> inputs, outputs;
  std::vector<sinter_kernel_info_t> kernels;
  void (*release)(void *) = nullptr; ///< of sinter_model_from_table
  void *context = nullptr;
};
