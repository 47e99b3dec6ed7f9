// `sinter compile`: a model file in, code out.
#include "runtime/Output.h"
#include "tools/sinter/Commands.h"
#include "tools/sinter/CommonOptions.h"
#include "tools/sinter/Compare.h"
#include "tools/sinter/Inputs.h"
#include "tools/sinter/OpenModel.h"
#include "tools/sinter/Print.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <memory>

namespace sinter {
namespace {

constexpr const char *examples = R"(Examples:
  sinter compile resnet50.onnx -o resnet50.so
  sinter compile resnet50.onnx -o resnet50.so --target-cpu x86-64-v3    runs on any machine with AVX2
  sinter compile resnet50.onnx -o resnet50.s                            the same as --emit asm
  sinter compile yolo.onnx -o yolo.so --shape images=1x3x640x640        fixes an open shape
  sinter compile bert.onnx -o bert.so --dim batch=4 --dim sequence=128
  sinter compile ocr.onnx -o ocr.so --shapes x=1x3x320x320 --shapes x=1x3x640x640
                                                                        both in one library, which share weights
  sinter compile bert.onnx -o bert.so --dim batch=1 --shapes sequence=64 --shapes sequence=128
  sinter compile digits.onnx -o digits.o --standalone                   for a C program: digits.h has digits_run()

Run the result with `sinter run`, or from a program: docs/embedding.md.)";

struct Emission {
  const char *name, *ending;
  Emit kind;
};
constexpr Emission emissions[] = {{"so", ".so", Emit::So},
                                  {"obj", ".o", Emit::Obj},
                                  {"llvm", ".ll", Emit::Llvm},
                                  {"asm", ".s", Emit::Asm},
                                  {"mlir", ".mlir", Emit::Mlir}};

struct CompileCommand {
  CommonOptions common;
  std::string model, output;

  Emission emission() const {
    std::string emit = common.given("emit");
    for (const Emission &e : emissions)
      if (emit.empty() ? output.ends_with(e.ending) : emit == e.name)
        return e;
    return emissions[0];
  }

  /// Rejects a wrong output path before minutes are spent compiling.
  Status checkOutput() const {
    namespace fs = std::filesystem;
    if (isStream(output))
      return {};
    std::error_code error;
    fs::path path(output), folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    if (fs::is_directory(path, error))
      return {ErrorCode::Io, fmt::format("cannot write '{}': it is a folder", output)};
    if (!fs::is_directory(folder, error))
      return {ErrorCode::Io, fmt::format("cannot write '{}': the folder '{}' does not exist", output, folder.string())};
    if (fs::equivalent(path, model, error))
      return {ErrorCode::InvalidArgument,
              fmt::format("'{}' is both the model and the output: give another -o", output)};
    return {};
  }

  static int report(const Status &status) { return status.ok() ? 0 : sinter::report(status.failure()); }

  /// In a process of its own, whose outputs are taken when it has ended well. The exit status.
  int compileConfined() const {
    Expected<SandboxOutputs> outputs = SandboxOutputs::beside(output);
    if (!outputs)
      return sinter::report(outputs.failure());
    CompileOptions inner = common.compile;
    std::string standIn = outputs->standIn(output, emission().kind == Emit::So);
    if (emission().kind == Emit::Obj && !isStream(output))
      outputs->expectBeside(headerPath(output));
    if (!inner.weightsFile.empty())
      inner.weightsFile = outputs->standIn(inner.weightsFile);
    int status =
        common.confined([&] { return report(compileToFile(model, standIn, emission().kind, inner)); }, &*outputs);
    return status != 0 ? status : report(outputs->commit());
  }

  int run() {
    Status status = common.finish();
    if (status.ok())
      status = checkOutput();
    if (!status.ok())
      return report(status);
    bool isForHere = common.compile.targetCpu.empty() && common.compile.targetTriple.empty();
    Expected<std::string> target = isForHere ? describeTarget(common.compile) : Expected<std::string>(std::string());
    if (!target)
      return sinter::report(target.failure());
    auto start = std::chrono::steady_clock::now();
    protectInput(model);
    if (int failed =
            common.sandbox ? compileConfined() : report(compileToFile(model, output, emission().kind, common.compile)))
      return failed;
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    // A failure is one sentence: what else there is to say comes after.
    if (isForHere)
      sinter::print(stderr,
                    "sinter: compiled for this machine ({}); code for others: --target-cpu x86-64-v3, for example\n",
                    *target);
    std::error_code error;
    uintmax_t bytes = isStream(output) ? 0 : std::filesystem::file_size(output, error);
    if (error || isStream(output))
      sinter::print(stderr, "sinter: wrote {} in {:.2f} s\n",
                    output == standardOutput ? "to the standard output" : output, seconds.count());
    else
      sinter::print(stderr, "sinter: wrote {} ({:.1f} MB) in {:.2f} s\n", output, static_cast<double>(bytes) * 1e-6,
                    seconds.count());
    // Which runs the model.
    if (common.compile.precision != "f32" && !common.sandbox)
      printAccuracy();
    return 0;
  }

  /// How far results are from those in f32, on one set of inputs, where this machine can run both.
  void printAccuracy() const {
    CompileOptions wide = common.compile;
    wide.precision = "f32";
    auto outputsOf = [](const std::string &path, const CompileOptions &options) -> Expected<std::vector<Tensor>> {
      Expected<std::shared_ptr<Model>> model = compileModel(path, options);
      if (!model)
        return model.failure();
      Expected<std::unique_ptr<Session>> session = Session::create(*model, 0);
      Expected<std::vector<Tensor>> inputs = randomInputs(**model, 0, 1, options.inputRanges);
      if (!session || !inputs)
        return session ? inputs.failure() : session.failure();
      Expected<std::vector<Tensor>> outputs = (*session)->makeOutputs();
      if (Status status = outputs ? (*session)->run(*inputs, *outputs) : Status(); !status.ok())
        return status.failure();
      return outputs;
    };
    Expected<std::vector<Tensor>> got = outputsOf(model, common.compile), want = outputsOf(model, wide);
    if (!got || !want)
      return sinter::print(stderr, "sinter: the accuracy of {} cannot be measured here: {}\n", common.compile.precision,
                           (got ? want : got).failure().message);
    double worst = 0;
    for (size_t i = 0; i < got->size(); ++i) {
      double largest = 0;
      for (double value : toDoubles((*want)[i]))
        largest = std::isfinite(value) ? std::max(largest, std::fabs(value)) : largest;
      worst = std::max(worst, measureErrors((*got)[i], (*want)[i]).maxAbs / (largest > 0 ? largest : 1));
    }
    sinter::print(
        stderr, "sinter: {} differs from f32 by {:.2g} of an output's largest value, on one input drawn from [0, 1)\n",
        common.compile.precision, worst);
  }
};

} // namespace

void addCompile(CLI::App &app, int &status) {
  auto command = std::make_shared<CompileCommand>();
  CLI::App *sub = app.add_subcommand("compile", "Compile a model to a shared library, object, assembly or IR");
  sub->add_option("MODEL", command->model, "The model: .onnx, or .mlir of the nn stage")->required();
  sub->add_option("-o,--output", command->output, "File to write; - is the standard output")
      ->required()
      ->type_name("OUT");
  command->common.declare(*sub, {OptionScope::Shapes, OptionScope::File});
  command->common.declareSandbox(*sub);
  sub->footer(examples);
  sub->callback([command, &status] { status = command->run(); });
}

} // namespace sinter
