// Candidates are measured where they will run: in the whole model, with the caches as the other kernels leave them. A
// round gives every kernel its next candidate, compiles the model and runs it in turns with the one of the cost models.
#include "compiler/tuning/Tuner.h"
#include "codegen/Backend.h"
#include "codegen/artefact/CompileKernels.h"
#include "codegen/artefact/Jit.h"
#include "codegen/artefact/Program.h"
#include "codegen/artefact/WeightPool.h"
#include "codegen/emit/KernelEmitter.h"
#include "compiler/BuildProgram.h"
#include "compiler/tuning/Candidates.h"
#include "compiler/tuning/KernelKey.h"
#include "ir/DiagnosticCollector.h"
#include "ir/Ops.h"
#include "passes/AssignBackend.h"
#include "runtime/CpuFeatures.h"
#include "runtime/Model.h"
#include "runtime/OptionMark.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
#include <random>

using namespace mlir;

namespace sinter::codegen {
namespace {

using Clock = std::chrono::steady_clock;
double secondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

//===- Running ------------------------------------------------------------===//

/// The model as compiled at one moment, on one thread.
class Runner : public RunObserver {
public:
  static Expected<std::unique_ptr<Runner>> create(const LoadedModel &model, const CompileOptions &options,
                                                  const Target &target) {
    Program program;
    if (Status status = addVariant(program, model, options, target, /*takesWeights=*/false); !status.ok())
      return status.failure();
    if (Status status = WeightPool().place(program); !status.ok())
      return status.failure();
    Expected<std::vector<std::string>> objects = compileObjects(program, codegenOptions(options));
    if (!objects)
      return objects.failure();
    Expected<std::shared_ptr<CompiledModel>> compiled = linkInProcess(program, std::move(*objects), target);
    if (!compiled)
      return compiled.failure();
    Expected<std::shared_ptr<Model>> loaded = Model::fromAbi((*compiled)->abi(), *compiled);
    if (!loaded)
      return loaded.failure();
    Expected<std::unique_ptr<Session>> session = Session::create(*loaded, /*threads=*/1);
    if (!session)
      return session.failure();
    Expected<std::vector<Tensor>> outputs = (*session)->makeOutputs();
    if (!outputs)
      return outputs.failure();
    std::unique_ptr<Runner> runner(new Runner);
    runner->session = std::move(*session);
    runner->outputs = std::move(*outputs);
    runner->times.resize((*loaded)->kernels().size());
    return runner;
  }

  /// Runs once, and keeps each kernel's time unless it is a warm-up.
  Status run(std::span<const Tensor> inputs, bool isCounted) {
    current.assign(times.size(), 0);
    Status status = session->run(inputs, outputs, this);
    for (size_t i = 0; isCounted && i < times.size(); ++i)
      times[i].push_back(current[i]);
    return status;
  }

  /// Milliseconds of a kernel: the lower quartile of its runs, since what disturbs a run makes it longer.
  double milliseconds(size_t kernel) const {
    std::vector<double> sorted = times[kernel];
    llvm::sort(sorted);
    return sorted.empty() ? 0 : sorted[sorted.size() / 4] * 1e3;
  }
  const Model &model() const { return session->model(); }
  void forget() {
    for (std::vector<double> &kernel : times)
      kernel.clear();
  }

private:
  Runner() = default;
  void ran(int32_t kernel, TimePoint begin, TimePoint end) override {
    current[static_cast<size_t>(kernel)] += std::chrono::duration<double>(end - begin).count();
  }

  std::unique_ptr<Session> session;
  std::vector<Tensor> outputs;
  std::vector<std::vector<double>> times; ///< seconds, by kernel and run
  std::vector<double> current;
};

/// Uniform in [0, 1); integers are 0, which is an index of anything.
Expected<std::vector<Tensor>> makeInputs(const Model &model) {
  std::mt19937 random(0);
  std::vector<Tensor> inputs;
  for (const SinterTensorInfo &info : model.inputs()) {
    std::optional<Tensor> tensor = Tensor::allocate(typeOf(info), shapeOf(info));
    if (!tensor)
      return Failure{ErrorCode::OutOfMemory, std::string("not enough memory for input '") + info.name + "'"};
    std::vector<double> values(static_cast<size_t>(tensor->size()), 0);
    if (isFloat(tensor->type()))
      for (double &value : values)
        value = static_cast<double>(random() >> 8) * 0x1p-24;
    storeDoubles(*tensor, values);
    inputs.push_back(info.defaultValue ? Tensor() : std::move(*tensor));
  }
  return inputs;
}

/// Runs both in turns, for so many seconds and at least five times.
Status runInTurns(Runner &a, Runner &b, std::span<const Tensor> inputs, double seconds) {
  a.forget(), b.forget();
  constexpr int minRuns = 5, maxRuns = 2000;
  Clock::time_point start = Clock::now();
  for (int i = -1; i < minRuns || (secondsSince(start) < seconds && i < maxRuns); ++i)
    for (Runner *runner : {&a, &b})
      if (Status status = runner->run(inputs, i >= 0); !status.ok())
        return status;
  return {};
}

//===- Kernels ------------------------------------------------------------===//

std::string number(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.3g", value);
  return text;
}

/// Makes a kernel's attributes say what `choice` says.
void apply(nn::KernelOp kernel, const Choice &choice, const Backends &backends, const TunedKernel *measured = nullptr) {
  Builder b(kernel.getContext());
  auto set = [&](StringRef name, const std::string &text) {
    if (text.empty())
      kernel->removeAttr(name);
    else
      kernel->setAttr(name, b.getStringAttr(text));
  };
  // Before the backend tells what it makes of it.
  set(nn::scheduleAttr, toString(choice.schedule));
  nn::giveTo(*findBackend(backends, choice.backend), kernel);
  std::string reason;
  if (measured && !choice.isDefault())
    reason =
        "measured on this processor: " + number(measured->milliseconds) + " ms, " +
        (choice.isGeneratedCode() ? "the cost model's schedule " : std::string(backendTitle(generatedCode)) + " ") +
        number(measured->defaultMilliseconds) + " ms";
  set(nn::measuredAttr, reason);
}

/// Kernels that are alike.
struct Group {
  std::string key, summary;
  SmallVector<nn::KernelOp> kernels;
  SmallVector<size_t> rows; ///< in the table of kernels

  std::vector<Choice> candidates; ///< still to measure, the last one first
  llvm::StringSet<> seen;         ///< codes measured so far
  TunedKernel best;

  bool needsMeasuring = false;
};

std::string summaryOf(nn::KernelOp kernel) {
  std::string text;
  llvm::raw_string_ostream out(text);
  llvm::interleave(
      kernel.getBody().front().without_terminator(), out, [&](Operation &op) { out << op.getName().stripDialect(); },
      "+");
  for (Value input : kernel.inputs())
    out << " " << input.getType();
  out << " -> ";
  llvm::interleaveComma(kernel.getResultTypes(), out);
  return text;
}

class Tuner {
public:
  Tuner(LoadedModel &model, const CompileOptions &options, const Target &target)
      : model(model), options(options), silent(options), target(target), backends(makeBackends(target)),
        machine(machineKey(target)), cache(cachePath(options), options.tune.warn) {}

  Status run() {
    collect();
    if (!options.tune.measure || llvm::none_of(groups, [](auto &g) { return g.second.needsMeasuring; }))
      return {};
    if (Status status = measure(); !status.ok())
      return status;
    return cachePath(options).empty() ? Status() : cache.write();
  }

private:
  static std::string cachePath(const CompileOptions &options) {
    return options.tune.cachePath.empty() ? defaultTuningCache() : options.tune.cachePath;
  }

  /// Groups the kernels, and gives them what the cache knows.
  void collect() {
    size_t row = 0;
    for (auto kernel : model.module->lookupSymbol<func::FuncOp>("main").getBody().front().getOps<nn::KernelOp>()) {
      size_t number = row++;
      if (kernel.getBackend() != StringRef(generatedCode))
        continue;
      std::string key = kernelKey(kernel);
      Group &group = groups[key];
      group.key = key;
      group.kernels.push_back(kernel);
      group.rows.push_back(number);
    }
    for (auto &[key, group] : groups) {
      group.summary = summaryOf(group.kernels.front());
      group.candidates = candidatesFor(group.kernels.front(), target);
      std::reverse(group.candidates.begin(), group.candidates.end());
      group.best.summary = group.summary;
      const TunedKernel *known = cache.find(machine, key);
      group.needsMeasuring = !group.candidates.empty() && (!known || !known->isComplete);
      if (!known || (options.tune.measure && group.needsMeasuring))
        continue;
      for (nn::KernelOp kernel : group.kernels)
        if (known->choice.isGeneratedCode() || llvm::is_contained(otherBackends(kernel), known->choice.backend))
          apply(kernel, known->choice, backends, known);
    }
  }

  void applyTo(Group &group, const Choice &choice, const TunedKernel *measured = nullptr) {
    for (nn::KernelOp kernel : group.kernels)
      apply(kernel, choice, backends, measured);
  }

  /// The code that is emitted for the group now; for another backend's kernels, its name.
  std::string codeOf(Group &group) {
    nn::KernelOp kernel = group.kernels.front();
    std::string text;
    llvm::raw_string_ostream out(text);
    if (kernel.getBackend() != StringRef(generatedCode))
      return kernel.getBackend().str();
    OwningOpRef<ModuleOp> code(ModuleOp::create(UnknownLoc::get(kernel.getContext())));
    KernelEmitter emitter(kernel, *code, "kernel", target);
    DiagnosticCollector diagnostics(*kernel.getContext());
    if (failed(emitKernel(emitter, kernel)))
      return "";
    code->print(out, OpPrintingFlags().useLocalScope());
    for (const Phase &phase : emitter.phases)
      out << phase.total << " " << phase.grain << "\n";
    return text;
  }

  double sumOf(const Group &group, const Runner &runner) const {
    double sum = 0;
    for (size_t row : group.rows)
      sum += runner.milliseconds(row);
    return sum;
  }

  /// Gives each group its next candidate whose code was not measured yet; whether there is any.
  bool nextCandidates(DenseMap<Group *, Choice> &chosen) {
    chosen.clear();
    for (auto &[key, group] : groups) {
      while (group.needsMeasuring && !group.candidates.empty()) {
        Choice choice = group.candidates.back();
        group.candidates.pop_back();
        applyTo(group, choice);
        std::string code = codeOf(group);
        if (code.empty() || !group.seen.insert(code).second) {
          applyTo(group, {});
          continue;
        }
        chosen[&group] = choice;
        break;
      }
    }
    return !chosen.empty();
  }

  /// Compiles the chosen candidates and measures them beside what the cost models chose.
  Status round(const DenseMap<Group *, Choice> &chosen) {
    Expected<std::unique_ptr<Runner>> runner = Runner::create(model, silent, target);
    for (auto &[group, choice] : chosen)
      applyTo(*group, {});
    if (!runner)
      return runner.failure();
    if (Status status = runInTurns(*base, **runner, inputs, 0.3); !status.ok())
      return status;
    for (auto &[group, choice] : chosen) {
      double ours = sumOf(*group, **runner), byDefault = sumOf(*group, *base);
      TunedKernel candidate{choice, ours, byDefault, false, group->summary};
      // Less than this is noise.
      constexpr double minGain = 1.03;
      if (candidate.speedup() > std::max(minGain, group->best.speedup()))
        group->best = candidate;
      else if (group->best.choice.isDefault())
        group->best = {Choice(), byDefault, byDefault, false, group->summary};
    }
    return {};
  }

  void report(Clock::time_point start) const {
    if (!options.tune.progress)
      return;
    size_t better = llvm::count_if(groups, [](auto &g) { return !g.second.best.choice.isDefault(); });
    size_t all = llvm::count_if(groups, [](auto &g) { return g.second.needsMeasuring; });
    options.tune.progress("tuning: " + std::to_string(static_cast<int>(secondsSince(start))) + " of at most " +
                          std::to_string(static_cast<int>(options.tune.seconds)) + " s; " + std::to_string(better) +
                          " of " + std::to_string(all) + " distinct kernels faster so far");
  }

  Status measure() {
    Clock::time_point start = Clock::now();
    report(start);
    if (options.progress)
      silent.progress = [this](const char *, double) { return reportProgress(options, optimising, optimised).ok(); };
    for (auto &[key, group] : groups)
      if (group.needsMeasuring)
        applyTo(group, {});
    Expected<std::unique_ptr<Runner>> made = Runner::create(model, silent, target);
    if (!made)
      return made.failure();
    base = std::move(*made);
    Expected<std::vector<Tensor>> values = makeInputs(base->model());
    if (!values)
      return values.failure();
    inputs = std::move(*values);
    for (auto &[key, group] : groups)
      if (group.needsMeasuring)
        group.seen.insert(codeOf(group));

    // A round takes about as long as the one before it, and so does the last comparison.
    double longest = secondsSince(start);
    auto isTime = [&] { return secondsSince(start) + 2 * longest < options.tune.seconds; };
    DenseMap<Group *, Choice> chosen;
    bool isComplete = true;
    for (bool refines : {false, true}) {
      for (auto &[key, group] : groups) {
        if (!refines || !group.needsMeasuring)
          continue;
        group.candidates = refinementsOf(group.best.choice);
        std::reverse(group.candidates.begin(), group.candidates.end());
      }
      while (isComplete) {
        Clock::time_point before = Clock::now();
        if (!nextCandidates(chosen))
          break;
        if (!isTime()) {
          for (auto &[group, choice] : chosen)
            applyTo(*group, {});
          isComplete = false;
          break;
        }
        Status status = round(chosen);
        if (Status cancelled = reportProgress(options, optimising, optimised); !cancelled.ok())
          return cancelled;
        if (!status.ok() && options.tune.warn)
          options.tune.warn("candidates of a round were left out: " + status.message());
        longest = std::max(longest, secondsSince(before));
        report(start);
      }
    }
    return settle(isComplete);
  }

  /// Keeps what is faster with all the others in place, too, and tells the cache.
  Status settle(bool isComplete) {
    for (auto &[key, group] : groups)
      if (group.needsMeasuring)
        applyTo(group, group.best.choice);
    Expected<std::unique_ptr<Runner>> tuned = Runner::create(model, silent, target);
    if (!tuned)
      return tuned.failure();
    if (Status status = runInTurns(*base, **tuned, inputs, 1); !status.ok())
      return status;
    double before = 0, after = 0;
    size_t count = 0;
    for (auto &[key, group] : groups) {
      if (!group.needsMeasuring)
        continue;
      double ours = sumOf(group, **tuned), byDefault = sumOf(group, *base);
      if (!group.best.choice.isDefault() && ours < byDefault)
        group.best.milliseconds = ours, group.best.defaultMilliseconds = byDefault, ++count;
      else
        group.best.choice = {}, group.best.milliseconds = group.best.defaultMilliseconds = ours = byDefault;
      before += byDefault, after += ours;
      group.best.isComplete = isComplete;
      applyTo(group, group.best.choice, &group.best);
      cache.put(machine, group.key, group.best);
    }
    if (options.tune.warn && !isComplete)
      options.tune.warn("tuning stopped before every candidate was measured; more time: " + optionMark("tune-seconds"));
    if (options.tune.done)
      options.tune.done(std::to_string(count) +
                        " distinct kernels got another schedule or backend; those measured take " + number(after) +
                        " ms together, " + number(before) + " ms without tuning");
    return {};
  }

  /// The progress that a caller is told meanwhile: the passes are done, code is still to come.
  static constexpr const char *optimising = "optimise";
  static constexpr double optimised = 0.3;

  LoadedModel &model;
  const CompileOptions &options;
  CompileOptions silent; ///< of rounds, which are one stage of the compilation
  const Target &target;
  const Backends backends;
  std::string machine;
  TuningCache cache;
  llvm::MapVector<std::string, Group, std::map<std::string, unsigned>> groups;
  std::unique_ptr<Runner> base; ///< what the cost models chose
  std::vector<Tensor> inputs;
};

} // namespace

Status checkTuning(const CompileOptions &options, const Target &target) {
  if (!isTuned(options.tune))
    return {};
  if (!BackendChoice(options.backend).prefersGeneratedCode())
    return {ErrorCode::InvalidArgument, optionMark("tune") + " chooses how generated code computes: with " +
                                            optionMark("backend", options.backend) + " there is none"};
  if (!options.tune.measure)
    return {};
  llvm::Triple ours(llvm::sys::getDefaultTargetTriple()), wanted(target.triple);
  std::vector<std::string> missing = missingFeatures(llvm::join(target.required, ","));
  if (ours.getArch() == wanted.getArch() && missing.empty())
    return {};
  std::string reason =
      ours.getArch() != wanted.getArch() ? "another architecture" : "it lacks " + llvm::join(missing, ", ");
  return {ErrorCode::InvalidArgument, optionMark("tune") + " measures on this machine, which cannot run code for " +
                                          target.triple + " " + target.cpu + " (" + reason +
                                          "): tune on such a machine, or leave " + optionMark("tune") + " out"};
}

Status tuneKernels(LoadedModel &model, const CompileOptions &options, const Target &target) {
  if (!isTuned(options.tune))
    return {};
  return Tuner(model, options, target).run();
}

} // namespace sinter::codegen
