// Open models: tables with open sizes, and what gives a compiled model for the shapes of a run.
#include "api/Errors.h"
#include "api/ModelHandle.h"
#include "api/TensorText.h"

#include <fmt/format.h>

using namespace sinter;
using namespace sinter::api;

OpenModel::OpenModel(const sinter_open_model_t &given)
    : name(given.name ? given.name : ""), target(given.target ? given.target : ""), source(given) {
  inputs = copied(given.inputs, given.input_count);
  outputs = copied(given.outputs, given.output_count);
}

OpenModel::~OpenModel() {
  if (owns && source.release)
    source.release(source.context);
}

std::vector<sinter_tensor_info_t> OpenModel::copied(const sinter_tensor_info_t *infos, size_t count) {
  std::vector<sinter_tensor_info_t> copies(infos, infos + count);
  for (sinter_tensor_info_t &info : copies) {
    info.name = names.emplace_back(std::make_unique<std::string>(info.name))->c_str();
    info.shape = info.rank > 0
                     ? shapes.emplace_back(std::make_unique<Shape>(info.shape, info.shape + info.rank))->data()
                     : nullptr;
  }
  return copies;
}

/// "2x?x3".
static std::string openText(const sinter_tensor_info_t &info) {
  std::string text;
  for (int32_t i = 0; i < info.rank; ++i)
    text += (i ? "x" : "") + (info.shape[i] < 0 ? std::string("?") : std::to_string(info.shape[i]));
  return info.rank == 0 ? "scalar" : text;
}

sinter_error_t *OpenModel::check(size_t input, const sinter_tensor_t &given) const {
  const sinter_tensor_info_t &info = inputs[input];
  auto fail = [&](const std::string &what) {
    return error(SINTER_INVALID_ARGUMENT, fmt::format("input '{}' {}", info.name, what));
  };
  if (given.type != info.type)
    return fail(wrongType(info.type, given.type));
  bool isRight = given.rank == info.rank && (given.rank == 0 || given.shape);
  for (int32_t i = 0; isRight && i < info.rank; ++i)
    isRight = info.shape[i] < 0 ? given.shape[i] >= 0 : given.shape[i] == info.shape[i];
  if (!isRight)
    return fail(fmt::format("must have the shape {}, but was given {}", openText(info), shapeText(given, info.rank)));
  if (!elementCount({given.shape, static_cast<size_t>(given.rank)}))
    return fail("is too large: " + shapeText(given, info.rank));
  return nullptr;
}

sinter_error_t *OpenModel::specialise(std::span<const sinter_tensor_t> given,
                                      std::unique_ptr<sinter_model> &model) const {
  for (size_t i = 0; i < given.size(); ++i) {
    bool isLeftOut = !given[i].data && given[i].rank == 0 && inputs[i].has_default;
    if (sinter_error_t *failed = isLeftOut ? nullptr : check(i, given[i]))
      return failed;
  }
  sinter_model_t *made = nullptr;
  if (sinter_error_t *failed = source.specialise(source.context, given.data(), given.size(), &made))
    return failed;
  model.reset(made);
  if (!made || made->open)
    return error(SINTER_INTERNAL, "the function that specialises an open model gave none that is compiled");
  auto sameName = [](const sinter_tensor_info_t &a, const sinter_tensor_info_t &b) {
    return std::string_view(a.name) == b.name;
  };
  if (std::ranges::equal(made->outputs, outputs, sameName))
    return nullptr;
  return error(
      SINTER_UNSUPPORTED,
      fmt::format("the model has {} outputs for these shapes, not the {} of its table: compile it for its shapes, "
                  "with the option \"open\" set to \"false\"",
                  made->outputs.size(), outputs.size()));
}

static bool isValid(const sinter_tensor_info_t *infos, size_t count, bool needsRank) {
  if (!infos && count > 0)
    return false;
  return std::all_of(infos, infos + count, [&](const sinter_tensor_info_t &info) {
    return info.name && sinter_type_name(info.type) && info.rank >= (needsRank ? 0 : -1) &&
           (info.rank <= 0 || info.shape);
  });
}

sinter_error_t *sinter_model_create_open(const sinter_open_model_t *open, sinter_model_t **model) {
  if (!open || !model)
    return nullArgument(open ? "model" : "open");
  return guarded([&]() -> sinter_error_t * {
    if (open->struct_size < sizeof(sinter_open_model_t))
      return error(SINTER_INVALID_ARGUMENT, "set struct_size of the open model to sizeof(sinter_open_model_t)");
    if (!open->specialise)
      return error(SINTER_INVALID_ARGUMENT, "an open model needs a function 'specialise'");
    if (!isValid(open->inputs, open->input_count, true) || !isValid(open->outputs, open->output_count, false))
      return error(SINTER_INVALID_ARGUMENT, "the tables of an open model need a name, a type and a shape in every row");
    auto shared = std::make_shared<OpenModel>(*open);
    *model = new sinter_model(std::shared_ptr<const OpenModel>(shared));
    shared->own(); // nothing can fail any more
    return nullptr;
  });
}

int32_t sinter_model_is_open(const sinter_model_t *model) { return model && model->open; }

sinter_error_t *sinter_model_specialise(const sinter_model_t *model, const sinter_tensor_t *inputs, size_t input_count,
                                        sinter_model_t **specialised) {
  if (!model || !specialised || (!inputs && input_count > 0))
    return nullArgument(!model ? "model" : !specialised ? "specialised" : "inputs");
  return guarded([&]() -> sinter_error_t * {
    if (!model->open) {
      *specialised = new sinter_model(*model);
      return nullptr;
    }
    if (input_count != model->inputs.size())
      return error(SINTER_INVALID_ARGUMENT,
                   fmt::format("the model has {} inputs, but was given {} tensors", model->inputs.size(), input_count));
    std::unique_ptr<sinter_model> made;
    if (sinter_error_t *failed = model->open->specialise({inputs, input_count}, made))
      return failed;
    *specialised = made.release();
    return nullptr;
  });
}
