// The table of generators: one for each op of the dialect, or the reason why there is none, and motifs of several ops
// that passes look for. A test (OpCoverageTest.cpp) fails for an op that is missing here, so nobody can add one and
// forget it.
#pragma once

#include "tests/random/Graph.h"

namespace sinter::random_graphs {

/// Adds an op (or a motif) to the network; false where nothing fits.
using Make = bool (*)(Graph &graph);

/// The generator of one op. Without `make`, `reason` says why.
struct OpGenerator {
  llvm::StringLiteral op;
  Make make;
  llvm::StringLiteral reason = "";
};

/// A group of ops as exporters write it or passes look for it, drawn `weight` times as often as others.
struct Motif {
  llvm::StringLiteral name;
  Make make;
  int weight = 1;
};

/// One table per family, each in generate/<Family>.cpp.
ArrayRef<OpGenerator> activationGenerators();
ArrayRef<OpGenerator> arithmeticGenerators();
ArrayRef<OpGenerator> constantGenerators();
ArrayRef<OpGenerator> convolutionGenerators();
ArrayRef<OpGenerator> indexingGenerators();
ArrayRef<OpGenerator> mathGenerators();
ArrayRef<OpGenerator> matrixGenerators();
ArrayRef<OpGenerator> movementGenerators();
ArrayRef<OpGenerator> normalisationGenerators();
ArrayRef<OpGenerator> poolGenerators();
ArrayRef<OpGenerator> quantisationGenerators();
ArrayRef<OpGenerator> reductionGenerators();
ArrayRef<OpGenerator> viewGenerators();

ArrayRef<Motif> affineMotifs();
ArrayRef<Motif> attentionMotifs();
ArrayRef<Motif> activationMotifs();
ArrayRef<Motif> quantisationMotifs();
ArrayRef<Motif> movementMotifs();
ArrayRef<Motif> normMotifs();

/// All of them.
std::vector<OpGenerator> opGenerators();
std::vector<Motif> motifs();

//===- What several families use ------------------------------------------===//

/// One affine op with constants per channel along some axis, uniform, or per element; null where it was taken back.
Value makeAffine(Graph &graph, Value x);
/// 1 to `most` of them.
Value makeAffines(Graph &graph, Value x, int64_t most);
/// A convolution, product or pool that x fits.
Value makeAnchor(Graph &graph, Value x);
Value makeConvolution(Graph &graph, Value x);
Value makeProduct(Graph &graph, Value x);
/// ReLU, clamps (with infinite bounds, too) and other functions of an element.
Value makeActivation(Graph &graph, Value x);
/// A view, permutation, cut or repetition of x.
Value makeMovement(Graph &graph, Value x);
Value makePool(Graph &graph, Value x);

} // namespace sinter::random_graphs
