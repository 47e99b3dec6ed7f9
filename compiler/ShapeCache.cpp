// The cache is a short list, searched from the front: a few shapes are in use at a time, and comparing them costs
// nothing beside an inference.
#include "compiler/ShapeCache.h"
#include "codegen/artefact/WeightPool.h"
#include "compiler/InProcess.h"
#include "compiler/LowerToKernels.h"
#include "compiler/ModelSource.h"
#include "compiler/Symbols.h"
#include "ir/Weights.h"
#include "llvm/ADT/StringExtras.h"
#include <algorithm>

namespace sinter {

using codegen::LoadedModel;
using codegen::ModelSource;

/// A compiled shape. It serves inputs of the shapes in its table of inputs, with `values` for those that became
/// constants.
struct ShapeCache::Entry {
  std::shared_ptr<CompiledModel> compiled;
  std::shared_ptr<const Model> model;
  InputTensors values;
  Names empty;
  std::optional<ShapeSet> warmedFor;
  std::vector<std::unique_ptr<Session>> idle;
};

Tensor asDeclared(const SinterTensorInfo &info, const Tensor &recorded) {
  Tensor tensor = info.rank == 0 && recorded.size() == 1 ? recorded.reshaped({}) : recorded;
  if (typeOf(info) != DType::BF16 || tensor.type() != DType::U16)
    return tensor;
  auto owner = std::make_shared<Tensor>(tensor);
  return Tensor::view(DType::BF16, tensor.shape(), owner->data(), owner);
}

static bool hasValues(const Tensor &tensor) { return tensor.data() || tensor.bytes() == 0; }

static bool isEqual(const Tensor &a, const Tensor &b) {
  return a.type() == b.type() && a.shape() == b.shape() && hasValues(a) && hasValues(b) &&
         (a.bytes() == 0 || std::memcmp(a.data(), b.data(), a.bytes()) == 0);
}

/// A tensor that keeps its elements when those of `tensor` change.
static Tensor copyOf(const Tensor &tensor) {
  Tensor copy(tensor.type(), tensor.shape());
  if (tensor.bytes() > 0)
    std::memcpy(copy.data(), tensor.data(), tensor.bytes());
  return copy;
}

/// Whether the compiled model takes the input; it may have become a constant.
static bool takes(const Model &model, const std::string &name) {
  return std::ranges::any_of(model.inputs(), [&](const SinterTensorInfo &info) { return name == info.name; });
}

/// The tensor given for an input, in its declared form; nothing where it is left out.
static std::optional<Tensor> givenFor(const InputTensors &inputs, const SinterTensorInfo &info) {
  auto given = inputs.find(info.name);
  return given == inputs.end() ? std::nullopt : std::optional(asDeclared(info, given->second));
}

ShapeCache::ShapeCache(ModelSource source, ShapeCacheOptions options)
    : source_(std::make_unique<ModelSource>(std::move(source))), pool_(std::make_unique<codegen::WeightPool>()),
      options_(std::move(options)) {}
ShapeCache::~ShapeCache() = default;

Expected<std::unique_ptr<ShapeCache>> ShapeCache::open(const std::string &path, ShapeCacheOptions options) {
  if (options.shapeCache == 0)
    return Failure{ErrorCode::InvalidArgument, "the cache of compiled shapes must hold 1 or more"};
  Expected<ModelSource> source = ModelSource::open(path, options.compile);
  if (!source)
    return source.failure();
  if (Status status = source->watch(); !status.ok())
    return status.failure();
  return std::unique_ptr<ShapeCache>(new ShapeCache(std::move(*source), std::move(options)));
}

//===- Open shapes --------------------------------------------------------===//

/// Whether an input has a dimension that the options say nothing of. Options that name no input or dimension are for
/// the compilation to refuse.
static bool leavesOpen(const ModelInterface &interface, const CompileOptions &options) {
  bool leaves = false;
  std::set<std::string> names, dims;
  for (const InterfaceValue &input : interface.inputs)
    names.insert(input.name);
  for (const Symbol &symbol : symbolsOf(interface)) {
    dims.insert(symbol.name);
    leaves |= isOpen(symbol, options);
  }
  auto isKnown = [](const std::set<std::string> &known) {
    return [&](const auto &given) { return known.contains(given.first); };
  };
  return leaves && std::ranges::all_of(options.shapes, isKnown(names)) &&
         std::ranges::all_of(options.dims, isKnown(dims)) && std::ranges::all_of(options.dimRanges, isKnown(dims));
}

Expected<std::unique_ptr<ShapeCache>> ShapeCache::openOrCompile(const std::string &path,
                                                                const ShapeCacheOptions &options, bool always,
                                                                std::shared_ptr<CompiledModel> &compiled) {
  if (Status status = reportProgress(options.compile, "import", 0); !status.ok())
    return status.failure();
  LoadedModel model;
  Expected<ModelSource> source = ModelSource::openAndLoad(path, options.compile, model);
  if (!source)
    return source.failure();
  ModelInterface interface = interfaceOf(*model.module);
  if (!always && !leavesOpen(interface, options.compile)) {
    Expected<std::shared_ptr<CompiledModel>> made = codegen::compileInProcess(std::move(model), options.compile);
    if (!made)
      return made.failure();
    compiled = std::move(*made);
    return std::unique_ptr<ShapeCache>();
  }
  if (Status status = source->watch(); !status.ok())
    return status.failure();
  // A wrong target is an error now, before any shape is known.
  if (Expected<codegen::Target> target = codegen::targetFor(options.compile); !target)
    return target.failure();
  ShapeCacheOptions later = options;
  // Their contexts are those of this call.
  later.compile.progress = nullptr;
  later.compile.warn = nullptr;
  later.compile.tune.progress = later.compile.tune.warn = later.compile.tune.done = nullptr;
  later.compile.content = {};
  std::unique_ptr<ShapeCache> cache(new ShapeCache(std::move(*source), std::move(later)));
  cache->interface_ = std::move(interface);
  return cache;
}

//===- Cache --------------------------------------------------------------===//

size_t ShapeCache::cachedShapes() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

bool ShapeCache::hasInput(const std::string &name) const { return source_->hasInput(name); }
const std::vector<std::string> &ShapeCache::requiredInputs() const { return source_->requiredInputs(); }

/// Whether `inputs` have the shapes and, of those that are constants, the values that the entry is compiled for.
bool ShapeCache::serves(const Entry &entry, const InputTensors &inputs, const Names &empty) const {
  if (entry.empty != empty)
    return false;
  int64_t met = 0;
  for (const SinterTensorInfo &info : entry.model->inputs()) {
    std::optional<Tensor> given = givenFor(inputs, info);
    if (given ? given->shape() != shapeOf(info) : !info.defaultValue)
      return false;
    met += given.has_value();
  }
  for (const auto &[name, value] : entry.values) {
    auto given = inputs.find(name);
    if (given == inputs.end() || !isEqual(given->second, value))
      return false;
    ++met;
  }
  // An input that the model does not have is a constant by its default, which is not what is given.
  return met == std::ranges::count_if(inputs, [&](const auto &given) { return hasInput(given.first); });
}

/// The entry that serves `inputs`, which becomes the last used one; null if there is none.
std::shared_ptr<ShapeCache::Entry> ShapeCache::find(const InputTensors &inputs, const Names &empty) {
  std::lock_guard lock(mutex_);
  auto found = std::ranges::find_if(entries_, [&](const auto &entry) { return serves(*entry, inputs, empty); });
  if (found == entries_.end())
    return nullptr;
  entries_.splice(entries_.begin(), entries_, found);
  return entries_.front();
}

/// Makes an entry the last used one, in place of an equal one or of those that were not used for long.
void ShapeCache::keep(const std::shared_ptr<Entry> &entry) {
  auto isEqualTo = [&](const std::shared_ptr<Entry> &other) {
    auto sameInput = [](const SinterTensorInfo &a, const SinterTensorInfo &b) {
      return std::string_view(a.name) == b.name && shapeOf(a) == shapeOf(b);
    };
    auto sameValue = [](const auto &a, const auto &b) { return a.first == b.first && isEqual(a.second, b.second); };
    return other->empty == entry->empty &&
           std::ranges::equal(other->model->inputs(), entry->model->inputs(), sameInput) &&
           std::ranges::equal(other->values, entry->values, sameValue);
  };
  std::lock_guard lock(mutex_);
  entries_.remove_if(isEqualTo);
  entries_.push_front(entry);
  while (entries_.size() > options_.shapeCache)
    entries_.pop_back();
}

Expected<std::shared_ptr<ShapeCache::Entry>> ShapeCache::compile(const CompileOptions &options,
                                                                 const InputTensors &inputs) {
  if (Status status = source_->check(); !status.ok())
    return status.failure();
  Expected<LoadedModel> loaded = source_->load(options);
  if (!loaded)
    return loaded.failure();
  Expected<std::shared_ptr<CompiledModel>> compiled =
      codegen::compileInProcess(std::move(*loaded), options, pool_.get());
  // If the model's files changed meanwhile, the code may hold parts of both.
  if (Status status = source_->watch(); !status.ok())
    return status.failure();
  if (!compiled)
    return compiled.failure();
  Expected<std::shared_ptr<Model>> model = Model::fromAbi((*compiled)->abi(), *compiled);
  if (!model)
    return model.failure();
  auto entry = std::make_shared<Entry>();
  entry->compiled = *compiled;
  entry->model = *model;
  entry->empty = options.empty;
  for (const auto &[name, tensor] : inputs)
    if (hasInput(name) && hasValues(tensor) && !takes(**model, name))
      entry->values.emplace(name, copyOf(tensor));
  ++compilations_;
  return entry;
}

Expected<std::shared_ptr<ShapeCache::Entry>> ShapeCache::entryFor(const InputTensors &inputs, const Names &given) {
  Names empty = options_.compile.empty;
  empty.insert(given.begin(), given.end());
  if (std::shared_ptr<Entry> entry = find(inputs, empty))
    return entry;
  std::lock_guard lock(compiling_);
  // Another thread may have compiled it meanwhile.
  if (std::shared_ptr<Entry> entry = find(inputs, empty))
    return entry;
  CompileOptions options = source_->withInputs(options_.compile, inputs);
  options.empty = empty;
  Expected<std::shared_ptr<Entry>> entry = compile(options, inputs);
  // Tensors that do not fit get no place in the cache; the message is for whoever binds them to write.
  if (entry && serves(**entry, inputs, empty))
    keep(*entry);
  return entry;
}

Expected<std::shared_ptr<const Model>> ShapeCache::modelFor(const InputTensors &inputs, const Names &empty) {
  Expected<std::shared_ptr<Entry>> entry = entryFor(inputs, empty);
  if (!entry)
    return entry.failure();
  return (*entry)->model;
}

Expected<std::shared_ptr<CompiledModel>> ShapeCache::compiledFor(const InputTensors &inputs) {
  Expected<std::shared_ptr<Entry>> entry = entryFor(inputs, {});
  if (!entry)
    return entry.failure();
  return (*entry)->compiled;
}

Expected<std::shared_ptr<const Model>> ShapeCache::modelForShapes(const ShapeSet &shapes) {
  std::lock_guard lock(compiling_);
  {
    std::lock_guard held(mutex_);
    auto found = std::ranges::find_if(entries_, [&](const auto &entry) { return entry->warmedFor == shapes; });
    if (found != entries_.end())
      return (*found)->model;
  }
  Expected<std::shared_ptr<Entry>> entry = compile(source_->withShapes(options_.compile, shapes), {});
  if (!entry)
    return entry.failure();
  (*entry)->warmedFor = shapes;
  keep(*entry);
  return (*entry)->model;
}

Expected<std::vector<Tensor>> ShapeCache::run(const InputTensors &inputs, const Names &empty) {
  for (const auto &[name, tensor] : inputs)
    if (!hasInput(name))
      return Failure{ErrorCode::InvalidArgument,
                     "the model has no input '" + name + "'; it needs " + llvm::join(requiredInputs(), ", ")};
  Expected<std::shared_ptr<Entry>> found = entryFor(inputs, empty);
  if (!found)
    return found.failure();
  Entry &entry = **found;
  std::unique_ptr<Session> session;
  {
    std::lock_guard lock(mutex_);
    if (!entry.idle.empty()) {
      session = std::move(entry.idle.back());
      entry.idle.pop_back();
    }
  }
  if (!session) {
    Expected<std::unique_ptr<Session>> created = Session::create(entry.model, options_.threads);
    if (!created)
      return created.failure();
    session = std::move(*created);
  }
  std::vector<Tensor> bound;
  for (const SinterTensorInfo &info : entry.model->inputs())
    bound.push_back(givenFor(inputs, info).value_or(Tensor()));
  Expected<std::vector<Tensor>> outputs = session->makeOutputs();
  if (!outputs)
    return outputs.failure();
  Status status = session->run(bound, *outputs);
  std::lock_guard lock(mutex_);
  entry.idle.push_back(std::move(session));
  if (!status.ok())
    return status.failure();
  return outputs;
}

} // namespace sinter
