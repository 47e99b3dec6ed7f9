// sinter_model_t: loading, and questions about it.
#include "api/Errors.h"
#include "api/ModelHandle.h"
#include "runtime/BackendChoice.h"

using namespace sinter;
using namespace sinter::api;

static std::vector<sinter_tensor_info_t> infosOf(std::span<const SinterTensorInfo> table) {
  std::vector<sinter_tensor_info_t> infos;
  for (const SinterTensorInfo &info : table)
    infos.push_back({info.name, info.shape, info.rank, info.type, info.defaultValue != nullptr});
  return infos;
}

sinter_model::sinter_model(std::shared_ptr<const Model> shared)
    : model(std::move(shared)), inputs(infosOf(model->inputs())), outputs(infosOf(model->outputs())) {
  for (const SinterKernelInfo &kernel : model->kernels())
    kernels.push_back({kernel.name, kernel.ops, backendOf(kernel), kernel.flops, kernel.bytes});
}

sinter_model::sinter_model(std::shared_ptr<const OpenModel> shared)
    : open(std::move(shared)), inputs(open->inputs), outputs(open->outputs) {}

/// The table of a compiled model; null for none and for an open one.
static const SinterModel *tableOf(const sinter_model_t *model) {
  return model && model->model ? &model->model->abi() : nullptr;
}

static const char *textOr(const char *text) { return text ? text : ""; }

static sinter_error_t *handOut(Expected<std::shared_ptr<Model>> model, sinter_model_t **result) {
  if (!model)
    return error(model.failure());
  *result = new sinter_model(std::move(*model));
  return nullptr;
}

/// Takes the configuration of the caller, which may be null.
static sinter_error_t *read(const sinter_load_config_t *config, LoadOptions &options) {
  if (!config)
    return nullptr;
  if (config->struct_size < sizeof(sinter_load_config_t))
    return error(SINTER_INVALID_ARGUMENT, "set struct_size of the configuration to sizeof(sinter_load_config_t)");
  options.checkWeights = config->check_weights != 0;
  return nullptr;
}

sinter_error_t *sinter_model_load_with(const char *path, const sinter_load_config_t *config, sinter_model_t **model) {
  if (!path || !model)
    return nullArgument(path ? "model" : "path");
  return guarded([&] {
    LoadOptions options;
    sinter_error_t *wrong = read(config, options);
    return wrong ? wrong : handOut(Model::load(path, options), model);
  });
}

sinter_error_t *sinter_model_load(const char *path, sinter_model_t **model) {
  return sinter_model_load_with(path, nullptr, model);
}

sinter_error_t *sinter_model_load_memory_with(const void *data, size_t bytes, const sinter_load_config_t *config,
                                              sinter_model_t **model) {
  if (!data || !model)
    return nullArgument(data ? "model" : "data");
  return guarded([&] {
    LoadOptions options;
    sinter_error_t *wrong = read(config, options);
    return wrong ? wrong : handOut(Model::loadBytes({static_cast<const std::byte *>(data), bytes}, options), model);
  });
}

sinter_error_t *sinter_model_load_memory(const void *data, size_t bytes, sinter_model_t **model) {
  return sinter_model_load_memory_with(data, bytes, nullptr, model);
}

sinter_error_t *sinter_model_from_table(const SinterModel *table, void (*release)(void *), void *context,
                                        sinter_model_t **model) {
  if (!table || !model)
    return nullArgument(table ? "model" : "table");
  return guarded([&]() -> sinter_error_t * {
    // Takes over the context once nothing can fail any more.
    struct Owner {
      void (*release)(void *) = nullptr;
      void *context = nullptr;
      ~Owner() {
        if (release)
          release(context);
      }
    };
    auto owner = std::make_shared<Owner>();
    if (sinter_error_t *failed = handOut(Model::fromAbi(table, owner), model))
      return failed;
    owner->release = (*model)->release = release;
    owner->context = (*model)->context = context;
    return nullptr;
  });
}

void *sinter_model_context(const sinter_model_t *model, void (*release)(void *)) {
  return model && release && model->release == release ? model->context : nullptr;
}

void sinter_model_free(sinter_model_t *model) { delete model; }

const char *sinter_model_name(const sinter_model_t *model) {
  if (model && model->open)
    return model->open->name.c_str();
  const SinterModel *table = tableOf(model);
  return textOr(table ? table->name : nullptr);
}

const char *sinter_model_target(const sinter_model_t *model) {
  if (model && model->open)
    return model->open->target.c_str();
  const SinterModel *table = tableOf(model);
  return textOr(table ? table->target : nullptr);
}

const char *sinter_model_cpu_features(const sinter_model_t *model) {
  const SinterModel *table = tableOf(model);
  return textOr(table ? table->cpuFeatures : nullptr);
}

size_t sinter_model_input_count(const sinter_model_t *model) { return model ? model->inputs.size() : 0; }
size_t sinter_model_output_count(const sinter_model_t *model) { return model ? model->outputs.size() : 0; }
size_t sinter_model_kernel_count(const sinter_model_t *model) { return model ? model->kernels.size() : 0; }

const sinter_tensor_info_t *sinter_model_input(const sinter_model_t *model, size_t index) {
  return model && index < model->inputs.size() ? &model->inputs[index] : nullptr;
}

const sinter_tensor_info_t *sinter_model_output(const sinter_model_t *model, size_t index) {
  return model && index < model->outputs.size() ? &model->outputs[index] : nullptr;
}

const sinter_kernel_info_t *sinter_model_kernel(const sinter_model_t *model, size_t index) {
  return model && index < model->kernels.size() ? &model->kernels[index] : nullptr;
}

int64_t sinter_model_find(const sinter_model_t *model, const char *name, int32_t is_output) {
  if (!model || !name)
    return -1;
  const std::vector<sinter_tensor_info_t> &infos = is_output ? model->outputs : model->inputs;
  for (size_t i = 0; i < infos.size(); ++i)
    if (std::string_view(infos[i].name) == name)
      return static_cast<int64_t>(i);
  return -1;
}

size_t sinter_model_scratch_bytes(const sinter_model_t *model) {
  return tableOf(model) ? static_cast<size_t>(model->model->arenaBytes()) : 0;
}

size_t sinter_model_stack_bytes(const sinter_model_t *model) {
  return tableOf(model) ? static_cast<size_t>(model->model->stackBytes()) : 0;
}

size_t sinter_model_weight_bytes(const sinter_model_t *model) {
  const SinterModel *table = tableOf(model);
  return table ? static_cast<size_t>(table->weightBytes) : 0;
}

const char *sinter_model_explanation(const sinter_model_t *model) {
  const SinterModel *table = tableOf(model);
  return table ? table->explanation : nullptr;
}

sinter_error_t *sinter_model_check_weights(const sinter_model_t *model) {
  if (!model)
    return nullArgument("model");
  if (model->open)
    return nullptr; // it has none of its own
  return guarded([&] { return error(model->model->verifyWeights()); });
}
