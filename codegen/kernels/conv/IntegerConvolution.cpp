// Convolutions of bytes that lie in planes.
#include "codegen/kernels/conv/Blocked.h"
#include "codegen/kernels/conv/Im2colPanel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace sinter::nn;

namespace sinter::codegen {
/// One output after the other: correct for every shape, fast for none.
LogicalResult emitScalarConvolution(KernelEmitter &e, ConvIntegerOp op) {
  FailureOr<Window> resolved = op.window();
  if (failed(resolved))
    return failure();
  Window w = *threeAxes(*resolved);
  ArrayRef<int64_t> x = rankedType(op.getX()).getShape(), y = rankedType(op.getY()).getShape();
  int64_t group = op.getGroup(), inputs = x[1] / group, outputs = y[1] / group;
  int64_t taps = w[0].size * w[1].size * w[2].size, pixels = w[0].out * w[1].out * w[2].out;
  bool isSigned = elementTypeOf(op.getX()).isSignlessInteger(8);
  IntegerType i32 = e.b.getI32Type();
  auto sub = [&](Value a, Value b) { return e.b.createOrFold<arith::SubIOp>(a, b); };
  auto within = [&](Value at, int64_t size) {
    return arith::CmpIOp::create(e.b, arith::CmpIPredicate::ult, at, e.index(size)).getResult();
  };
  e.iterations(
      x[0] * y[1], KernelEmitter::grainFor(2.0 * static_cast<double>(pixels * inputs * taps)), [&](Value iteration) {
        SmallVector<Value> at = e.delinearize(iteration, {x[0], group, outputs});
        Value channel = e.add(e.mul(at[1], outputs), at[2]),
              zero = e.number(i32, static_cast<double>(static_cast<int64_t>(op.getXZeroPoint())));
        e.loop(e.index(0), e.index(pixels), 1, [&](Value pixel) {
          SmallVector<Value> to = e.delinearize(pixel, {w[0].out, w[1].out, w[2].out});
          Value start = op.getB() ? e.read(op.getB(), ValueRange{channel}) : e.number(i32, 0);
          auto tap = [&](Value k, ValueRange sums) -> SmallVector<Value> {
            SmallVector<Value> position = e.delinearize(k, {inputs, w[0].size, w[1].size, w[2].size}), from;
            Value inside = e.number(e.b.getI1Type(), 1), pixelAt = e.index(0);
            for (int64_t d = 0; d < 3; ++d) {
              Value place =
                  sub(e.add(e.mul(to[d], w[d].stride), e.mul(position[d + 1], w[d].dilation)), e.index(w[d].padBegin));
              inside = arith::AndIOp::create(e.b, inside, within(place, w[d].in));
              pixelAt = e.add(e.mul(pixelAt, w[d].in), place);
            }
            return e.choose(
                inside,
                [&]() -> SmallVector<Value> {
                  Value input = e.add(e.mul(at[1], inputs), position[0]);
                  Value byte = e.read(op.getX(), Point{{at[0], input}, pixelAt});
                  Value value = isSigned ? arith::ExtSIOp::create(e.b, i32, byte).getResult()
                                         : arith::ExtUIOp::create(e.b, i32, byte).getResult();
                  Value weight = arith::ExtSIOp::create(e.b, i32, e.read(op.getW(), Point{{channel}, k}));
                  Value product = arith::MulIOp::create(e.b, arith::SubIOp::create(e.b, value, zero), weight);
                  return {arith::AddIOp::create(e.b, sums[0], product)};
                },
                [&]() -> SmallVector<Value> { return {sums[0]}; });
          };
          Value sum = e.loop(e.index(0), e.index(inputs * taps), 1, start, tap)[0];
          e.finish(0, sum, Point{{at[0], channel}, pixel});
        });
      });
  return success();
}

} // namespace sinter::codegen
