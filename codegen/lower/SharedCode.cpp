// Modules are compared by keys: everything in them in order, without the numbers that may differ.
#include "codegen/lower/SharedCode.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include <map>

using namespace mlir;

namespace sinter::codegen {
namespace {

/// Whether code stays the same if the use reads a variable: a bound of a loop, or a sum, product or comparison, which
/// leave loops where they can. A division by a variable costs many times one by a constant.
bool mayVary(OpOperand &use) {
  Operation *user = use.getOwner();
  if (isa<scf::ForOp>(user))
    return use.getOperandNumber() < 2;
  return isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::MinSIOp, arith::MinUIOp, arith::MaxSIOp,
             arith::MaxUIOp, arith::CmpIOp, arith::SelectOp>(user);
}

bool mayVary(arith::ConstantOp constant) {
  return constant.getType().isIndex() && llvm::all_of(constant->getUses(), [](OpOperand &use) { return mayVary(use); });
}

/// A module without its numbers, and the numbers.
struct Skeleton {
  std::string key;
  SmallVector<arith::ConstantOp> numbers;
  SmallVector<memref::AllocaOp> memory;

  explicit Skeleton(ModuleOp module) {
    module.walk<WalkOrder::PreOrder>([&](Operation *op) { add(op); });
  }

private:
  void put(const void *pointer) { key.append(reinterpret_cast<const char *>(&pointer), sizeof pointer); }
  void put(size_t number) { key.append(reinterpret_cast<const char *>(&number), sizeof number); }

  /// A dense vector in memory, whatever its length.
  void put(Type type) {
    auto memory = dyn_cast<MemRefType>(type);
    bool isVector = memory && memory.getRank() == 1 && memory.getLayout().isIdentity();
    put(isVector ? memory.getElementType().getAsOpaquePointer() : type.getAsOpaquePointer());
    put(static_cast<size_t>(isVector));
  }

  void define(Value value) {
    put(value.getType());
    ids.try_emplace(value, ids.size());
  }

  void add(Operation *op) {
    put(op->getName().getAsOpaquePointer());
    auto constant = dyn_cast<arith::ConstantOp>(op);
    if (constant && mayVary(constant))
      numbers.push_back(constant);
    else if (auto function = dyn_cast<func::FuncOp>(op))
      addFunction(function);
    else
      put(op->getPropertiesAsAttribute().getAsOpaquePointer()),
          put(op->getDiscardableAttrDictionary().getAsOpaquePointer());
    if (auto alloca = dyn_cast<memref::AllocaOp>(op))
      memory.push_back(alloca);
    put(op->getNumOperands());
    for (Value operand : op->getOperands())
      put(ids.lookup(operand));
    put(op->getNumResults());
    for (Value result : op->getResults())
      define(result);
    put(op->getNumRegions());
    for (Region &region : op->getRegions())
      for (Block &block : region) {
        put(block.getNumArguments());
        for (Value argument : block.getArguments())
          define(argument);
        put(block.getOperations().size());
      }
  }

  /// Its type holds sizes, which its arguments' types tell again.
  void addFunction(func::FuncOp function) {
    put(function.getSymNameAttr().getAsOpaquePointer());
    put(function.getArgAttrsAttr().getAsOpaquePointer());
  }

  DenseMap<Value, size_t> ids;
};

} // namespace

/// Kernels that look alike: the first one's code, and the numbers of all.
struct CodeSharing::Group {
  size_t representative;
  OwningOpRef<ModuleOp> module;
  SmallVector<arith::ConstantOp> constants;
  SmallVector<memref::AllocaOp> memory;      ///< as large as any member needs it
  std::vector<std::vector<int64_t>> numbers; ///< by member

  void addMember(const Skeleton &member);
  std::vector<std::vector<int64_t>> parameterise();
};

void CodeSharing::Group::addMember(const Skeleton &member) {
  std::vector<int64_t> &values = numbers.emplace_back();
  for (arith::ConstantOp constant : member.numbers)
    values.push_back(cast<IntegerAttr>(constant.getValue()).getInt());
  for (size_t i = 0; i < memory.size(); ++i) {
    memref::AllocaOp mine = memory[i], other = member.memory[i];
    if (other.getType().getNumElements() > mine.getType().getNumElements())
      mine.getResult().setType(other.getType());
  }
}

/// The representative takes as parameters what differs; returns them by member.
std::vector<std::vector<int64_t>> CodeSharing::Group::parameterise() {
  std::vector<std::vector<int64_t>> parameters(numbers.size());
  std::map<std::vector<int64_t>, size_t> columns; // parameters that always agree are one
  DenseMap<Operation *, SmallVector<std::pair<arith::ConstantOp, size_t>>> replaced; // by function
  for (size_t i = 0; i < constants.size(); ++i) {
    std::vector<int64_t> column;
    for (const std::vector<int64_t> &member : numbers)
      column.push_back(member[i]);
    if (llvm::all_equal(column))
      continue;
    auto [at, isNew] = columns.try_emplace(column, columns.size());
    for (size_t m = 0; isNew && m < numbers.size(); ++m)
      parameters[m].push_back(column[m]);
    replaced[constants[i]->getParentOfType<func::FuncOp>()].push_back({constants[i], at->second});
  }
  if (columns.empty())
    return parameters;

  auto type = MemRefType::get({static_cast<int64_t>(columns.size())}, IntegerType::get(module->getContext(), 64));
  for (auto function : module->getOps<func::FuncOp>()) {
    OpBuilder b(function.getContext());
    auto attributes = b.getDictionaryAttr(
        {b.getNamedAttr("llvm.noalias", b.getUnitAttr()), b.getNamedAttr("llvm.readonly", b.getUnitAttr())});
    (void)function.insertArgument(function.getNumArguments(), type, attributes, function.getLoc());
    b.setInsertionPointToStart(&function.getBody().front());
    DenseMap<size_t, Value> loaded;
    for (auto &[constant, number] : replaced.lookup(function.getOperation())) {
      Value &value = loaded[number];
      if (!value) {
        Location loc = constant.getLoc();
        Value at = arith::ConstantIndexOp::create(b, loc, static_cast<int64_t>(number));
        Value bits = memref::LoadOp::create(b, loc, function.getArguments().back(), at);
        value = arith::IndexCastOp::create(b, loc, b.getIndexType(), bits);
      }
      constant.replaceAllUsesWith(value);
      constant.erase();
    }
  }
  return parameters;
}

CodeSharing::CodeSharing() = default;
CodeSharing::~CodeSharing() = default;

void CodeSharing::add(OwningOpRef<ModuleOp> code) {
  assert(!isFinished && "finish comes once, after the last kernel");
  Skeleton skeleton(*code);
  Group *&group = groupByKey[skeleton.key];
  if (!group) {
    group = groups.emplace_back(std::make_unique<Group>()).get();
    *group = {kernels.size(), std::move(code), skeleton.numbers, skeleton.memory, {}};
  }
  kernels.push_back({group, group->numbers.size()});
  group->addMember(skeleton);
}

std::vector<CodeShare> CodeSharing::finish() {
  assert(!isFinished && "finish comes once, after the last kernel");
  isFinished = true;
  DenseMap<Group *, std::vector<std::vector<int64_t>>> parameters;
  for (const std::unique_ptr<Group> &group : groups)
    parameters[group.get()] = group->parameterise();
  std::vector<CodeShare> shares;
  for (auto [group, number] : kernels)
    shares.push_back({group->representative, std::move(parameters[group][number])});
  return shares;
}

ModuleOp CodeSharing::module(size_t kernel) const { return *kernels[kernel].group->module; }

} // namespace sinter::codegen
