// The nn dialect: a trained network as ONNX means it, at one opset, with static shapes after specialisation.
#ifndef SINTER_IR_NN_TD
#define SINTER_IR_NN_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "ir/Enums.td"
include "ir/Interfaces.td"

def NN_Dialect : Dialect {
  let name = "nn";
  let summary = "Neural networks for inference, one op per ONNX node";
  let description = [{
    Values are ranked tensors; an imported model may still have dynamic dimensions or unranked tensors, which
    `nn-specialise-shapes` removes. Ops follow ONNX semantics at its newest opset: what older opsets said
    otherwise, the importer rewrites. Operands that ONNX calls shapes, axes, pads or bounds stay operands and
    must be constants once shapes are specialised.
  }];
  let cppNamespace = "::sinter::nn";
  // ElementwiseOpInterface builds ops of these.
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
  let useDefaultAttributePrinterParser = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let extraClassDeclaration = [{
    void registerOps();
    void registerAttributes();
  }];
}

//===- Types: what ONNX calls T -----------------------------------------===//

def NN_Float : AnyTypeOf<[F16, BF16, F32, F64], "f16, bf16, f32 or f64">;
def NN_Signed : AnyTypeOf<[I8, I16, I32, I64], "signed (signless) integer">;
def NN_Unsigned : AnyTypeOf<[UI8, UI16, UI32, UI64], "unsigned integer">;
def NN_Integer : AnyTypeOf<[I8, I16, I32, I64, UI8, UI16, UI32, UI64], "integer">;
def NN_Number : AnyTypeOf<[F16, BF16, F32, F64, I8, I16, I32, I64, UI8, UI16, UI32, UI64], "number">;
def NN_NumberOrBool : AnyTypeOf<[NN_Number, I1], "number or bool">;
// Stored, moved and converted, not computed with.
def NN_Small : AnyTypeOf<[F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0FNU, F4E2M1FN, I<4>, I<2>, UI<4>, UI<2>],
                         "float of 8 or 4 bits, integer of 4 or 2 bits">;
def NN_Element : AnyTypeOf<[NN_NumberOrBool, NN_Small], "number or bool">;

def NN_Tensor : TensorOf<[NN_Element]>;
def NN_NumberOrBoolTensor : TensorOf<[NN_NumberOrBool]>;
def NN_FloatTensor : TensorOf<[NN_Float]>;
def NN_IntegerTensor : TensorOf<[NN_Integer]>;
def NN_NumberTensor : TensorOf<[NN_Number]>;
def NN_BoolTensor : TensorOf<[I1]>;
def NN_IndexTensor : TensorOf<[I32, I64]>;  // shapes, axes, indices

//===- Traits, documented in ir/Traits.h --------------------------------===//

class NN_Trait<string name> : NativeOpTrait<name> {
  let cppNamespace = "::sinter::nn";
}
def NN_ViewOfFirst : NN_Trait<"ViewOfFirst">;
def NN_PermutesFirst : NN_Trait<"PermutesFirst">;
def NN_CopiesFirst : NN_Trait<"CopiesFirst">;
def NN_TakesEpilogue : NN_Trait<"TakesEpilogue">;

//===- Op bases ---------------------------------------------------------===//

// Every op: pure, infers its result types, evaluates itself on host tensors, bounds its results.
class NN_Op<string mnemonic, list<Trait> traits = []>
    : Op<NN_Dialect, mnemonic, !listconcat([Pure,
        DeclareOpInterfaceMethods<ShapeInferenceOpInterface>,
        DeclareOpInterfaceMethods<ReferenceOpInterface>,
        DeclareOpInterfaceMethods<RangeOpInterface>], traits)> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

// Result shapes follow from operand types and from the values of integer operands (shapes, axes, pads), which
// `inferFrom` reads: constants while compiling, host tensors during evaluation.
class NN_ValueShapedOp<string mnemonic, list<Trait> traits = []> : NN_Op<mnemonic, traits> {
  code inferFromDeclaration = [{
    /// Appends the result types, with integer operands read through `ints`; contract as for inferShapes.
    ::mlir::LogicalResult inferFrom(::sinter::nn::IntsOf ints, ::llvm::SmallVectorImpl<::mlir::Type> &types);
  }];
  let extraClassDeclaration = inferFromDeclaration;
  code inferShapesDefinition = [{
    ::mlir::LogicalResult $cppClass::inferShapes(::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return inferFrom(::sinter::nn::constantInts, types);
    }
  }];
  let extraClassDefinition = inferShapesDefinition;
}

// One result, computed element by element from operands that broadcast to its shape as numpy's do.
class NN_ElementwiseOp<string mnemonic, list<Trait> traits = []>
    : NN_Op<mnemonic, !listconcat([DeclareOpInterfaceMethods<ElementwiseOpInterface>], traits)>;

// An elementwise op on x alone, whose result has x's type.
class NN_UnaryOp<string mnemonic, list<Trait> traits = []> : NN_ElementwiseOp<mnemonic, traits> {
  let extraClassDefinition = [{
    ::mlir::LogicalResult $cppClass::inferShapes(::llvm::SmallVectorImpl<::mlir::Type> &types) {
      types.push_back(getX().getType());
      return ::mlir::success();
    }
  }];
}

#endif
