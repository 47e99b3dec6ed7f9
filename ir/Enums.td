// Attributes that are one word of a closed set. The IR has the word as a string, spelt as ONNX spells it; C++ has an enum.
#ifndef SINTER_IR_ENUMS_TD
#define SINTER_IR_ENUMS_TD

include "mlir/IR/EnumAttr.td"

// Getters, setters and builders of ops take the enum. Cases are numbered from 0 on: wordsOf (ir/Enums.h) counts on that.
class NN_WordAttr<string name, list<EnumCase> cases,
                  string words = "one of " # !interleave(!foreach(case, cases, case.str), ", ")>
    : I32Enum<name, words, cases>,
      StringBasedAttr<And<[StrAttrPred,
          CPred<"::sinter::nn::symbolize" # name # "(::llvm::cast<::mlir::StringAttr>($_self).getValue())">]>, words> {
  let cppNamespace = "::sinter::nn";
  let returnType = "::sinter::nn::" # name;
  let convertFromStorage = "::sinter::nn::caseOf<::sinter::nn::" # name # ">($_self.getValue())";
  let constBuilderCall = "$_builder.getStringAttr(::sinter::nn::stringify" # name # "($0))";
}

// The attribute with the case that its absence stands for.
class NN_DefaultWord<NN_WordAttr attr, string case> : DefaultValuedAttr<attr, attr.returnType # "::" # case>;

//===- Windows -----------------------------------------------------------===//

def NN_AutoPad : NN_WordAttr<"AutoPad", [
    I32EnumCase<"NotSet", 0, "NOTSET">, I32EnumCase<"SameUpper", 1, "SAME_UPPER">,
    I32EnumCase<"SameLower", 2, "SAME_LOWER">, I32EnumCase<"Valid", 3, "VALID">]>;

//===- Elementwise -------------------------------------------------------===//

def NN_GeluApproximation : NN_WordAttr<"GeluApproximation", [
    I32EnumCase<"None", 0, "none">, I32EnumCase<"Tanh", 1, "tanh">]>;

def NN_ShiftDirection : NN_WordAttr<"ShiftDirection", [
    I32EnumCase<"Left", 0, "LEFT">, I32EnumCase<"Right", 1, "RIGHT">]>;

// How nn.cast rounds to a power of two.
def NN_RoundMode : NN_WordAttr<"RoundMode", [
    I32EnumCase<"Up", 0, "up">, I32EnumCase<"Down", 1, "down">, I32EnumCase<"Nearest", 2, "nearest">]>;

//===- Movement and indexing ---------------------------------------------===//

// What the index of a channel has first: the place in the block, or the channel of the result.
def NN_DepthToSpaceMode : NN_WordAttr<"DepthToSpaceMode", [
    I32EnumCase<"BlockFirst", 0, "DCR">, I32EnumCase<"ChannelFirst", 1, "CRD">]>;

def NN_PadMode : NN_WordAttr<"PadMode", [
    I32EnumCase<"Constant", 0, "constant">, I32EnumCase<"Reflect", 1, "reflect">,
    I32EnumCase<"Edge", 2, "edge">, I32EnumCase<"Wrap", 3, "wrap">]>;

// How an update meets the element that is there.
def NN_ScatterReduction : NN_WordAttr<"ScatterReduction", [
    I32EnumCase<"None", 0, "none">, I32EnumCase<"Add", 1, "add">, I32EnumCase<"Mul", 2, "mul">,
    I32EnumCase<"Min", 3, "min">, I32EnumCase<"Max", 4, "max">]>;

//===- Resize ------------------------------------------------------------===//

def NN_ResizeMode : NN_WordAttr<"ResizeMode", [
    I32EnumCase<"Nearest", 0, "nearest">, I32EnumCase<"Linear", 1, "linear">, I32EnumCase<"Cubic", 2, "cubic">]>;

def NN_CoordinateTransformation : NN_WordAttr<"CoordinateTransformation", [
    I32EnumCase<"HalfPixel", 0, "half_pixel">, I32EnumCase<"HalfPixelSymmetric", 1, "half_pixel_symmetric">,
    I32EnumCase<"PytorchHalfPixel", 2, "pytorch_half_pixel">, I32EnumCase<"AlignCorners", 3, "align_corners">,
    I32EnumCase<"Asymmetric", 4, "asymmetric">, I32EnumCase<"TfCropAndResize", 5, "tf_crop_and_resize">,
    I32EnumCase<"TfHalfPixelForNn", 6, "tf_half_pixel_for_nn">]>;

def NN_NearestMode : NN_WordAttr<"NearestMode", [
    I32EnumCase<"RoundPreferFloor", 0, "round_prefer_floor">, I32EnumCase<"RoundPreferCeil", 1, "round_prefer_ceil">,
    I32EnumCase<"Floor", 2, "floor">, I32EnumCase<"Ceil", 3, "ceil">]>;

def NN_AspectRatioPolicy : NN_WordAttr<"AspectRatioPolicy", [
    I32EnumCase<"Stretch", 0, "stretch">, I32EnumCase<"NotLarger", 1, "not_larger">,
    I32EnumCase<"NotSmaller", 2, "not_smaller">]>;

#endif
