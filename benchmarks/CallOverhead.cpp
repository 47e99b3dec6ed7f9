// The cost of a call of sinter_session_run beside the kernels: the same compiled model through the C interface and by
// its own table. The smallest model shows it best. usage: call-overhead MODEL.so   (one thread; the medians of 200
// rounds of 1,000 calls, interleaved)
#include "runtime/Abi.h"
#include "sinter/sinter.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <vector>

namespace {

template <typename Call> double nanoseconds(Call call) {
  constexpr int calls = 1000;
  auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i)
    call();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / calls;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

void check(sinter_error_t *error) {
  if (!error)
    return;
  std::fprintf(stderr, "call-overhead: %s\n", sinter_error_message(error));
  std::exit(1);
}

} // namespace

int main(int argc, char **argv) {
  sinter_model_t *model = nullptr;
  sinter_session_t *session = nullptr;
  sinter_session_config_t config = {sizeof config, 1, nullptr};
  check(sinter_model_load(argc > 1 ? argv[1] : "", &model));
  check(sinter_session_create(model, &config, &session));
  void *library = dlopen(argv[1], RTLD_NOW);
  auto *table = static_cast<const SinterModel *>(dlsym(library, "sinter_model"));
  std::vector<sinter_tensor_t> tensors[2];
  std::vector<const void *> inputs;
  std::vector<void *> outputs;
  for (int side = 0; side < 2; ++side)
    for (size_t i = 0; i < (side ? sinter_model_output_count(model) : sinter_model_input_count(model)); ++i) {
      const sinter_tensor_info_t *info = side ? sinter_model_output(model, i) : sinter_model_input(model, i);
      size_t bytes = sinter_type_size(info->type);
      for (int32_t d = 0; d < info->rank; ++d)
        bytes *= static_cast<size_t>(info->shape[d]);
      void *data = std::calloc(bytes + 1, 1);
      tensors[side].push_back({data, info->shape, nullptr, info->rank, info->type});
      side ? outputs.push_back(data) : inputs.push_back(data);
    }
  void *arena = std::aligned_alloc(
      SINTER_ALIGNMENT, sinter_model_scratch_bytes(model) / SINTER_ALIGNMENT * SINTER_ALIGNMENT + SINTER_ALIGNMENT);
  SinterCall call = {table->self, nullptr, arena, inputs.data(), outputs.data(), nullptr, {}};
  std::vector<double> api, direct;
  for (int round = 0; round < 200; ++round) {
    api.push_back(nanoseconds([&] {
      check(sinter_session_run(session, tensors[0].data(), tensors[0].size(), tensors[1].data(), tensors[1].size()));
    }));
    direct.push_back(nanoseconds([&] { table->run(&call); }));
  }
  std::printf("interface %.0f ns, kernels %.0f ns, overhead %.0f ns\n", median(api), median(direct),
              median(api) - median(direct));
}
