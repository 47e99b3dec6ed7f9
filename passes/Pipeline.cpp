// The pipeline, as a table of contents. Alive throughout: nn and func.
#include "passes/Pipeline.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"

using namespace mlir;

namespace sinter::nn {

void (*addExtraPasses)(OpPassManager &) = nullptr;

/// Adds the passes that make the graph smaller, while ops are still those of the model.
static void addSimplifications(OpPassManager &passes, const PipelineOptions &options) {
  // Weights that the model computes become constants, so that folds see them. Equal nodes merge; dead ones go.
  FoldConstantsOptions folding;
  if (options.reassociate && options.integerKernels) {
    // While bytes are bytes: a constant that is dequantised has lost its scale.
    folding.dequantise = false;
    passes.addPass(createFoldConstants(folding));
    // Then products read bytes.
    passes.addPass(createMoveDequantize());
    FormIntegerKernelsOptions integers;
    integers.block = options.layoutBlock;
    passes.addPass(createFormIntegerKernels(integers));
    folding.dequantise = true;
  }
  passes.addPass(createFoldConstants(folding));
  passes.addPass(createCSEPass());
  // Pads are constants by now; a BatchNorm then meets the convolution itself.
  passes.addPass(createFoldPads());
  // Before affines move: a norm's own scale and bias would leave it.
  if (options.reassociate) {
    passes.addPass(createRecogniseNorms());
    passes.addPass(createRecogniseGelu());
  }
  // Before kernels form: a folded BatchNorm leaves its activation next to the convolution.
  if (options.reassociate)
    passes.addPass(createFoldBatchNorm());
  // After it: a BatchNorm's bounds are those of the weights that it became.
  passes.addPass(createSimplifyActivations());
  if (addExtraPasses)
    addExtraPasses(passes);
  // Folded weights and biases, and activations that became constants, tell which channels are constant.
  if (options.prune && options.reassociate)
    passes.addPass(createPruneChannels());
  // After every affine has moved; before the constants are laid out.
  if (options.reassociate && options.integerKernels)
    passes.addPass(createFoldRequantize());
}

void buildPipeline(OpPassManager &passes, const PipelineOptions &options) {
  // The report opens before any node can vanish; what is integer now is mostly shape arithmetic.
  TakeInventoryOptions floatsOnly;
  floatsOnly.integers = false;
  passes.addPass(createTakeInventory(floatsOnly));
  // Shapes first: everything after relies on static ones, and shape operands are constants from here on.
  SpecialiseShapesOptions shapes;
  shapes.shapes.assign(options.shapes.begin(), options.shapes.end());
  shapes.dims.assign(options.dims.begin(), options.dims.end());
  shapes.wideNorms = options.reassociate;
  passes.addPass(createSpecialiseShapes(shapes));
  // Again: channels and multiply-adds are known now.
  passes.addPass(createTakeInventory());

  if (options.optimise)
    addSimplifications(passes, options);
  if (options.optimise && options.lowPrecision) {
    LowerPrecisionOptions precision;
    precision.block = options.layoutBlock;
    passes.addPass(createLowerPrecision(precision));
  }

  // Before kernels form: ops fuse only with ops of their own layout. After everything that looks at channels.
  AssignLayoutOptions layout;
  layout.block = options.optimise ? options.layoutBlock : 0;
  layout.pairs = options.lowPrecision;
  passes.addPass(createAssignLayout(layout));

  // A value that becomes a view needs no kernel. Graph outputs cannot be views, and exposed kernels are outputs.
  if (options.optimise && !options.exposeKernels)
    passes.addPass(createPlaceConcats());

  FormKernelsOptions kernels;
  kernels.fuse = options.optimise;
  kernels.secondOutputs = options.secondOutputs;
  kernels.lowPrecision = options.lowPrecision;
  passes.addPass(createFormKernels(kernels));
  // A backend takes a kernel whole or not at all, so it is chosen once kernels stand.
  if (options.addBackendAssignment)
    options.addBackendAssignment(passes);
  if (options.exposeKernels)
    passes.addPass(createExposeKernels());
  // The kernels now show which ops are fused and which have a kernel of their own.
  passes.addPass(createSettleOutcomes());
  // Last: lifetimes are counted in kernels.
  passes.addPass(createPlanMemory());
}

} // namespace sinter::nn
