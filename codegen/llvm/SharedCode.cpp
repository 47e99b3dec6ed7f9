// Modules are compared by keys: everything in them in order, without the numbers that may differ.
#include "codegen/llvm/SharedCode.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/MapVector.h"
#include <map>

using namespace mlir;

namespace sinter::codegen {
namespace {

/// Whether code stays what it is if the use reads a variable: a bound of a loop, or a sum, product or comparison, which leave
/// loops where they can. A division by a variable costs many times one by a constant.
bool mayVary(OpOperand &use) {
  Operation *user = use.getOwner();
  if (isa<scf::ForOp>(user))
    return use.getOperandNumber() < 2;
  return isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::MinSIOp, arith::MinUIOp, arith::MaxSIOp, arith::MaxUIOp,
             arith::CmpIOp, arith::SelectOp>(user);
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
      put(op->getPropertiesAsAttribute().getAsOpaquePointer()), put(op->getDiscardableAttrDictionary().getAsOpaquePointer());
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

/// The representative of a group takes as parameters what differs; returns them by member.
std::vector<std::vector<int64_t>> parameterise(ArrayRef<Skeleton *> group, ModuleOp module) {
  Skeleton &first = *group.front();
  std::vector<std::vector<int64_t>> parameters(group.size());
  std::map<std::vector<int64_t>, size_t> columns; // parameters that always agree are one
  DenseMap<Operation *, SmallVector<std::pair<arith::ConstantOp, size_t>>> replaced; // by function
  for (size_t i = 0; i < first.numbers.size(); ++i) {
    std::vector<int64_t> column;
    for (Skeleton *member : group)
      column.push_back(cast<IntegerAttr>(member->numbers[i].getValue()).getInt());
    if (llvm::all_equal(column))
      continue;
    auto [at, isNew] = columns.try_emplace(column, columns.size());
    for (size_t m = 0; isNew && m < group.size(); ++m)
      parameters[m].push_back(column[m]);
    replaced[first.numbers[i]->getParentOfType<func::FuncOp>()].push_back({first.numbers[i], at->second});
  }
  for (size_t i = 0; i < first.memory.size(); ++i) {
    MemRefType largest = first.memory[i].getType();
    for (Skeleton *member : group)
      if (member->memory[i].getType().getNumElements() > largest.getNumElements())
        largest = member->memory[i].getType();
    first.memory[i].getResult().setType(largest);
  }
  if (columns.empty())
    return parameters;

  auto type = MemRefType::get({static_cast<int64_t>(columns.size())}, IntegerType::get(module.getContext(), 64));
  for (auto function : module.getOps<func::FuncOp>()) {
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

} // namespace

std::vector<CodeShare> shareCode(MutableArrayRef<OwningOpRef<ModuleOp>> codes) {
  std::vector<Skeleton> skeletons;
  llvm::MapVector<StringRef, SmallVector<size_t>> groups;
  skeletons.reserve(codes.size()); // keys stay where they are
  for (size_t i = 0; i < codes.size(); ++i)
    groups[skeletons.emplace_back(*codes[i]).key].push_back(i);
  std::vector<CodeShare> shares(codes.size());
  for (auto &[key, members] : groups) {
    SmallVector<Skeleton *> group = llvm::map_to_vector(members, [&](size_t i) { return &skeletons[i]; });
    std::vector<std::vector<int64_t>> parameters = parameterise(group, *codes[members.front()]);
    for (auto [member, values] : llvm::zip_equal(members, parameters))
      shares[member] = {members.front(), std::move(values)};
  }
  return shares;
}

} // namespace sinter::codegen
