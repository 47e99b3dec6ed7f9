// Text with @NAME@ for the model's symbol and @MACRO@ for the same in capitals; sections that do not apply are left
// out.
#include "codegen/artefact/StandaloneHeader.h"
#include "codegen/lower/StackUse.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Path.h"

namespace sinter::codegen {
namespace {

constexpr const char *opening = R"(/* The model '@TITLE@', compiled by sinter @VERSION@ for @TARGET@.
   Needs these features of the processor: @FEATURES@
   Link it with @NAME@'s object. It calls nothing, allocates nothing and keeps no state@STATE@; several threads may run it at the
   same time, each with scratch memory of its own. */
#ifndef SINTER_MODEL_@MACRO@
#define SINTER_MODEL_@MACRO@

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define @MACRO@_SCRATCH_BYTES @SCRATCH@ /* of memory that a run needs, aligned to @MACRO@_ALIGNMENT; its content does not matter */
#define @MACRO@_ALIGNMENT @ALIGNMENT@
#define @MACRO@_STACK_BYTES @STACK@ /* of stack that @NAME@_invoke needs at most, and a task on another thread, too@VECTORS@; what calls them comes on top */
)";

constexpr const char *threads = R"(
/* Optional threads: parallel_for calls task(buffers, begin, end) for ranges that together are [0, total), each but the last a
   multiple of `grain` long, in any order and on any threads, and returns 0 when all are done. Another value ends the run, which
   returns it. The result does not depend on the ranges. */
typedef void (*@NAME@_task)(void *const *buffers, int64_t begin, int64_t end);
typedef struct @NAME@_threads {
  void *context;
  int32_t (*parallel_for)(void *context, int32_t kernel, @NAME@_task task, void *const *buffers, int64_t total, int64_t grain);
  void *reserved; /* NULL */
} @NAME@_threads;

/* The object's function; @NAME@_run calls it. */
int32_t @NAME@_invoke(const @NAME@_threads *threads, void *scratch, const void *const *inputs, void *const *outputs);
)";

/// The checksum is that of runtime/Checksum.h.
constexpr const char *weights = R"(
/* Parts of the checksum of the weights, XXH64 with seed 0. */
static inline uint64_t @NAME@_rotate(uint64_t x, int32_t n) { return x << n | x >> (64 - n); }
static inline uint64_t @NAME@_round(uint64_t lane, uint64_t word) {
  return @NAME@_rotate(lane + word * UINT64_C(0xc2b2ae3d27d4eb4f), 31) * UINT64_C(0x9e3779b185ebca87);
}
static inline uint64_t @NAME@_word(const uint8_t *data, int32_t bytes) {
  uint64_t word = 0;
  int32_t i;
  for (i = 0; i < bytes; ++i)
    word |= (uint64_t)data[i] << (8 * i);
  return word;
}

/* The weights are in the file @FILE@: map it, or read it to memory aligned to @MACRO@_ALIGNMENT, and hand it over
   before the first run. Returns 0; 1 for a wrong size, 2 for a wrong alignment, 3 for wrong content. */
#define @MACRO@_WEIGHT_BYTES @BYTES@
extern const void *@NAME@_weights;
static inline int32_t @NAME@_use_weights(const void *data, size_t bytes) {
  const uint64_t p1 = UINT64_C(0x9e3779b185ebca87), p2 = UINT64_C(0xc2b2ae3d27d4eb4f), p3 = UINT64_C(0x165667b19e3779f9),
                 p4 = UINT64_C(0x85ebca77c2b2ae63), p5 = UINT64_C(0x27d4eb2f165667c5);
  const uint8_t *at = (const uint8_t *)data, *end = at + bytes;
  uint64_t hash = p5, lanes[4];
  int32_t i;
  if (bytes != @MACRO@_WEIGHT_BYTES)
    return 1;
  if ((uintptr_t)data % @MACRO@_ALIGNMENT != 0)
    return 2;
  if (bytes >= 32) {
    lanes[0] = p1 + p2, lanes[1] = p2, lanes[2] = 0, lanes[3] = 0 - p1;
    for (; end - at >= 32; at += 32)
      for (i = 0; i < 4; ++i)
        lanes[i] = @NAME@_round(lanes[i], @NAME@_word(at + 8 * i, 8));
    hash = @NAME@_rotate(lanes[0], 1) + @NAME@_rotate(lanes[1], 7) + @NAME@_rotate(lanes[2], 12) + @NAME@_rotate(lanes[3], 18);
    for (i = 0; i < 4; ++i)
      hash = (hash ^ @NAME@_round(0, lanes[i])) * p1 + p4;
  }
  hash += (uint64_t)bytes;
  for (; end - at >= 8; at += 8)
    hash = @NAME@_rotate(hash ^ @NAME@_round(0, @NAME@_word(at, 8)), 27) * p1 + p4;
  for (; end - at >= 4; at += 4)
    hash = @NAME@_rotate(hash ^ @NAME@_word(at, 4) * p1, 23) * p2 + p3;
  for (; at < end; ++at)
    hash = @NAME@_rotate(hash ^ *at * p5, 11) * p1;
  hash = (hash ^ hash >> 33) * p2;
  hash = (hash ^ hash >> 29) * p3;
  if ((hash ^ hash >> 32) != UINT64_C(@CHECKSUM@))
    return 3;
  @NAME@_weights = data;
  return 0;
}
)";

/// Flushing is a mode of the thread: the same bits as `sinter run` gives, and no slow subnormals.
constexpr const char *flushing = R"(
/* Subnormal numbers count as zero while the model runs, on the calling thread; threads of a parallel_for may set the same. */
static inline uint64_t @NAME@_flush(uint64_t mode, int32_t enter) {
#if defined(__x86_64__) && defined(__GNUC__)
  uint32_t saved = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(enter ? saved | 0x8040u : (uint32_t)mode);
  return saved;
#elif defined(__aarch64__) && defined(__GNUC__)
  uint64_t saved;
  __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
  __asm__ volatile("msr fpcr, %0" : : "r"(enter ? saved | (UINT64_C(1) << 24) : mode));
  return saved;
#else
  (void)enter;
  return mode;
#endif
}
)";

/// The C type that holds an element.
llvm::StringRef cType(DType type) {
  switch (type) {
  case DType::F32:
    return "float";
  case DType::F64:
    return "double";
  case DType::I16:
    return "int16_t";
  case DType::I32:
    return "int32_t";
  case DType::I64:
    return "int64_t";
  case DType::F16:
  case DType::BF16:
  case DType::U16:
    return "uint16_t";
  case DType::U32:
    return "uint32_t";
  case DType::U64:
    return "uint64_t";
  case DType::I8:
  case DType::I4:
  case DType::I2:
    return "int8_t";
  default:
    return "uint8_t";
  }
}

/// Parameters, and what is said about each.
class Parameters {
public:
  std::vector<std::string> inputs, outputs;
  std::string declarations, sizes;

  Parameters(const Program &program, llvm::StringRef macro) {
    for (const TensorEntry &entry : program.variants[0].tables.inputs)
      inputs.push_back(add(entry, "in_", "const ", macro));
    for (const TensorEntry &entry : program.variants[0].tables.outputs)
      outputs.push_back(add(entry, "out_", "", macro));
  }

private:
  std::string add(const TensorEntry &entry, const char *prefix, const char *qualifier, llvm::StringRef macro) {
    std::string name = prefix + identifierOf(entry.name);
    for (int copy = 2; !taken.insert(name).second; ++copy)
      name = prefix + identifierOf(entry.name) + "_" + std::to_string(copy);
    declarations += std::string(qualifier) + cType(entry.type).str() + " *" + name + ", ";
    sizes += "#define " + macro.str() + "_" + llvm::StringRef(name).upper() + "_SIZE " +
             std::to_string(elementCount(entry.shape).value_or(0)) +
             " /* elements: " + std::string(nameOf(entry.type)) + " " + toString(entry.shape) + " */\n";
    return name;
  }

  llvm::StringSet<> taken;
};

/// Replaces characters that could end the comment.
std::string forComment(llvm::StringRef text) {
  std::string safe;
  for (char c : text)
    safe += c == '*' || c == '\\' || static_cast<unsigned char>(c) < ' ' ? '_' : c;
  return safe;
}

using Replacement = std::pair<llvm::StringRef, std::string>;
std::string filled(llvm::StringRef text, llvm::ArrayRef<Replacement> replacements) {
  std::string result;
  while (!text.empty()) {
    auto [before, rest] = text.split('@');
    result += before;
    auto [key, after] = rest.split('@');
    for (const auto &[name, value] : replacements)
      if (name == key)
        result += value;
    text = after;
  }
  return result;
}

/// Which code says that which node was given a wrong index.
std::string indexErrors(const Program &program) {
  std::string text;
  for (auto [row, kernel] : llvm::enumerate(program.variants[0].kernels))
    if (kernel.checksIndices)
      text += (text.empty() ? "\n   An index outside its dimension ends the run: " : ",\n     ") +
              std::to_string(SINTER_INDEX_ERROR + row) + " for '" + forComment(kernel.name) + "' (" + kernel.ops + ")";
  return text.empty() ? text : text + ".";
}

std::string runFunction(const Program &program, const StandaloneNames &names, const Parameters &parameters,
                        bool hasFile) {
  std::string text = "\n/* One inference on dense row-major buffers, aligned to their elements, which must not "
                     "overlap. `threads` may be NULL.\n"
                     "   Returns 0";
  text += hasFile ? ", 1 without weights" : "";
  text += ", or what parallel_for returned." + indexErrors(program) + " */\nstatic inline int32_t " + names.symbol +
          "_run(" + parameters.declarations + "void *scratch, const " + names.symbol +
          "_threads *threads) {\n  const void *inputs[] = {" +
          (parameters.inputs.empty() ? "0" : llvm::join(parameters.inputs, ", ")) + "};\n  void *outputs[] = {" +
          (parameters.outputs.empty() ? "0" : llvm::join(parameters.outputs, ", ")) + "};\n  int32_t code;\n";
  if (program.variants[0].flushSubnormals)
    text += "  uint64_t mode;\n";
  if (hasFile)
    text += "  if (!" + names.weights + ")\n    return 1;\n";
  if (program.variants[0].flushSubnormals)
    text += "  mode = " + names.symbol + "_flush(0, 1);\n";
  text += "  code = " + names.invoke + "(threads, scratch, inputs, outputs);\n";
  if (program.variants[0].flushSubnormals)
    text += "  " + names.symbol + "_flush(mode, 0);\n";
  return text + "  return code;\n}\n";
}

} // namespace

std::string identifierOf(llvm::StringRef name) {
  std::string result;
  for (char c : name)
    result += llvm::isAlnum(c) ? c : '_';
  return result.empty() || llvm::isDigit(result[0]) ? "_" + result : result;
}

std::string standaloneHeader(const Program &program, const Target &target) {
  StandaloneNames names(*program.standalone);
  llvm::StringRef weightsFile = llvm::sys::path::filename(program.standalone->weightsFile);
  std::string macro = llvm::StringRef(names.symbol).upper();
  bool hasFile = !weightsFile.empty();
  std::string features = llvm::join(target.required, " ");
  std::vector<Replacement> replacements = {
      {"TITLE", forComment(program.variants[0].name)},
      {"VERSION", SINTER_VERSION},
      {"TARGET", target.triple + " " + target.cpu},
      {"FEATURES", features.empty() ? "none" : features},
      {"STATE", hasFile ? " but the address of its weights" : ""},
      {"NAME", names.symbol},
      {"MACRO", macro},
      {"SCRATCH", std::to_string(std::max<int64_t>(program.variants[0].arenaBytes, SINTER_ALIGNMENT))},
      {"ALIGNMENT", std::to_string(SINTER_ALIGNMENT)},
      {"STACK", std::to_string(program.variants[0].stackBytes)},
      {"VECTORS", target.architecture == Architecture::Riscv64
                      ? " where vectors have up to " + std::to_string(countedVectorBits) + " bits"
                      : ""},
      {"FILE", forComment(weightsFile)},
      {"BYTES", std::to_string(program.weights.bytes())},
      {"CHECKSUM", "0x" + llvm::utohexstr(program.weights.checksum(), /*LowerCase=*/true)}};
  Parameters parameters(program, macro);
  std::string text = filled(opening, replacements) + parameters.sizes + filled(threads, replacements);
  if (hasFile)
    text += filled(weights, replacements);
  if (program.variants[0].flushSubnormals)
    text += filled(flushing, replacements);
  text += runFunction(program, names, parameters, hasFile);
  return text + "\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
}

} // namespace sinter::codegen
