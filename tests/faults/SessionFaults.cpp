// Fails one allocation after another while a compiled model is loaded, gets a session and runs: each must end as an
// error that names memory, or as the right result, and leave nothing behind. Run with FailingMalloc preloaded; every
// try is a process of its own.
//   session-faults LIBRARY.so [--threads 2]
#include "tests/faults/FailingMalloc.h"

#include <sinter/sinter.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

decltype(&failAllocations) fail;
decltype(&countedAllocations) calls;
decltype(&usedBlocks) used;

/// The caller's allocator, which counts on its own.
struct Allocator {
  long calls = 0, blocks = 0, failing = 0;
  bool failsOn = false;

  static void *allocate(void *context, size_t bytes, size_t alignment) {
    auto &self = *static_cast<Allocator *>(context);
    ++self.calls;
    if (self.calls == self.failing || (self.failsOn && self.failing > 0 && self.calls > self.failing))
      return nullptr;
    void *block = nullptr;
    if (posix_memalign(&block, alignment, bytes) != 0)
      return nullptr;
    ++self.blocks;
    return block;
  }
  static void release(void *context, void *block, size_t) {
    --static_cast<Allocator *>(context)->blocks;
    std::free(block);
  }
};

/// The outcome of one try; nothing in it is allocated.
struct Outcome {
  sinter_code_t code = SINTER_OK;
  char message[256] = {};
  float sum = 0;
};

/// Memory that is there before anything fails. Inputs lie strided, so that the session copies them into memory of its
/// own.
struct Tensors {
  std::vector<std::vector<float>> values;
  std::vector<std::vector<int64_t>> shapes, strides;
  std::vector<sinter_tensor_t> inputs, outputs;

  explicit Tensors(const char *library) {
    sinter_model_t *model = nullptr;
    if (sinter_model_load(library, &model))
      std::exit(2);
    for (size_t i = 0; i < sinter_model_input_count(model); ++i) {
      const sinter_tensor_info_t *info = sinter_model_input(model, i);
      std::vector<int64_t> shape(info->shape, info->shape + info->rank), stride(shape.size());
      int64_t bytes = 2 * sizeof(float);
      for (size_t k = shape.size(); k-- > 0; bytes *= shape[k])
        stride[k] = bytes;
      shapes.push_back(shape);
      strides.push_back(stride);
      values.emplace_back(static_cast<size_t>(bytes) / sizeof(float) + 1, 0.5F);
    }
    for (size_t i = 0; i < shapes.size(); ++i)
      inputs.push_back(
          {values[i].data(), shapes[i].data(), strides[i].data(), static_cast<int32_t>(shapes[i].size()), SINTER_F32});
    outputs.resize(sinter_model_output_count(model));
    sinter_model_free(model);
  }
};

Outcome attempt(const char *library, Tensors &tensors, int threads, Allocator *own) {
  Outcome outcome;
  sinter_model_t *model = nullptr;
  sinter_session_t *session = nullptr;
  sinter_allocator_t allocator = {own, Allocator::allocate, Allocator::release};
  sinter_session_config_t config = {sizeof config, threads, own ? &allocator : nullptr};
  std::fill(tensors.outputs.begin(), tensors.outputs.end(), sinter_tensor_t{});
  sinter_error_t *error = sinter_model_load(library, &model);
  if (!error)
    error = sinter_session_create(model, &config, &session);
  if (!error)
    error = sinter_session_run(session, tensors.inputs.data(), tensors.inputs.size(), tensors.outputs.data(),
                               tensors.outputs.size());
  // A session goes on after a run that found no memory.
  if (error && session) {
    sinter_error_t *again = sinter_session_run(session, tensors.inputs.data(), tensors.inputs.size(),
                                               tensors.outputs.data(), tensors.outputs.size());
    sinter_error_free(again);
  }
  outcome.code = sinter_error_code(error);
  std::strncpy(outcome.message, sinter_error_message(error), sizeof outcome.message - 1);
  if (!error)
    for (const sinter_tensor_t &output : tensors.outputs) {
      int64_t count = 1;
      for (int32_t axis = 0; axis < output.rank; ++axis)
        count *= output.shape[axis];
      for (int64_t i = 0; i < count; ++i)
        outcome.sum += static_cast<const float *>(output.data)[i] * static_cast<float>(i % 7 + 1);
    }
  sinter_error_free(error);
  sinter_session_free(session);
  sinter_model_free(model);
  return outcome;
}

/// Why an outcome is wrong; null where it is not.
const char *judge(const Outcome &outcome, float expected) {
  if (outcome.code == SINTER_OK)
    return outcome.sum == expected ? nullptr : "gave a wrong result";
  if (outcome.code != SINTER_OUT_OF_MEMORY)
    return "is not SINTER_OUT_OF_MEMORY";
  return std::strstr(outcome.message, "memory") ? nullptr : "does not name memory";
}

/// One number of a fault: status 0 where all is well, 1 where there is a finding, 3 where the fault came too late to
/// matter.
int tryFault(const char *library, int threads, long at, long count, bool ofAllocator) {
  Tensors tensors(library);
  float expected = attempt(library, tensors, threads, nullptr).sum;
  long most = 0, growth = 1 << 30;
  Outcome outcome;
  // The system's own caches grow once; a leak grows each time.
  for (int round = 0; round < 4; ++round) {
    Allocator own;
    own.failing = ofAllocator ? at : 0;
    own.failsOn = count > 1;
    long before = used();
    if (ofAllocator)
      fail(0, 0);
    else
      fail(at, count);
    outcome = attempt(library, tensors, threads, ofAllocator ? &own : nullptr);
    long made = ofAllocator ? own.calls : calls();
    fail(0, 0);
    most = std::max(most, made);
    growth = std::min(growth, used() - before + own.blocks);
    if (const char *wrong = judge(outcome, expected)) {
      std::printf("%s %ld%s: %s (%d: %s)\n", ofAllocator ? "allocator's call" : "allocation", at,
                  count > 1 ? " and all after it" : "", wrong, outcome.code, outcome.message);
      return 1;
    }
  }
  if (growth > 0) {
    std::printf("%s %ld%s: leaks %ld blocks a time (%d: %s)\n", ofAllocator ? "allocator's call" : "allocation", at,
                count > 1 ? " and all after it" : "", growth, outcome.code, outcome.message);
    return 1;
  }
  return most < at ? 3 : 0;
}

/// Every number until one comes too late; how many there were, and how many findings.
void tryAll(const char *what, const char *library, int threads, long count, bool ofAllocator, int &findings) {
  long tried = 0;
  for (long at = 1; at < 1000000; ++at, ++tried) {
    std::fflush(stdout);
    pid_t child = ::fork();
    if (child == 0) {
      ::alarm(60);
      int status = tryFault(library, threads, at, count, ofAllocator);
      std::fflush(stdout);
      ::_exit(status);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 3)
      break;
    if (!WIFEXITED(status))
      std::printf("%s %ld: ended by signal %d\n", what, at, WTERMSIG(status));
    findings += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
  }
  std::printf("%s: %ld numbers\n", what, tried);
}

} // namespace

int main(int argc, char **argv) {
  fail = reinterpret_cast<decltype(fail)>(dlsym(RTLD_DEFAULT, "failAllocations"));
  calls = reinterpret_cast<decltype(calls)>(dlsym(RTLD_DEFAULT, "countedAllocations"));
  used = reinterpret_cast<decltype(used)>(dlsym(RTLD_DEFAULT, "usedBlocks"));
  if (argc < 2 || !fail || !calls || !used) {
    std::fprintf(stderr, "usage: LD_PRELOAD=libfailing-malloc.so session-faults LIBRARY.so [--threads N]\n");
    return 2;
  }
  int threads = argc > 3 && std::string(argv[2]) == "--threads" ? std::atoi(argv[3]) : 2;
  int findings = 0;
  constexpr long all = 1L << 40;
  tryAll("one allocation fails", argv[1], threads, 1, false, findings);
  tryAll("all allocations from one on fail", argv[1], threads, all, false, findings);
  tryAll("one call of the caller's allocator fails", argv[1], threads, 1, true, findings);
  tryAll("all calls of the caller's allocator from one on fail", argv[1], threads, all, true, findings);
  std::printf("%d findings\n", findings);
  return findings > 0;
}
