// The kernel's flags in /proc/cpuinfo say what the processor has and the operating system saves; where the
// kernel's name differs from LLVM's, a table translates.
#include "runtime/CpuFeatures.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

namespace sinter {
namespace {

/// Features that generated code may use: random numbers are none, and kernels hide rdseed where it is broken.
struct FeatureName {
  std::string_view llvm, kernel;
};
#if defined(__x86_64__)
constexpr FeatureName features[] = {{"64bit", "lm"},
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
constexpr std::string_view flagsKey = "flags";
constexpr std::pair<std::string_view, std::string_view> baselines[] = {
    {"x86-64-v4", "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,bmi,bmi2,f16c,fma,lzcnt,movbe"},
    {"x86-64-v3", "avx2,bmi,bmi2,f16c,fma,lzcnt,movbe"},
    {"x86-64-v2", "cx16,sahf,popcnt,sse3,ssse3,sse4.1,sse4.2"},
    {"x86-64", ""}};
#elif defined(__aarch64__)
constexpr FeatureName features[] = {{"aes", "aes"},         {"bf16", "bf16"},   {"crc", "crc32"},
                                    {"dotprod", "asimddp"}, {"fp-armv8", "fp"}, {"fullfp16", "asimdhp"},
                                    {"i8mm", "i8mm"},       {"lse", "atomics"}, {"neon", "asimd"},
                                    {"rdm", "asimdrdm"},    {"sha2", "sha2"},   {"sve", "sve"},
                                    {"sve2", "sve2"}};
constexpr std::string_view flagsKey = "Features";
constexpr std::pair<std::string_view, std::string_view> baselines[] = {{"generic", ""}};
#else
constexpr FeatureName features[] = {{"", ""}};
constexpr std::string_view flagsKey = "flags";
constexpr std::pair<std::string_view, std::string_view> baselines[] = {{"generic", ""}};
#endif

const std::set<std::string, std::less<>> &kernelFlags() {
  static const auto flags = [] {
    std::set<std::string, std::less<>> set;
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; set.empty() && std::getline(file, line);)
      if (size_t colon = line.find(':'); line.starts_with(flagsKey) && colon != std::string::npos) {
        std::istringstream words(line.substr(colon + 1));
        for (std::string word; words >> word;)
          set.insert(word);
      }
    return set;
  }();
  return flags;
}

const FeatureName *find(std::string_view name) {
  auto found =
      std::find_if(std::begin(features), std::end(features), [&](auto &f) { return f.llvm == name; });
  return found == std::end(features) ? nullptr : found;
}

} // namespace

bool isCheckedFeature(std::string_view feature) { return find(feature) != nullptr; }

std::vector<std::string> missingFeatures(std::string_view list) {
  std::vector<std::string> missing;
  while (!list.empty()) {
    std::string_view name = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), name.size() + 1));
    if (name.starts_with('+'))
      name.remove_prefix(1);
    const FeatureName *feature = find(name);
    if (!name.empty() && (!feature || !kernelFlags().contains(feature->kernel)))
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
