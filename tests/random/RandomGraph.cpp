// One list holds every op once, and as many usual ops and motifs again; a network draws from it with equal chances.
#include "tests/random/RandomGraph.h"
#include "tests/random/Generators.h"

using namespace mlir;

namespace sinter::random_graphs {

std::vector<OpGenerator> opGenerators() {
  std::vector<OpGenerator> all;
  for (ArrayRef<OpGenerator> family :
       {activationGenerators(), arithmeticGenerators(), constantGenerators(), convolutionGenerators(),
        indexingGenerators(), mathGenerators(), matrixGenerators(), movementGenerators(), normalisationGenerators(),
        poolGenerators(), quantisationGenerators(), reductionGenerators(), viewGenerators()})
    all.insert(all.end(), family.begin(), family.end());
  return all;
}

std::vector<Motif> motifs() {
  std::vector<Motif> all;
  for (ArrayRef<Motif> family :
       {affineMotifs(), attentionMotifs(), activationMotifs(), movementMotifs(), normMotifs(), quantisationMotifs()})
    all.insert(all.end(), family.begin(), family.end());
  return all;
}

namespace {

/// A usual part of networks: a convolution or product, affines, an activation, movement, a pool.
template <Value (*maker)(Graph &, Value), int64_t minRank> bool onFloat(Graph &graph) {
  Value x = graph.anyFloat(minRank);
  return x && maker(graph, x);
}

/// All of the table once, the usual ops several times, motifs by their weight.
std::vector<Make> drawnFrom() {
  const std::vector<Make> usual{onFloat<makeAnchor, 1>,   onFloat<makeConvolution, 3>, onFloat<makeAffine, 1>,
                                onFloat<makeAffine, 0>,   onFloat<makeActivation, 0>,  onFloat<makeActivation, 1>,
                                onFloat<makeMovement, 1>, onFloat<makePool, 3>};
  std::vector<Make> all;
  for (const OpGenerator &generator : opGenerators())
    if (generator.make)
      all.push_back(generator.make);
  const size_t share = all.size() / 2;
  for (size_t i = 0; i < share; ++i)
    all.push_back(usual[i % usual.size()]);
  std::vector<Make> several;
  for (const Motif &motif : motifs())
    several.insert(several.end(), static_cast<size_t>(motif.weight), motif.make);
  for (size_t i = 0; i < share; ++i)
    all.push_back(several[i % several.size()]);
  return all;
}

} // namespace

Network makeNetwork(MLIRContext &context, unsigned seed) {
  context.loadDialect<nn::NNDialect, func::FuncDialect>();
  // Ops that do not fit are taken back: what they complain about is no news.
  ScopedDiagnosticHandler silence(&context, [](Diagnostic &) { return success(); });
  static const std::vector<Make> generators = drawnFrom();
  Graph graph(context, seed);
  if (graph.chance(85))
    (void)graph.input(graph.home, 2, 5);
  int64_t wanted = graph.chance(30) ? graph.between(1, 3) : graph.between(3, 12);
  for (int64_t made = 0, tries = 0; made < wanted && tries < 10 * wanted; ++tries)
    made += graph.pick(generators)(graph);
  while (!graph.lastOp())
    (void)onFloat<makeActivation, 0>(graph);
  return graph.finish();
}

} // namespace sinter::random_graphs
