// Calls of the C interface in random order with random arguments, good and bad, wherever the interface says that
// nothing may go wrong but by an error. usage: api-fuzz [--seconds N] [--seed N]; under the preset asan for what is not
// seen otherwise.
#include "sinter/sinter.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace {

class Fuzzer {
public:
  explicit Fuzzer(unsigned seed) : random(seed) {}
  ~Fuzzer() {
    for (sinter_model_t *m : models)
      sinter_model_free(m);
    for (sinter_options_t *o : options)
      sinter_options_free(o);
  }

  void step();
  long calls = 0, errors = 0;

private:
  size_t below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random); }
  bool oneIn(size_t n) { return below(n) == 0; }
  template <typename T> T any(const std::vector<T> &from) {
    return from.empty() || oneIn(20) ? T() : from[below(from.size())];
  }
  template <typename T> void keep(std::vector<T> &in, T handle, void (*release)(T)) {
    if (!handle)
      return;
    in.push_back(handle);
    constexpr size_t most = 8;
    if (in.size() > most)
      drop(in, release);
  }
  template <typename T> void drop(std::vector<T> &from, void (*release)(T)) {
    if (from.empty())
      return;
    size_t i = below(from.size());
    release(from[i]);
    from.erase(from.begin() + static_cast<std::ptrdiff_t>(i));
  }
  void note(sinter_error_t *error) {
    ++calls;
    errors += error != nullptr;
    // A failure without a sentence is a finding.
    if (error && (sinter_error_code(error) == SINTER_OK || !*sinter_error_message(error)))
      std::abort();
    if (sinter_error_code(error) == SINTER_INTERNAL) {
      std::fprintf(stderr, "internal error: %s\n", sinter_error_message(error));
      std::abort();
    }
    sinter_error_free(error);
  }

  const char *text();
  std::string program();
  std::vector<int64_t> shape();
  void setOption();
  void compile();
  void load();
  void run();
  void specialise();
  void ask();

  std::mt19937 random;
  std::vector<sinter_model_t *> models;
  std::vector<sinter_options_t *> options;
  std::string artifact;
};

const char *Fuzzer::text() {
  static const char *const words[] = {
      "x",    "y",     "backend",     "llvm", "onednn",   "math",          "strict",    "jobs",   "2",     "0",
      "true", "false", "prune",       "",     "optimise", "target-cpu",    "x86-64-v3", "x86-64", "batch", "symbol",
      "open", "auto",  "shape-cache", "n",    "\xff\xfe", "assume-finite", "reference"};
  return oneIn(20) ? nullptr : words[below(std::size(words))];
}

std::vector<int64_t> Fuzzer::shape() {
  static const int64_t sizes[] = {0, 1, 2, 3, 5, 16, -1, INT64_MAX, int64_t(1) << 40};
  std::vector<int64_t> result(below(5));
  for (int64_t &d : result)
    d = sizes[below(oneIn(4) ? std::size(sizes) : 6)];
  return result;
}

/// A model of the nn dialect, now and then with a byte changed or cut off.
std::string Fuzzer::program() {
  static const char *const ops[] = {"relu", "abs", "sigmoid", "exp", "neg", "tanh"};
  auto size = [&](size_t least) { return oneIn(4) ? std::string("?") : std::to_string(least + below(4)); };
  std::string dims = size(1) + "x" + size(0), type = "tensor<" + dims + "xf32>";
  std::string result = "func.func @main(%v0: " + type + " {nn.name = \"x\", nn.dims = [\"n\", \"\"]}) -> (" + type +
                       " {nn.name = \"y\"}) {\n";
  size_t count = 1 + below(3);
  for (size_t i = 0; i < count; ++i)
    result += "  %v" + std::to_string(i + 1) + " = nn." + ops[below(std::size(ops))] + " %v" + std::to_string(i) +
              " : (" + type + ") -> " + type + "\n";
  result += "  return %v" + std::to_string(count) + " : " + type + "\n}\n";
  if (oneIn(3))
    result[below(result.size())] = static_cast<char>(below(256));
  if (oneIn(6))
    result.resize(below(result.size()));
  return result;
}

void Fuzzer::setOption() {
  sinter_options_t *o = any(options);
  std::vector<int64_t> dims = shape();
  float data[16] = {};
  switch (below(6)) {
  case 5:
    return note(sinter_options_set_empty(o, text()));
  case 0:
    return note(sinter_options_set(o, text(), text()));
  case 1:
    return note(
        sinter_options_set_shape(o, text(), dims.data(), static_cast<int32_t>(dims.size()) - (oneIn(10) ? 6 : 0)));
  case 2:
    return note(sinter_options_set_dimension(o, text(), static_cast<int64_t>(below(9)) - 2));
  case 3:
    return note(
        sinter_options_set_input_range(o, text(), static_cast<double>(below(4)) - 1, static_cast<double>(below(4))));
  default: {
    static const int64_t small[] = {2, 3};
    sinter_tensor_t tensor = {oneIn(8) ? nullptr : data, small, nullptr, oneIn(8) ? -1 : 2,
                              static_cast<int32_t>(below(26)) - 1};
    // 8 bytes an element at most, 6 elements: within `data`.
    return note(sinter_options_set_value(o, text(), oneIn(10) ? nullptr : &tensor));
  }
  }
}

void Fuzzer::compile() {
  std::string source = program();
  sinter_model_t *model = nullptr;
  note(sinter_compile_memory(oneIn(30) ? nullptr : source.data(), source.size(), oneIn(5) ? SINTER_ONNX : SINTER_MLIR,
                             text(), any(options), &model));
  keep(models, model, sinter_model_free);
}

void Fuzzer::load() {
  if (oneIn(4) && !models.empty()) {
    std::string path = "/tmp/sinter-api-fuzz-" + std::to_string(std::random_device()()) + ".so";
    note(sinter_model_save(any(models), path.c_str()));
    std::ifstream file(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(file)), {});
    if (!bytes.empty())
      artifact = bytes;
    std::remove(path.c_str());
  }
  // Only the header is damaged: what is inside a library is trusted.
  std::string bytes = artifact;
  if (oneIn(3) && bytes.size() > 64)
    bytes[below(20)] = static_cast<char>(below(256));
  if (oneIn(4))
    bytes.resize(bytes.size() / 2);
  sinter_model_t *model = nullptr;
  note(sinter_model_load_memory(bytes.data(), bytes.size(), &model));
  keep(models, model, sinter_model_free);
}

void Fuzzer::run() {
  sinter_session_t *session = nullptr;
  sinter_model_t *model = any(models);
  sinter_session_config_t config = {oneIn(10) ? 0 : sizeof config, static_cast<int32_t>(below(5)) - 1, nullptr};
  note(sinter_session_create(model, oneIn(3) ? nullptr : &config, &session));
  if (!session)
    return;
  // Room for 4x5 elements of 8 bytes with strides of up to 64 bytes, before and behind.
  static std::vector<char> memory(1 << 16);
  char *middle = memory.data() + memory.size() / 2;
  for (size_t i = 0, n = 1 + below(4); i < n; ++i) {
    size_t seed = below(3); // of the sizes that are open
    auto tensor = [&](const sinter_tensor_info_t *info, bool isOutput) {
      static thread_local int64_t strides[2][8], wrong[] = {7, 7, 7};
      sinter_tensor_t t = {};
      if (!info || oneIn(10))
        return t;
      static thread_local int64_t sizes[2][8];
      for (int32_t d = 0; d < std::min(info->rank, 8); ++d)
        sizes[isOutput][d] = info->shape[d] >= 0 ? info->shape[d] : static_cast<int64_t>(1 + seed % 3);
      t = {middle + below(64) - (isOutput ? 16384 : 0), sizes[isOutput], nullptr, info->rank, info->type};
      if (oneIn(3)) {
        for (int64_t &s : strides[isOutput])
          s = static_cast<int64_t>(below(isOutput ? 65 : 129)) - (isOutput ? 0 : 64);
        t.strides = strides[isOutput];
      }
      if (oneIn(10))
        t.shape = wrong;
      if (oneIn(10))
        t.rank = static_cast<int32_t>(below(5)) - 1 < info->rank ? -1 : info->rank;
      if (oneIn(10))
        t.type = static_cast<int32_t>(below(30)) - 2;
      return t;
    };
    sinter_tensor_t in = tensor(sinter_model_input(model, 0), false), out = tensor(sinter_model_output(model, 0), true);
    if (oneIn(10))
      sinter_session_cancel(session);
    if (oneIn(10))
      note(sinter_session_set_threads(session, static_cast<int32_t>(below(4)) - 1));
    note(sinter_session_run(session, oneIn(20) ? nullptr : &in, oneIn(20) ? 2 * below(1) : 1, &out, 1));
  }
  sinter_session_free(session);
}

void Fuzzer::specialise() {
  sinter_model_t *model = any(models), *made = nullptr;
  std::vector<int64_t> dims = shape();
  dims.resize(oneIn(4) ? dims.size() : 2, 3);
  static float data[4] = {};
  sinter_tensor_t tensor = {oneIn(2) ? nullptr : data, dims.data(), nullptr, static_cast<int32_t>(dims.size()),
                            oneIn(8) ? 99 : SINTER_F32};
  int64_t elements = 1;
  for (int64_t d : dims)
    elements = d >= 0 && d <= 16 ? elements * d : 99;
  if (elements > 4) // no more than there is
    tensor.data = nullptr;
  // Code for shapes of any size is not what this is about.
  if (elements <= 1000000)
    note(sinter_model_specialise(model, oneIn(20) ? nullptr : &tensor, oneIn(10) ? 0 : 1, oneIn(20) ? nullptr : &made));
  keep(models, made, sinter_model_free);
}

void Fuzzer::ask() {
  const sinter_model_t *m = any(models);
  size_t index = below(4);
  const sinter_tensor_info_t *info = oneIn(2) ? sinter_model_input(m, index) : sinter_model_output(m, index);
  if (info && (std::strlen(info->name) > 100 || info->rank < 0))
    std::abort();
  const sinter_kernel_info_t *kernel = sinter_model_kernel(m, index);
  if (kernel && (!kernel->name || !kernel->ops || !kernel->backend))
    std::abort();
  sinter_model_find(m, text(), oneIn(2));
  note(sinter_model_check_weights(m));
}

void Fuzzer::step() {
  switch (below(12)) {
  case 0: {
    sinter_options_t *o = nullptr;
    note(sinter_options_create(oneIn(20) ? nullptr : &o));
    return keep(options, o, sinter_options_free);
  }
  case 1:
    return oneIn(3) ? drop(options, sinter_options_free) : drop(models, sinter_model_free);
  case 2:
  case 3:
    return compile();
  case 4:
    return load();
  case 5:
  case 6:
    return setOption();
  case 7:
    return oneIn(2) ? specialise() : ask();
  default:
    return run();
  }
}

} // namespace

int main(int argc, char **argv) {
  double seconds = 5;
  unsigned seed = 1;
  for (int i = 1; i + 1 < argc; i += 2)
    (std::string_view(argv[i]) == "--seconds" ? seconds = std::atof(argv[i + 1])
                                              : seed = static_cast<unsigned>(std::atoi(argv[i + 1])));
  auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  long calls = 0, errors = 0;
  for (; std::chrono::steady_clock::now() < end; ++seed) {
    Fuzzer fuzzer(seed);
    for (int i = 0; i < 200 && std::chrono::steady_clock::now() < end; ++i)
      fuzzer.step();
    calls += fuzzer.calls;
    errors += fuzzer.errors;
  }
  std::printf("%ld calls, %ld errors returned, no finding\n", calls, errors);
  return calls > 0 ? 0 : 1;
}
