// Targets by name, and what LLVM knows about them.
#include "codegen/target/Target.h"
#include "runtime/CpuFeatures.h"
#include "runtime/OptionMark.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include <mutex>

namespace sinter::codegen {

static void initialiseLlvm() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    llvm::InitializeAllAsmParsers();
  });
}

std::unique_ptr<llvm::TargetMachine> createTargetMachine(const Target &target) {
  initialiseLlvm();
  std::string error;
  llvm::Triple triple(target.triple);
  const llvm::Target *backend = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!backend)
    return nullptr;
  llvm::TargetOptions options;
  // Products and sums fuse where the code says so (vector.fma becomes fmuladd), and nowhere else.
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  if (target.architecture == Architecture::Riscv64)
    options.MCOptions.ABIName = "lp64d";
  return std::unique_ptr<llvm::TargetMachine>(backend->createTargetMachine(triple, target.cpu, target.features, options,
                                                                           llvm::Reloc::PIC_, llvm::CodeModel::Small,
                                                                           llvm::CodeGenOptLevel::Default));
}

/// All features of this machine, as "+avx2,-amx-tile,...": hypervisors hide some that the processor's name implies.
static std::string hostFeatures() {
  std::vector<std::string> features;
  for (const auto &[name, isPresent] : llvm::sys::getHostCPUFeatures())
    features.push_back((isPresent ? "+" : "-") + name.str());
  llvm::sort(features);
  return llvm::join(features, ",");
}

/// Fills what kernel emitters and the artifact's header ask for.
static void describe(Target &target, llvm::TargetMachine &machine) {
  llvm::LLVMContext context;
  llvm::Module module("probe", context);
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(machine.createDataLayout());
  auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(context), false);
  auto *function = llvm::Function::Create(type, llvm::Function::ExternalLinkage, "probe", module);
  llvm::TargetTransformInfo info = machine.getTargetTransformInfo(*function);
  target.vectorBits =
      static_cast<unsigned>(info.getRegisterBitWidth(llvm::TargetTransformInfo::RGK_FixedWidthVector).getFixedValue());
  const llvm::MCSubtargetInfo &features = *machine.getMCSubtargetInfo();
  bool isX86 = machine.getTargetTriple().isX86();
  // LLVM prefers 256 bits on processors whose clock once dropped under 512; kernels here are bound by arithmetic.
  if (isX86 && features.checkFeatures("+avx512f") && features.checkFeatures("+avx512vl"))
    target.vectorBits = 512;
  target.vectorBits = std::max(target.vectorBits, 128u);
  target.vectorRegisters = info.getNumberOfRegisters(info.getRegisterClassForType(true));
  target.foldsLoads = isX86;
  // Without V, LLVM takes vectors apart into the registers of scalars.
  bool isRiscv = target.architecture == Architecture::Riscv64;
  if (isRiscv && !features.checkFeatures("+v"))
    target.vectorRegisters = 16;
  target.hasFma = !isX86 || features.checkFeatures("+fma");
  target.hasRounding = !isX86 || features.checkFeatures("+sse4.1");
  target.hasHalf = target.architecture == Architecture::Aarch64 || (isX86 && features.checkFeatures("+f16c"));
  bool isWide = target.vectorBits == 512;
  target.hasByteDots = isX86 && features.checkFeatures(isWide ? "+avx512vnni" : "+avxvnni");
  target.hasPairSums = isX86 && features.checkFeatures(isWide                     ? "+avx512bw"
                                                       : target.vectorBits == 256 ? "+avx2"
                                                                                  : "+sse2");
  target.hasBfloatDots = isX86 && isWide && features.checkFeatures("+avx512bf16");
  // One unit of 512 bits, or none: the halves are computed one after the other, or by two units at once. As LLVM has no
  // such figure: the optimization guides of AMD (Zen 4) and Intel (client processors).
  target.halvesWideVectors = isWide && llvm::is_contained({"znver4", "icelake-client", "tigerlake", "rocketlake"},
                                                          llvm::StringRef(target.cpu));
  using Cache = llvm::TargetTransformInfo::CacheLevel;
  target.l1Bytes = info.getCacheSize(Cache::L1D).value_or(target.l1Bytes);
  target.l2Bytes = info.getCacheSize(Cache::L2D).value_or(target.l2Bytes);
  for (const llvm::SubtargetFeatureKV &feature : features.getAllProcessorFeatures())
    if (features.getFeatureBits().test(feature.Value) && isCheckedFeature(target.architecture, feature.Key))
      target.required.push_back(feature.Key);
}

static std::optional<Architecture> architectureOf(const llvm::Triple &triple) {
  switch (triple.getArch()) {
  case llvm::Triple::x86_64:
    return Architecture::X86_64;
  case llvm::Triple::aarch64:
    return Architecture::Aarch64;
  case llvm::Triple::riscv64:
    return Architecture::Riscv64;
  default:
    return std::nullopt;
  }
}

Expected<Target> resolveTarget(const std::string &triple, const std::string &cpu) {
  initialiseLlvm();
  Target target;
  std::string host = llvm::sys::getDefaultTargetTriple();
  target.triple = llvm::Triple::normalize(triple.empty() ? host : triple);
  bool isHostArch = llvm::Triple(target.triple).getArch() == llvm::Triple(host).getArch();
  std::string error;
  llvm::Triple parsed(target.triple);
  const llvm::Target *backend = llvm::TargetRegistry::lookupTarget(parsed, error);
  std::optional<Architecture> architecture = architectureOf(parsed);
  if (!backend || !architecture || !parsed.isOSBinFormatELF())
    return Failure{ErrorCode::InvalidArgument,
                   optionMark("target-triple") + " '" + triple +
                       "' is not supported: x86_64-linux-gnu, aarch64-linux-gnu and riscv64-linux-gnu are"};
  target.architecture = *architecture;
  if (cpu.empty() || cpu == "native" || cpu == "host") {
    if (isHostArch) {
      target.cpu = llvm::sys::getHostCPUName().str();
      target.features = hostFeatures();
    } else {
      target.cpu = parsed.isX86() ? "x86-64" : parsed.isRISCV64() ? "rv64gc" : "generic";
    }
  } else {
    target.cpu = cpu == "x86-64-v1" ? "x86-64" : cpu;
  }
  // Linux distributions are built for these, which LLVM knows as features.
  if (target.cpu == "rv64gc" || target.cpu == "rv64gcv") {
    target.features = target.cpu == "rv64gc" ? "+m,+a,+f,+d,+c" : "+m,+a,+f,+d,+c,+v";
    target.cpu = "generic-rv64";
  }
  std::unique_ptr<llvm::MCSubtargetInfo> known(backend->createMCSubtargetInfo(parsed, "", ""));
  if (!known || !known->isCPUStringValid(target.cpu))
    return Failure{ErrorCode::InvalidArgument, optionMark("target-cpu") + " '" + cpu + "' is not known for " +
                                                   target.triple +
                                                   ": use a name of LLVM's (llc -mcpu=help), x86-64-v1 to "
                                                   "x86-64-v4, rv64gc, rv64gcv, or leave it out for this machine"};
  std::unique_ptr<llvm::TargetMachine> machine = createTargetMachine(target);
  if (!machine)
    return Failure{ErrorCode::Internal, "LLVM makes no code for " + target.triple + " " + target.cpu};
  describe(target, *machine);
  return target;
}

} // namespace sinter::codegen
