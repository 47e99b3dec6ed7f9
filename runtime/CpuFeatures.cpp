// The kernel's flags say what the processor has and the operating system saves; tables translate LLVM's names.
#include "runtime/CpuFeatures.h"

#include "runtime/Descriptor.h"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <span>
#include <sys/auxv.h>

namespace sinter {
namespace {

/// Features that generated code may use: random numbers are none, and kernels hide rdseed where it is broken.
/// A name of LLVM's, and where the system says whether it is there: x86 by a word in /proc/cpuinfo, others by a bit of
/// the auxiliary vector, which emulators have, too.
struct FeatureName {
  std::string_view llvm, kernel;
  int bit = -1; ///< of AT_HWCAP; 64 and more: of AT_HWCAP2
};
constexpr FeatureName x86Features[] = {{"64bit", "lm"},
                                       {"adx", "adx"},
                                       {"aes", "aes"},
                                       {"amx-bf16", "amx_bf16"},
                                       {"amx-int8", "amx_int8"},
                                       {"amx-tile", "amx_tile"},
                                       {"avx", "avx"},
                                       {"avx2", "avx2"},
                                       {"avx512bf16", "avx512_bf16"},
                                       {"avx512bitalg", "avx512_bitalg"},
                                       {"avx512bw", "avx512bw"},
                                       {"avx512cd", "avx512cd"},
                                       {"avx512dq", "avx512dq"},
                                       {"avx512f", "avx512f"},
                                       {"avx512fp16", "avx512_fp16"},
                                       {"avx512ifma", "avx512ifma"},
                                       {"avx512vbmi", "avx512vbmi"},
                                       {"avx512vbmi2", "avx512_vbmi2"},
                                       {"avx512vl", "avx512vl"},
                                       {"avx512vnni", "avx512_vnni"},
                                       {"avx512vp2intersect", "avx512_vp2intersect"},
                                       {"avx512vpopcntdq", "avx512_vpopcntdq"},
                                       {"avxvnni", "avx_vnni"},
                                       {"bmi", "bmi1"},
                                       {"bmi2", "bmi2"},
                                       {"cmov", "cmov"},
                                       {"crc32", "sse4_2"},
                                       {"cx16", "cx16"},
                                       {"cx8", "cx8"},
                                       {"f16c", "f16c"},
                                       {"fma", "fma"},
                                       {"fma4", "fma4"},
                                       {"fxsr", "fxsr"},
                                       {"gfni", "gfni"},
                                       {"lzcnt", "abm"},
                                       {"mmx", "mmx"},
                                       {"movbe", "movbe"},
                                       {"pclmul", "pclmulqdq"},
                                       {"popcnt", "popcnt"},
                                       {"sahf", "lahf_lm"},
                                       {"sha", "sha_ni"},
                                       {"sse", "sse"},
                                       {"sse2", "sse2"},
                                       {"sse3", "pni"},
                                       {"sse4.1", "sse4_1"},
                                       {"sse4.2", "sse4_2"},
                                       {"sse4a", "sse4a"},
                                       {"ssse3", "ssse3"},
                                       {"vaes", "vaes"},
                                       {"vpclmulqdq", "vpclmulqdq"},
                                       {"x87", "fpu"},
                                       {"xop", "xop"},
                                       {"xsave", "xsave"}};
constexpr FeatureName armFeatures[] = {
    {"fp-armv8", "fp", 0},      {"neon", "asimd", 1},  {"aes", "aes", 3},           {"sha2", "sha2", 6},
    {"crc", "crc32", 7},        {"lse", "atomics", 8}, {"fullfp16", "asimdhp", 10}, {"rdm", "asimdrdm", 12},
    {"dotprod", "asimddp", 20}, {"sve", "sve", 22},    {"sve2", "sve2", 64 + 1},    {"i8mm", "i8mm", 64 + 13},
    {"bf16", "bf16", 64 + 14}};
constexpr FeatureName riscvFeatures[] = {{"a", "a", 'a' - 'a'}, {"c", "c", 'c' - 'a'}, {"d", "d", 'd' - 'a'},
                                         {"f", "f", 'f' - 'a'}, {"m", "m", 'm' - 'a'}, {"v", "v", 'v' - 'a'}};

std::span<const FeatureName> featuresOf(Architecture architecture) {
  switch (architecture) {
  case Architecture::X86_64:
    return x86Features;
  case Architecture::Aarch64:
    return armFeatures;
  case Architecture::Riscv64:
    return riscvFeatures;
  }
  return {};
}

#if defined(__x86_64__)
constexpr Architecture own = Architecture::X86_64;
constexpr std::pair<std::string_view, std::string_view> baselines[] = {
    {"x86-64-v4", "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,bmi,bmi2,f16c,fma,lzcnt,movbe"},
    {"x86-64-v3", "avx2,bmi,bmi2,f16c,fma,lzcnt,movbe"},
    {"x86-64-v2", "cx16,sahf,popcnt,sse3,ssse3,sse4.1,sse4.2"},
    {"x86-64", ""}};
#elif defined(__aarch64__)
constexpr Architecture own = Architecture::Aarch64;
constexpr std::pair<std::string_view, std::string_view> baselines[] = {{"generic", ""}};
#elif defined(__riscv) && __riscv_xlen == 64
constexpr Architecture own = Architecture::Riscv64;
constexpr std::pair<std::string_view, std::string_view> baselines[] = {{"rv64gcv", "v"}, {"rv64gc", ""}};
#else
#error "Sinter runs on x86-64, AArch64 and RISC-V (64 bits)"
#endif

/// The words of the first processor's flags in /proc/cpuinfo, one blank before and behind each.
const std::string &kernelFlags() {
  static const std::string flags = [] {
    std::string text;
    Descriptor file(::open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC));
    // Little at a time: the system writes an entry when it is asked for, and the first is enough.
    char piece[1024];
    size_t line = std::string::npos, end = std::string::npos;
    for (ssize_t got; end == std::string::npos && (got = ::read(file.fd, piece, sizeof piece)) > 0;) {
      text.append(piece, static_cast<size_t>(got));
      line = text.find("\nflags");
      end = line == std::string::npos ? line : text.find('\n', line + 1);
    }
    size_t colon = line == std::string::npos ? line : text.find(':', line);
    return colon < end ? text.substr(colon + 1, end - colon - 1) + " " : std::string();
  }();
  return flags;
}

bool hasKernelFlag(std::string_view word) {
  const std::string &flags = kernelFlags();
  for (size_t at = 0; (at = flags.find(word, at)) != std::string::npos; at += word.size())
    if (at > 0 && flags[at - 1] == ' ' && flags[at + word.size()] == ' ')
      return true;
  return false;
}

const FeatureName *find(Architecture architecture, std::string_view name) {
  std::span<const FeatureName> features = featuresOf(architecture);
  auto found = std::find_if(features.begin(), features.end(), [&](auto &f) { return f.llvm == name; });
  return found == features.end() ? nullptr : &*found;
}

bool isPresent(const FeatureName &feature) {
  if (feature.bit < 0)
    return hasKernelFlag(feature.kernel);
  constexpr int wordBits = 64;
  unsigned long word = getauxval(feature.bit < wordBits ? AT_HWCAP : AT_HWCAP2);
  return word >> (feature.bit % wordBits) & 1;
}

/// Whether SINTER_HIDE_CPU_FEATURES lists it.
bool isHidden(std::string_view name) {
  const char *variable = std::getenv("SINTER_HIDE_CPU_FEATURES");
  for (std::string_view rest = variable ? variable : ""; !rest.empty();) {
    std::string_view listed = rest.substr(0, rest.find(','));
    if (listed == name)
      return true;
    rest.remove_prefix(std::min(rest.size(), listed.size() + 1));
  }
  return false;
}

} // namespace

bool isCheckedFeature(Architecture architecture, std::string_view feature) {
  return find(architecture, feature) != nullptr;
}

std::vector<std::string> missingFeatures(std::string_view list) {
  std::vector<std::string> missing;
  while (!list.empty()) {
    std::string_view name = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), name.size() + 1));
    if (name.starts_with('+'))
      name.remove_prefix(1);
    const FeatureName *feature = find(own, name);
    if (!name.empty() && (!feature || !isPresent(*feature) || isHidden(name)))
      missing.emplace_back(name);
  }
  return missing;
}

std::string baselineCpu() {
  for (auto [cpu, needs] : baselines)
    if (missingFeatures(needs).empty())
      return std::string(cpu);
  return "generic";
}

} // namespace sinter
