// `run` is the same code in every model: a loop over a table of steps. It is written here as LLVM IR text, and so are
// the tables of runtime/Abi.h, whose layout AbiLayout.h has.
#include "codegen/artefact/ModelModule.h"
#include "codegen/artefact/AbiLayout.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

namespace sinter::codegen {
namespace {

/// %Step: function (null: fallback), its buffers, row of the kernel table, count of buffers, iterations, grain.
/// %Place: kind, value; see Program.h. Error 2: the host has no fallback.
constexpr const char *typesCode = R"(
%Step = type { ptr, ptr, i32, i32, i64, i64 }
%Place = type { i64, i64 }
)";

/// The function that runs a variant. "#SinterCall.arena#" stands for the index of that field.
constexpr const char *runCode = R"(
define %SIGNATURE% {
entry:
%ARGUMENTS%
  %fault = alloca i64, align 8
  store i64 0, ptr %fault
  %buffers = alloca ptr, i64 %SLOTS%, align 16
  ; Volatile, lest it become an address relative to the code: weights may lie further away than that reaches.
  %weights = load volatile ptr, ptr %WEIGHTS_SLOT%
  %hosted = icmp ne ptr %callbacks, null
  br i1 %hosted, label %host, label %ready
host:
  %context.host = load ptr, ptr %callbacks
  %parallel.slot = getelementptr inbounds %SinterCallbacks, ptr %callbacks, i64 0, i32 #SinterCallbacks.parallelFor#
  %parallel.host = load ptr, ptr %parallel.slot
  %fallback.slot = getelementptr inbounds %SinterCallbacks, ptr %callbacks, i64 0, i32 #SinterCallbacks.callFallback#
  %fallback.host = load ptr, ptr %fallback.slot
  br label %ready
ready:
  %context = phi ptr [ null, %entry ], [ %context.host, %host ]
  %parallel = phi ptr [ null, %entry ], [ %parallel.host, %host ]
  %fallback = phi ptr [ null, %entry ], [ %fallback.host, %host ]
  %serial = icmp eq ptr %parallel, null
  br label %steps
steps:
  %s = phi i64 [ 0, %ready ], [ %s.next, %done ]
  %more = icmp ult i64 %s, %STEPS%
  br i1 %more, label %step, label %success
step:
  %at = getelementptr inbounds %Step, ptr %TABLE%, i64 %s
  %function = load ptr, ptr %at
  %places.slot = getelementptr inbounds %Step, ptr %at, i64 0, i32 1
  %places = load ptr, ptr %places.slot
  %kernel.slot = getelementptr inbounds %Step, ptr %at, i64 0, i32 2
  %kernel = load i32, ptr %kernel.slot
  %count.slot = getelementptr inbounds %Step, ptr %at, i64 0, i32 3
  %count32 = load i32, ptr %count.slot
  %count = zext i32 %count32 to i64
  %total.slot = getelementptr inbounds %Step, ptr %at, i64 0, i32 4
  %total = load i64, ptr %total.slot
  %grain.slot = getelementptr inbounds %Step, ptr %at, i64 0, i32 5
  %grain = load i64, ptr %grain.slot
  br label %fill
fill:
  %i = phi i64 [ 0, %step ], [ %i.next, %filled ]
  %unfilled = icmp ult i64 %i, %count
  br i1 %unfilled, label %place, label %call
place:
  %place.at = getelementptr inbounds %Place, ptr %places, i64 %i
  %kind = load i64, ptr %place.at
  %value.slot = getelementptr inbounds %Place, ptr %place.at, i64 0, i32 1
  %value = load i64, ptr %value.slot
  switch i64 %kind, label %filled [ i64 0, label %direct i64 1, label %direct i64 2, label %table i64 3, label %table ]
direct:
  %in.arena = icmp eq i64 %kind, 0
  %base = select i1 %in.arena, ptr %arena, ptr %weights
  %address.direct = getelementptr i8, ptr %base, i64 %value
  br label %filled
table:
  %is.input = icmp eq i64 %kind, 2
  %pointers = select i1 %is.input, ptr %inputs, ptr %outputs
  %pointer = getelementptr ptr, ptr %pointers, i64 %value
  %address.table = load ptr, ptr %pointer
  br label %filled
filled:
  %address = phi ptr [ %fault, %place ], [ %address.direct, %direct ], [ %address.table, %table ]
  %slot = getelementptr inbounds ptr, ptr %buffers, i64 %i
  store ptr %address, ptr %slot
  %i.next = add nuw i64 %i, 1
  br label %fill
call:
  %is.fallback = icmp eq ptr %function, null
  br i1 %is.fallback, label %call.fallback, label %call.kernel
call.kernel:
  br i1 %serial, label %call.serial, label %call.parallel
call.serial:
  call void %function(ptr %buffers, i64 0, i64 %total)
  br label %done
call.parallel:
  %code.parallel = call i32 %parallel(ptr %context, i32 %kernel, ptr %function, ptr %buffers, i64 %total, i64 %grain)
  br label %check
call.fallback:
  %no.fallback = icmp eq ptr %fallback, null
  br i1 %no.fallback, label %failure, label %call.primitive
call.primitive:
  %code.fallback = call i32 %fallback(ptr %context, i32 %kernel, ptr %buffers)
  br label %check
check:
  %code = phi i32 [ %code.parallel, %call.parallel ], [ %code.fallback, %call.primitive ]
  %fine = icmp eq i32 %code, 0
  br i1 %fine, label %done, label %failure
done:
  %s.next = add nuw i64 %s, 1
  %wrong = load i64, ptr %fault
  %right = icmp eq i64 %wrong, 0
  br i1 %right, label %steps, label %outside
outside:
  %code.index = add i32 %kernel, %INDEX_ERROR%
  br label %failure
failure:
  %error = phi i32 [ 2, %call.fallback ], [ %code, %check ], [ %code.index, %outside ]
  ret i32 %error
success:
  ret i32 0
}
)";

/// The arguments of a model's `run`, which gets a SinterCall. A standalone program's gets the pointers as arguments.
constexpr const char *argumentsCode =
    R"(  %callbacks.slot = getelementptr inbounds %SinterCall, ptr %given, i64 0, i32 #SinterCall.callbacks#
  %callbacks = load ptr, ptr %callbacks.slot
  %arena.slot = getelementptr inbounds %SinterCall, ptr %given, i64 0, i32 #SinterCall.arena#
  %arena = load ptr, ptr %arena.slot
  %inputs.slot = getelementptr inbounds %SinterCall, ptr %given, i64 0, i32 #SinterCall.inputs#
  %inputs = load ptr, ptr %inputs.slot
  %outputs.slot = getelementptr inbounds %SinterCall, ptr %given, i64 0, i32 #SinterCall.outputs#
  %outputs = load ptr, ptr %outputs.slot
)";

constexpr const char *libraryCode = R"(
; For the copies and fills that code generation makes into calls; byte by byte, for these are rare and small.
define hidden ptr @memcpy(ptr returned %to, ptr %from, i64 %n) #0 {
entry:
  br label %head
head:
  %i = phi i64 [ 0, %entry ], [ %next, %body ]
  %more = icmp ult i64 %i, %n
  br i1 %more, label %body, label %end
body:
  %source = getelementptr i8, ptr %from, i64 %i
  %target = getelementptr i8, ptr %to, i64 %i
  %byte = load i8, ptr %source
  store i8 %byte, ptr %target
  %next = add nuw i64 %i, 1
  br label %head
end:
  ret ptr %to
}

define hidden ptr @memset(ptr returned %to, i32 %value, i64 %n) #0 {
entry:
  %byte = trunc i32 %value to i8
  br label %head
head:
  %i = phi i64 [ 0, %entry ], [ %next, %body ]
  %more = icmp ult i64 %i, %n
  br i1 %more, label %body, label %end
body:
  %target = getelementptr i8, ptr %to, i64 %i
  store i8 %byte, ptr %target
  %next = add nuw i64 %i, 1
  br label %head
end:
  ret ptr %to
}

attributes #0 = { nounwind "no-builtins" }
)";

std::string typesText() { return typesCode + abiTypesText(); }

constexpr const char *weightsDeclaration = "@sinter_weights = external hidden constant i8\n";

/// Writes constants and names them @c0, @c1, ...
class Tables {
public:
  std::string out;

  std::string add(llvm::StringRef type, const std::string &value) {
    std::string name = "@c" + std::to_string(count++);
    out += name + " = internal constant " + type.str() + " " + value + "\n";
    return name;
  }
  std::string string(llvm::StringRef text) {
    std::string escaped;
    llvm::raw_string_ostream stream(escaped);
    llvm::printEscapedString(text, stream);
    return add("[" + std::to_string(text.size() + 1) + " x i8]", "c\"" + escaped + "\\00\"");
  }
  /// An array; "null" for an empty one.
  std::string array(llvm::StringRef type, const std::vector<std::string> &elements) {
    if (elements.empty())
      return "null";
    std::string body;
    for (const std::string &element : elements)
      body += (body.empty() ? "" : ", ") + type.str() + " " + element;
    return add("[" + std::to_string(elements.size()) + " x " + type.str() + "]", "[" + body + "]");
  }

private:
  int count = 0;
};

/// Where weights lie, from @sinter_weights on.
int64_t weightsAt(const Program &program, int64_t offset) {
  return program.placement ? program.placement->at.lookup(offset) : offset;
}

/// A default of no bytes, in a program without weights, is a place that nobody reads.
std::string infoTable(Tables &t, const Program &program, const std::vector<TensorEntry> &entries,
                      llvm::ArrayRef<int64_t> defaults) {
  bool hasWeights = program.weights.bytes() > 0;
  std::vector<std::string> rows;
  for (auto [i, entry] : llvm::enumerate(entries)) {
    std::vector<std::string> dims;
    for (int64_t dim : entry.shape)
      dims.push_back(std::to_string(dim));
    bool hasDefault = i < defaults.size() && defaults[i] >= 0;
    std::string name = t.string(entry.name);
    std::string value = hasDefault && !hasWeights ? name
                        : hasDefault              ? "getelementptr (i8, ptr @sinter_weights, i64 " +
                                                        std::to_string(weightsAt(program, defaults[i])) + ")"
                                                  : "null";
    rows.push_back(abiTensorInfo.valueText({{"name", name},
                                            {"shape", t.array("i64", dims)},
                                            {"rank", std::to_string(entry.shape.size())},
                                            {"type", std::to_string(static_cast<int>(entry.type))},
                                            {"defaultValue", value},
                                            {"countedBy", std::to_string(entry.countedBy)},
                                            {"boundedAxis", std::to_string(entry.boundedAxis)}}));
  }
  return t.array("%SinterTensorInfo", rows);
}

std::string kernelTable(Tables &t, const Variant &variant) {
  std::vector<std::string> rows;
  auto number = [](double value) { return "0x" + llvm::utohexstr(llvm::bit_cast<uint64_t>(value), false, 16); };
  for (const KernelRow &kernel : variant.kernels) {
    std::string fallback = kernel.fallback.empty() ? "null" : t.string(kernel.fallback);
    std::string ops = t.string(kernel.ops), name = t.string(kernel.name);
    rows.push_back(abiKernelInfo.valueText({{"name", name},
                                            {"ops", ops},
                                            {"fallback", fallback},
                                            {"flops", number(kernel.flops)},
                                            {"bytes", number(kernel.bytes)},
                                            {"stackBytes", std::to_string(kernel.stackBytes)}}));
  }
  return t.array("%SinterKernelInfo", rows);
}

std::string stepTable(Tables &t, const Program &program, const Variant &variant, llvm::StringSet<> &declared) {
  std::vector<std::string> rows;
  for (const Step &step : variant.steps) {
    std::vector<std::string> places;
    for (const Place &place : step.buffers) {
      int64_t value = place.kind == Place::Weights ? weightsAt(program, place.value) : place.value;
      places.push_back("{ i64 " + std::to_string(place.kind) + ", i64 " + std::to_string(value) + " }");
    }
    std::string function = step.symbol.empty() ? "null" : "@" + step.symbol;
    if (!step.symbol.empty() && declared.insert(step.symbol).second)
      t.out += "declare hidden void @" + step.symbol + "(ptr, i64, i64)\n";
    rows.push_back("{ ptr " + function + ", ptr " + t.array("%Place", places) + ", i32 " + std::to_string(step.kernel) +
                   ", i32 " + std::to_string(step.buffers.size()) + ", i64 " + std::to_string(step.total) + ", i64 " +
                   std::to_string(step.grain) + " }");
  }
  return t.array("%Step", rows);
}

/// Replaces the first `key`.
void replace(std::string &text, llvm::StringRef key, const std::string &value) {
  text.replace(text.find(key.data(), 0, key.size()), key.size(), value);
}

/// The function and the table of steps of one variant. `weightsSlot`: the address of the variable that has the weights'
/// address.
std::string runText(Tables &t, const Program &program, size_t index, const std::string &name,
                    const std::string &weightsSlot, llvm::StringSet<> &declared) {
  const Variant &variant = program.variants[index];
  size_t slots = 1;
  for (const Step &step : variant.steps)
    slots = std::max(slots, step.buffers.size());
  std::string run = withFieldIndices(runCode), table = "@steps_" + std::to_string(index);
  // Names come last: they may hold anything.
  replace(run, "%SLOTS%", std::to_string(slots));
  replace(run, "%STEPS%", std::to_string(variant.steps.size()));
  replace(run, "%TABLE%", table);
  replace(run, "%INDEX_ERROR%", std::to_string(SINTER_INDEX_ERROR));
  replace(run, "%ARGUMENTS%", program.standalone ? "" : withFieldIndices(argumentsCode));
  replace(run, "%WEIGHTS_SLOT%", weightsSlot);
  replace(run, "%SIGNATURE%",
          program.standalone ? "i32 @" + name + "(ptr %callbacks, ptr %arena, ptr %inputs, ptr %outputs)"
                             : "internal i32 @" + name + "(ptr %given)");
  std::string steps = stepTable(t, program, variant, declared);
  return run + table +
         (steps == "null" ? " = internal constant [0 x %Step] zeroinitializer\n"
                          : " = internal alias %Step, ptr " + steps + "\n");
}

/// "sinter_model", which is exported, or of a further variant "sinter_model_1".
std::string modelSymbol(size_t variant) { return "sinter_model" + (variant == 0 ? "" : "_" + std::to_string(variant)); }

/// The constants of the text that the variants have in common.
struct Common {
  std::string compiler, weightBytes, checksum;
};

/// `run` and the table of one variant.
std::string variantText(Tables &t, const Program &program, size_t index, const Common &common,
                        llvm::StringSet<> &declared) {
  const Variant &variant = program.variants[index];
  std::string name = "sinter_run_" + std::to_string(index);
  std::string run = runText(t, program, index, name,
                            "getelementptr inbounds (%SinterModel, ptr @" + modelSymbol(index) + ", i64 0, i32 " +
                                withFieldIndices("#SinterModel.weights#") + ")",
                            declared);
  std::string inputs = infoTable(t, program, variant.tables.inputs, variant.defaultOffsets);
  std::string outputs = infoTable(t, program, variant.tables.outputs, {});
  std::string kernels = kernelTable(t, variant);
  const Target &target = program.targets[variant.target];
  bool isLast = index + 1 == program.variants.size();
  std::string table = abiModel.valueText({
      {"magic", std::to_string(SINTER_MAGIC)},
      {"abiVersion", std::to_string(SINTER_ABI_VERSION)},
      {"compiler", common.compiler},
      {"name", t.string(variant.name)},
      {"cpuFeatures", t.string(llvm::join(target.required, ","))},
      {"target", t.string(target.triple + " " + target.cpu)},
      {"inputs", inputs},
      {"outputs", outputs},
      {"kernels", kernels},
      {"inputCount", std::to_string(variant.tables.inputs.size())},
      {"outputCount", std::to_string(variant.tables.outputs.size())},
      {"kernelCount", std::to_string(variant.kernels.size())},
      {"flags", std::to_string(variant.flushSubnormals ? 1 : 0)},
      {"arenaBytes", std::to_string(variant.arenaBytes)},
      {"stackBytes", std::to_string(variant.stackBytes)},
      {"weights", program.weights.bytes() > 0 ? "@sinter_weights" : "null"},
      {"weightBytes", common.weightBytes},
      {"weightChecksum", common.checksum},
      {"explanation", t.string(variant.explanation)},
      {"run", "@" + name},
      {"self", "null"},
      {"next", isLast ? "null" : "@" + modelSymbol(index + 1)},
  });
  return run + "@" + modelSymbol(index) + (index == 0 ? " = constant" : " = internal constant") + " %SinterModel " +
         table + "\n";
}

} // namespace

std::string standaloneModuleText(const Program &program) {
  Tables t;
  llvm::StringSet<> declared;
  StandaloneNames names(*program.standalone);
  bool hasFile = !program.standalone->weightsFile.empty();
  bool hasWeights = program.weights.bytes() > 0;
  std::string slot = hasFile ? "@" + names.weights : "@weights.address";
  std::string run = runText(t, program, 0, names.invoke, slot, declared);
  std::string variable = hasFile
                             ? slot + " = global ptr null\n"
                             : slot + " = internal constant ptr " + (hasWeights ? "@sinter_weights" : "null") + "\n";
  return typesText() + (libraryCode + run) + t.out + variable + (hasFile || !hasWeights ? "" : weightsDeclaration);
}

std::string modelModuleText(const Program &program) {
  Tables t;
  llvm::StringSet<> declared;
  // The table tells of memory in one piece: where weights are shared, what is the program's own.
  int64_t bytes = program.placement ? program.placement->bytes : program.weights.bytes();
  uint64_t checksum = program.placement ? program.placement->checksum : program.weights.checksum();
  Common common{t.string("sinter " SINTER_VERSION), std::to_string(bytes), std::to_string(checksum)};
  std::string variants;
  for (size_t i = 0; i < program.variants.size(); ++i)
    variants += variantText(t, program, i, common, declared);
  // A declaration that is not used would still be a symbol that the object needs.
  std::string weights = program.weights.bytes() > 0 ? weightsDeclaration : "";
  return typesText() + weights + libraryCode + t.out + variants;
}

} // namespace sinter::codegen
