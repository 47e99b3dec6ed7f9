// Each step of a kernel becomes one primitive and the reorders between the plain layout of the model's buffers and the
// layout that the primitive prefers; weights are reordered at the first call only.
#include "runtime/onednn/Primitives.h"

#include <algorithm>

namespace sinter::onednn {

static dnnl::algorithm convert(Algorithm algorithm) {
  using A = dnnl::algorithm;
  static const std::unordered_map<Algorithm, A> table = {
      {Algorithm::MaxPool, A::pooling_max},
      {Algorithm::AveragePoolWithPadding, A::pooling_avg_include_padding},
      {Algorithm::AveragePool, A::pooling_avg_exclude_padding},
      {Algorithm::Relu, A::eltwise_relu},
      {Algorithm::Abs, A::eltwise_abs},
      {Algorithm::Sqrt, A::eltwise_sqrt},
      {Algorithm::Square, A::eltwise_square},
      {Algorithm::Exp, A::eltwise_exp},
      {Algorithm::Log, A::eltwise_log},
      {Algorithm::Logistic, A::eltwise_logistic},
      {Algorithm::Tanh, A::eltwise_tanh},
      {Algorithm::Elu, A::eltwise_elu},
      {Algorithm::SoftRelu, A::eltwise_soft_relu},
      {Algorithm::Mish, A::eltwise_mish},
      {Algorithm::Swish, A::eltwise_swish},
      {Algorithm::GeluErf, A::eltwise_gelu_erf},
      {Algorithm::GeluTanh, A::eltwise_gelu_tanh},
      {Algorithm::HardSwish, A::eltwise_hardswish},
      {Algorithm::Round, A::eltwise_round},
      {Algorithm::Clip, A::eltwise_clip},
      {Algorithm::Linear, A::eltwise_linear},
      {Algorithm::Power, A::eltwise_pow},
      {Algorithm::Add, A::binary_add},
      {Algorithm::Subtract, A::binary_sub},
      {Algorithm::Multiply, A::binary_mul},
      {Algorithm::Divide, A::binary_div},
      {Algorithm::Maximum, A::binary_max},
      {Algorithm::Minimum, A::binary_min},
      {Algorithm::Softmax, A::softmax_accurate},
      {Algorithm::LogSoftmax, A::softmax_log},
      {Algorithm::AcrossChannels, A::lrn_across_channels},
      {Algorithm::ReduceMax, A::reduction_max},
      {Algorithm::ReduceMin, A::reduction_min},
      {Algorithm::ReduceSum, A::reduction_sum},
      {Algorithm::ReduceMean, A::reduction_mean},
      {Algorithm::ReduceProduct, A::reduction_mul},
      {Algorithm::ReduceL1, A::reduction_norm_lp_sum},
      {Algorithm::ReduceL2, A::reduction_norm_lp_sum},
      {Algorithm::Nearest, A::resampling_nearest},
      {Algorithm::LinearResampling, A::resampling_linear},
  };
  auto found = table.find(algorithm);
  return found == table.end() ? A::undef : found->second;
}

/// How an argument lies in memory.
static memory::desc stored(const Argument &argument) {
  using Tag = memory::format_tag;
  static constexpr Tag tags[][2] = {
      {Tag::nCw8c, Tag::nCw16c}, {Tag::nChw8c, Tag::nChw16c}, {Tag::nCdhw8c, Tag::nCdhw16c}};
  if (argument.block)
    return {argument.shape, memory::data_type::f32, tags[argument.shape.size() - 3][argument.block == 16]};
  return {argument.shape, memory::data_type::f32, argument.strides};
}

static memory::desc any(const Argument &argument) {
  return {argument.shape, memory::data_type::f32, memory::format_tag::any};
}

//===- Running ------------------------------------------------------------===//

KernelPrimitives::KernelPrimitives(const Description &description, const dnnl::engine &engine) : engine(engine) {
  for (const Buffer &buffer : description.buffers)
    constants.push_back(buffer.constant);
  for (int64_t size : description.temporaries)
    temporaries.emplace_back(memory::desc({std::max<int64_t>(size, 1)}, memory::data_type::f32, memory::format_tag::a),
                             engine);
  for (const Step &step : description.steps)
    add(step);
}

void KernelPrimitives::run(const dnnl::stream &stream, void *const *buffers, void *scratchpad) {
  for (BoundStep &step : steps)
    run(step, stream, buffers, scratchpad);
}

void KernelPrimitives::run(BoundStep &step, const dnnl::stream &stream, void *const *buffers, void *scratchpad) {
  for (BoundArgument &argument : step.arguments) {
    argument.user.set_data_handle(address(argument.buffer, buffers));
    if (argument.inner && !argument.output && !argument.ready) {
      argument.reorder.execute(stream, argument.user, argument.inner);
      argument.ready = argument.constant;
    }
  }
  if (step.sumBuffer >= 0) {
    step.sumUser.set_data_handle(address(step.sumBuffer, buffers));
    step.sumReorder.execute(stream, step.sumUser, step.sumTarget);
  }
  step.memories[DNNL_ARG_SCRATCHPAD].set_data_handle(scratchpad);
  step.primitive.execute(stream, step.memories);
  for (BoundArgument &argument : step.arguments)
    if (argument.inner && argument.output)
      argument.reorder.execute(stream, argument.inner, argument.user);
}

void *KernelPrimitives::address(int64_t buffer, void *const *buffers) {
  size_t index = static_cast<size_t>(buffer);
  return index < constants.size() ? buffers[index] : temporaries[index - constants.size()].get_data_handle();
}

void KernelPrimitives::add(const Step &step) {
  BoundStep bound;
  PrimitiveDesc desc = describe(step, bound);
  bound.primitive = dnnl::primitive(desc.get());
  for (BoundArgument &argument : bound.arguments)
    bind(bound, argument, preferred(desc, argument));
  if (bound.sumBuffer >= 0) {
    bound.sumTarget = bound.memories[DNNL_ARG_DST];
    bound.sumReorder = dnnl::reorder(bound.sumUser, bound.sumTarget);
  }
  memory::desc scratchpad = desc.query_md(dnnl::query::scratchpad_md);
  bound.memories[DNNL_ARG_SCRATCHPAD] = memory(scratchpad, engine, nullptr);
  scratchpadSize = std::max(scratchpadSize, scratchpad.get_size());
  steps.push_back(std::move(bound));
}

/// The layout that the primitive wants for an argument.
memory::desc KernelPrimitives::preferred(const PrimitiveDesc &desc, const BoundArgument &argument) {
  switch (argument.id) {
  case DNNL_ARG_WEIGHTS:
    return desc.query_md(dnnl::query::weights_md, 0);
  case DNNL_ARG_SRC:
    return desc.query_md(dnnl::query::src_md, 0);
  case DNNL_ARG_DST:
    return desc.query_md(dnnl::query::dst_md, 0);
  default:
    return argument.user.get_desc();
  }
}

void KernelPrimitives::bind(BoundStep &step, BoundArgument &argument, const memory::desc &wanted) {
  memory::desc given = argument.user.get_desc();
  if (wanted != given) {
    argument.inner = memory(wanted, engine);
    argument.reorder =
        argument.output ? dnnl::reorder(argument.inner, argument.user) : dnnl::reorder(argument.user, argument.inner);
  }
  step.memories[argument.id] = argument.inner ? argument.inner : argument.user;
}

void KernelPrimitives::addArgument(BoundStep &step, int id, const Argument &argument, bool output) {
  BoundArgument bound;
  bound.id = id;
  bound.buffer = argument.buffer;
  bound.output = output;
  bound.constant =
      static_cast<size_t>(argument.buffer) < constants.size() && constants[static_cast<size_t>(argument.buffer)];
  bound.user = memory(stored(argument), engine, nullptr);
  step.arguments.push_back(std::move(bound));
}

bool KernelPrimitives::isConstant(const Argument &argument) const {
  auto index = static_cast<size_t>(argument.buffer);
  return index < constants.size() && constants[index];
}

dnnl::primitive_attr KernelPrimitives::attributes(const Step &step, BoundStep &bound) {
  dnnl::post_ops ops;
  bool canSum = step.kind == Kind::Convolution || step.kind == Kind::Deconvolution;
  for (size_t i = 0; i < step.postOps.size(); ++i) {
    const PostOp &op = step.postOps[i];
    if (!op.operand) {
      ops.append_eltwise(1, convert(op.algorithm), op.alpha, op.beta);
    } else if (canSum && op.algorithm == Algorithm::Add && op.operand.shape == step.destination.shape) {
      // The destination has the layout that convolution prefers; a binary post-op would have to be in it
      // too.
      canSum = false;
      ops.append_sum(1);
      bound.sumBuffer = op.operand.buffer;
      bound.sumUser = memory(stored(op.operand), engine, nullptr);
    } else {
      ops.append_binary(convert(op.algorithm), stored(op.operand));
      addArgument(bound, DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(i)) | DNNL_ARG_SRC_1, op.operand);
    }
  }
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attr.set_post_ops(ops);
  return attr;
}

//===- Describing ---------------------------------------------------------===//

[[noreturn]] static void fail(const char *reason) { throw dnnl::error(dnnl_invalid_arguments, reason); }

/// oneDNN counts dilation from 0.
static Dims fromZero(Dims dilations) {
  for (int64_t &dilation : dilations)
    --dilation;
  return dilations;
}

PrimitiveDesc KernelPrimitives::describeConvolution(const Step &step, BoundStep &bound,
                                                    const dnnl::primitive_attr &attr) {
  if (step.parameters.empty() || !step.parameters[0])
    fail("a convolution needs weights");
  const Argument &source = step.sources[0], &weights = step.parameters[0];
  bool hasBias = step.parameters.size() > 1 && step.parameters[1];
  addArgument(bound, DNNL_ARG_SRC, source);
  addArgument(bound, DNNL_ARG_WEIGHTS, weights);
  if (hasBias)
    addArgument(bound, DNNL_ARG_BIAS, step.parameters[1]);
  memory::desc bias = hasBias ? stored(step.parameters[1]) : memory::desc();
  auto make = [&]<typename P>(dnnl::algorithm algorithm) -> PrimitiveDesc {
    typename P::desc desc(dnnl::prop_kind::forward_inference, algorithm, any(source), any(weights), bias,
                          any(step.destination), step.strides, fromZero(step.dilations), step.padBegin, step.padEnd);
    return typename P::primitive_desc(desc, attr, engine);
  };
  if (step.kind == Kind::Deconvolution)
    return make.operator()<dnnl::deconvolution_forward>(dnnl::algorithm::deconvolution_direct);
  return make.operator()<dnnl::convolution_forward>(dnnl::algorithm::convolution_direct);
}

PrimitiveDesc KernelPrimitives::describeMatMul(const Step &step, BoundStep &bound, const dnnl::primitive_attr &attr) {
  if (step.parameters.empty() || !step.parameters[0])
    fail("a matrix product needs weights");
  const Argument &weights = step.parameters[0];
  bool hasBias = step.parameters.size() > 1 && step.parameters[1];
  addArgument(bound, DNNL_ARG_SRC, step.sources[0]);
  addArgument(bound, DNNL_ARG_WEIGHTS, weights);
  if (hasBias)
    addArgument(bound, DNNL_ARG_BIAS, step.parameters[1]);
  dnnl::matmul::desc desc(stored(step.sources[0]), isConstant(weights) ? any(weights) : stored(weights),
                          hasBias ? stored(step.parameters[1]) : memory::desc(), stored(step.destination));
  return dnnl::matmul::primitive_desc(desc, attr, engine);
}

/// oneDNN's fast code repeats the second operand only; where the first is the one to repeat, it takes a hundred times
/// longer.
PrimitiveDesc KernelPrimitives::describeBinary(const Step &step, BoundStep &bound, const dnnl::primitive_attr &attr) {
  bool commutes = step.algorithm == Algorithm::Add || step.algorithm == Algorithm::Multiply;
  bool swap =
      commutes && step.sources[0].shape != step.destination.shape && step.sources[1].shape == step.destination.shape;
  const Argument &first = step.sources[swap ? 1 : 0], &second = step.sources[swap ? 0 : 1];
  addArgument(bound, DNNL_ARG_SRC_0, first);
  addArgument(bound, DNNL_ARG_SRC_1, second);
  return dnnl::binary::primitive_desc(
      {convert(step.algorithm), stored(first), stored(second), stored(step.destination)}, attr, engine);
}

PrimitiveDesc KernelPrimitives::describeNorm(const Step &step, BoundStep &bound, const dnnl::primitive_attr &attr) {
  using Flags = dnnl::normalization_flags;
  constexpr auto inference = dnnl::prop_kind::forward_inference;
  bool batch = step.kind == Kind::BatchNorm;
  addArgument(bound, DNNL_ARG_SRC, step.sources[0]);
  std::vector<int> ids = batch ? std::vector<int>{DNNL_ARG_MEAN, DNNL_ARG_VARIANCE, DNNL_ARG_SCALE, DNNL_ARG_SHIFT}
                               : std::vector<int>{DNNL_ARG_SCALE, DNNL_ARG_SHIFT};
  Flags flags = batch ? Flags::use_global_stats : Flags::none;
  for (size_t i = 0; i < step.parameters.size() && i < ids.size(); ++i) {
    if (!step.parameters[i])
      continue;
    addArgument(bound, ids[i], step.parameters[i]);
    if (ids[i] == DNNL_ARG_SCALE)
      flags = flags | Flags::use_scale;
    if (ids[i] == DNNL_ARG_SHIFT)
      flags = flags | Flags::use_shift;
  }
  if (batch) {
    dnnl::batch_normalization_forward::desc desc(inference, stored(step.sources[0]), step.epsilon, flags);
    return dnnl::batch_normalization_forward::primitive_desc(desc, attr, engine);
  }
  dnnl::layer_normalization_forward::desc desc(inference, stored(step.sources[0]), step.epsilon, flags);
  return dnnl::layer_normalization_forward::primitive_desc(desc, attr, engine);
}

PrimitiveDesc KernelPrimitives::describe(const Step &step, BoundStep &bound) {
  constexpr auto inference = dnnl::prop_kind::forward_inference;
  if (step.sources.empty() || (step.kind == Kind::Binary && step.sources.size() != 2))
    fail("a step has the wrong number of sources");
  dnnl::primitive_attr attr = attributes(step, bound);
  addArgument(bound, DNNL_ARG_DST, step.destination, /*output=*/true);
  memory::desc source = stored(step.sources[0]), destination = stored(step.destination);
  dnnl::algorithm algorithm = convert(step.algorithm);
  size_t spatial = step.destination.shape.size() < 2 ? 0 : step.destination.shape.size() - 2;
  if (step.kind == Kind::Convolution || step.kind == Kind::Deconvolution || step.kind == Kind::Pooling)
    for (const Dims *dims : {&step.strides, &step.dilations, &step.padBegin, &step.padEnd})
      if (dims->size() != spatial || spatial == 0)
        fail("a window has the wrong number of dimensions");
  switch (step.kind) {
  case Kind::Convolution:
  case Kind::Deconvolution:
    return describeConvolution(step, bound, attr);
  case Kind::MatMul:
    return describeMatMul(step, bound, attr);
  case Kind::BatchNorm:
  case Kind::LayerNorm:
    return describeNorm(step, bound, attr);
  case Kind::Concat: {
    std::vector<memory::desc> sources;
    for (size_t i = 0; i < step.sources.size(); ++i) {
      sources.push_back(stored(step.sources[i]));
      addArgument(bound, DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), step.sources[i]);
    }
    return dnnl::concat::primitive_desc(destination, static_cast<int>(step.axis), sources, engine, attr);
  }
  case Kind::Binary:
    return describeBinary(step, bound, attr);
  default:
    break;
  }
  addArgument(bound, DNNL_ARG_SRC, step.sources[0]);
  switch (step.kind) {
  case Kind::Pooling:
    if (step.kernel.size() != spatial)
      fail("a window has the wrong number of dimensions");
    return dnnl::pooling_v2_forward::primitive_desc({inference, algorithm, source, destination, step.strides,
                                                     step.kernel, fromZero(step.dilations), step.padBegin, step.padEnd},
                                                    attr, engine);
  case Kind::Eltwise:
    return dnnl::eltwise_forward::primitive_desc({inference, algorithm, source, step.alpha, step.beta}, attr, engine);
  case Kind::Softmax:
    return dnnl::softmax_v2_forward::primitive_desc(
        {inference, algorithm, source, destination, static_cast<int>(step.axis)}, attr, engine);
  case Kind::Lrn:
    return dnnl::lrn_forward::primitive_desc(
        {inference, algorithm, source, step.size, step.alpha, step.beta, step.epsilon}, attr, engine);
  case Kind::Reduction:
    // The p of an Lp norm; the other algorithms ignore it.
    return dnnl::reduction::primitive_desc(
        {algorithm, source, destination, step.algorithm == Algorithm::ReduceL1 ? 1.f : 2.f, 0}, attr, engine);
  case Kind::Resampling:
    return dnnl::resampling_forward::primitive_desc({inference, algorithm, source, destination}, attr, engine);
  default:
    return dnnl::reorder::primitive_desc(engine, source, engine, destination, attr);
  }
}

} // namespace sinter::onednn
