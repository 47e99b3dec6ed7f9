// The primitives of one kernel. Only this header and what includes it see dnnl.hpp: the two sources beside it.
#pragma once

#include "runtime/onednn/Description.h"

#include <dnnl.hpp>
#include <unordered_map>

namespace sinter::onednn {

using dnnl::memory;
using PrimitiveDesc = dnnl::primitive_desc_base; // what concat and reorder have in common with the others

/// An argument of a primitive: the caller's memory, and where the primitive prefers another layout a copy in
/// it.
struct BoundArgument {
  int id = 0; ///< DNNL_ARG_...
  int64_t buffer = 0;
  bool constant = false, output = false;
  bool ready = false; ///< the copy of a constant has been made
  memory user, inner;
  dnnl::reorder reorder; ///< between the two; set if `inner` is
};

struct BoundStep {
  dnnl::primitive primitive;
  std::vector<BoundArgument> arguments;
  std::unordered_map<int, memory> memories;
  /// The buffer that a sum post-op adds: copied into the destination before the primitive runs.
  int64_t sumBuffer = -1;
  memory sumUser, sumTarget;
  dnnl::reorder sumReorder;
};

/// A kernel's primitives. Its construction throws where oneDNN refuses; callers catch.
class KernelPrimitives {
public:
  KernelPrimitives(const Description &description, const dnnl::engine &engine);
  size_t scratchpadBytes() const { return scratchpadSize; }

  void run(const dnnl::stream &stream, void *const *buffers, void *scratchpad);

private:
  void run(BoundStep &step, const dnnl::stream &stream, void *const *buffers, void *scratchpad);
  void *address(int64_t buffer, void *const *buffers);
  void add(const Step &step);
  /// The layout that the primitive wants for an argument.
  static memory::desc preferred(const PrimitiveDesc &desc, const BoundArgument &argument);
  void bind(BoundStep &step, BoundArgument &argument, const memory::desc &wanted);
  void addArgument(BoundStep &step, int id, const Argument &argument, bool output = false);
  bool isConstant(const Argument &argument) const;
  dnnl::primitive_attr attributes(const Step &step, BoundStep &bound);
  PrimitiveDesc describe(const Step &step, BoundStep &bound);
  PrimitiveDesc describeConvolution(const Step &step, BoundStep &bound, const dnnl::primitive_attr &attr);
  PrimitiveDesc describeMatMul(const Step &step, BoundStep &bound, const dnnl::primitive_attr &attr);
  PrimitiveDesc describeNorm(const Step &step, BoundStep &bound, const dnnl::primitive_attr &attr);
  PrimitiveDesc describeBinary(const Step &step, BoundStep &bound, const dnnl::primitive_attr &attr);

  dnnl::engine engine;
  std::vector<bool> constants;
  std::vector<memory> temporaries;
  std::vector<BoundStep> steps;
  size_t scratchpadSize = 0;
};

} // namespace sinter::onednn
