#!/usr/bin/env python3
"""Writes the cases beside it: operators of ONNX Runtime's own domain, com.microsoft, with the outputs that ONNX Runtime computes.
Those of f16 are computed in f64 (f32 where an operator has no f64), since ONNX Runtime rounds to f16 after each step. The folder refused
has models that no runtime should take, and expected.tsv with the words of Sinter's error; tests/cli/OddModelTest.cpp reads both. The
cases ms_* are from elsewhere: their outputs are numpy's, by the operator's document.
usage: make.py [NAME...]   (all without names; needs onnx, onnxruntime; outputs were recorded with onnxruntime 1.30.0, those of
MatMulNBits with 1.32.0)"""
import os
import shutil
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
F16, F32, F64 = np.float16, np.float32, np.float64
nan, inf = np.nan, np.inf


def normal(*shape, seed=1, kind=F32, scale=1.0):
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(kind)


class Constant:
    """An input that is an initializer."""

    def __init__(self, array):
        self.array = array


def raw(*shape, seed=1):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def few_bits(a, n, block, bits, zeros="", groups="", bias="", constant=True, flat=False, **attributes):
    """A case of MatMulNBits: a times [n, K] weights of few bits. `zeros` is "bytes", "floats" or "" for none."""
    k, kind, given = a.shape[-1], a.dtype, Constant if constant else lambda x: x
    blocks = -(-k // block)
    shaped = (lambda x: x.reshape(-1)) if flat else (lambda x: x)
    points = {"": "", "bytes": raw(n, -(-blocks * bits // 8), seed=3),
              "floats": 2**bits * np.abs(normal(n, blocks, seed=4, kind=kind))}[zeros]
    inputs = [a, given(raw(n, blocks, block * bits // 8)), given(shaped(normal(n, blocks, seed=2, kind=kind, scale=2.0**-bits))),
              given(shaped(points)) if zeros else "", given(groups) if isinstance(groups, np.ndarray) else "",
              given(bias) if isinstance(bias, np.ndarray) else ""]
    while isinstance(inputs[-1], str):
        inputs.pop()
    return "MatMulNBits", {"K": k, "N": n, "bits": bits, "block_size": block, **attributes}, inputs, "y"


def solvable(*shape, seed=1, kind=F32):
    """Matrices with an inverse of moderate size, whose first pivots are 0."""
    m = normal(*shape, seed=seed, kind=F64) + 3 * np.roll(np.eye(shape[-1]), 1, axis=0)
    m[..., 0, 0] = 0
    return m.astype(kind)


WIDE = np.array([[nan, inf, -inf, 0, -0.0, 40, -40, 1e-30], [-1, 1, 3e38, -3e38, 0.5, -0.5, 9, -9]], F32)
SMALL = np.full((1, 2, 4), 3, F32)  # a variance of 0: epsilon counts
SMALL[0, 1] += np.array([0, 1e-4, 0, -1e-4], F32)

# name: operator, attributes, inputs ("" is absent), outputs that are asked for
CASES = {
    "gelu": ("Gelu", {}, [WIDE], "y"),
    "bias_gelu": ("BiasGelu", {}, [normal(2, 3, 8), normal(8, seed=2)], "y"),
    "bias_gelu_wide": ("BiasGelu", {}, [WIDE, normal(8, seed=3)], "y"),
    "fast_gelu": ("FastGelu", {}, [normal(2, 3, 8, scale=3.0)], "y"),
    "fast_gelu_bias": ("FastGelu", {}, [normal(4, 8), normal(8, seed=2)], "y"),
    "fast_gelu_empty": ("FastGelu", {}, [normal(0, 8), normal(8, seed=2)], "y"),
    "skip_layer_norm": ("SkipLayerNormalization", {},
                        [normal(2, 3, 8), normal(2, 3, 8, seed=2), normal(8, seed=3), normal(8, seed=4)], "y"),
    "skip_layer_norm_default_epsilon": ("SkipLayerNormalization", {}, [SMALL, 0 * SMALL, normal(4, seed=3)], "y"),
    "skip_layer_norm_bias_sum": ("SkipLayerNormalization", {"epsilon": 1e-5},
                                 [normal(2, 3, 8), normal(2, 3, 8, seed=2), normal(8, seed=3), normal(8, seed=4), normal(8, seed=5)],
                                 "y,,,sum"),
    "skip_layer_norm_broadcast": ("SkipLayerNormalization", {"epsilon": 1e-5},
                                  [normal(2, 3, 8), normal(1, 3, 8, seed=2), normal(8, seed=3), "", normal(8, seed=5)], "y"),
    "skip_rms_norm": ("SkipSimplifiedLayerNormalization", {"epsilon": 1e-6},
                      [normal(2, 3, 8), normal(3, 8, seed=2), normal(8, seed=3), normal(8, seed=4)], "y,,,sum"),
    "fused_matmul": ("FusedMatMul", {"alpha": 0.125, "transB": 1}, [normal(2, 3, 5), normal(2, 4, 5, seed=2)], "y"),
    "fused_matmul_batch": ("FusedMatMul", {"transA": 1, "transBatchA": 1}, [normal(3, 2, 4, 5), normal(2, 4, 3, 6, seed=2)], "y"),
    "fused_matmul_batch_both": ("FusedMatMul", {"transBatchA": 1, "transBatchB": 1, "transB": 1, "alpha": -2.0},
                                [normal(3, 2, 5), normal(6, 2, 5, seed=2)], "y"),
    "fused_matmul_vector": ("FusedMatMul", {"transA": 1, "transB": 1}, [normal(5), normal(4, 5, seed=2)], "y"),
    "inverse": ("Inverse", {}, [solvable(2, 3, 4, 4)], "y"),
    "inverse_one": ("Inverse", {}, [np.array([[-4]], F32)], "y"),
    "inverse_many_rows": ("Inverse", {}, [solvable(37, 37, seed=2)], "y"),
    "inverse_f64": ("Inverse", {}, [solvable(3, 9, 9, seed=3, kind=F64)], "y"),
    "inverse_f16": ("Inverse", {}, [solvable(2, 5, 5, seed=4, kind=F16)], "y"),
    "inverse_small_pivot": ("Inverse", {}, [np.array([[1e-8, 1], [1, 1]], F32)], "y"),  # wrong where rows do not change places
    "mat_mul_2_bits": few_bits(normal(2, 3, 64), 5, 16, 2),
    "mat_mul_2_bits_zeros": few_bits(normal(7, 80), 5, 16, 2, zeros="bytes"),  # five zero points in two bytes
    "mat_mul_4_bits_rest": few_bits(normal(3, 40), 6, 32, 4, zeros="bytes", flat=True),  # a block that is filled up
    "mat_mul_4_bits_floats": few_bits(normal(1, 2, 2, 64), 8, 32, 4, zeros="floats", bias=normal(8, seed=5)),
    "mat_mul_4_bits_computed": few_bits(normal(3, 96), 4, 32, 4, zeros="bytes", bias=normal(4, seed=5), constant=False),
    "mat_mul_4_bits_vector": few_bits(normal(48), 3, 16, 4),
    # ONNX Runtime ignores zero points here.
    "mat_mul_4_bits_groups": few_bits(normal(2, 64), 3, 16, 4, groups=(raw(64, seed=6) % 4).astype(np.int32)),
    "mat_mul_4_bits_f16": few_bits(normal(3, 128, kind=F16), 7, 64, 4, zeros="bytes", bias=normal(7, seed=5, kind=F16)),
    "mat_mul_4_bits_level": few_bits(normal(2, 64), 4, 32, 4, accuracy_level=1),
    "mat_mul_4_bits_empty": few_bits(normal(0, 64), 4, 32, 4),
    "mat_mul_8_bits": few_bits(normal(4, 300), 9, 256, 8, zeros="bytes"),
    "mat_mul_8_bits_none": few_bits(normal(4, 70), 9, 32, 8, flat=True),
    "mat_mul_8_bits_f16": few_bits(normal(2, 2, 48, kind=F16), 4, 16, 8, zeros="bytes"),
}

BLOCKS = {"K": 64, "N": 3, "bits": 4, "block_size": 16}
U8, I32 = np.uint8, np.int32


def blocks_of(*inputs, a=(2, 64), b=(3, 4, 8), scales=(3, 4), **attributes):
    """A MatMulNBits with sizes that do not fit. An attribute of None is left out."""
    given = {**BLOCKS, **attributes}
    parts = [x if isinstance(x, (np.ndarray, Constant, str)) else np.ones(x, F32) for x in (a, b, scales)]
    parts[1] = parts[1].astype(U8)
    return "MatMulNBits", {k: v for k, v in given.items() if v is not None}, [*parts, *inputs], "y"


def ones(*shapes):
    return [np.ones(shape, F32) for shape in shapes]


# name: operator, attributes, inputs, outputs, and what the error says beside the node's name
REFUSED = {
    "bias_gelu_bias": (*("BiasGelu", {}, ones((2, 4), (2,)), "y"), "one value per element"),
    "fast_gelu_bias": (*("FastGelu", {}, ones((2, 4), (2, 4)), "y"), "one value per element"),
    "skip_layer_norm_batches": (*("SkipLayerNormalization", {}, ones((1, 3, 4), (2, 3, 4), (4,)), "y"), "skip or bias"),
    "skip_layer_norm_mean": (*("SkipLayerNormalization", {}, ones((3, 4), (3, 4), (4,)), "y,mean"), "leave them out"),
    "skip_rms_norm_bias": (*("SkipSimplifiedLayerNormalization", {}, ones((3, 4), (3, 4), (4,), (2, 3, 4)), "y"), "skip or bias"),
    "fused_matmul_inner": (*("FusedMatMul", {}, ones((2, 3), (2, 3)), "y"), "2x3"),
    "inverse_oblong": (*("Inverse", {}, ones((2, 3)), "y"), "square"),
    "inverse_vector": (*("Inverse", {}, ones((3,)), "y"), "matrices"),
    "mat_mul_n_bits_3": (*blocks_of(bits=3), "has weights of 3 bits; quantise to 2, 4 or 8"),
    "mat_mul_n_bits_negative": (*blocks_of(bits=-4), "has weights of -4 bits"),
    "mat_mul_n_bits_block_0": (*blocks_of(block_size=0), "has a block_size of 0; quantise with a power of two from 16 on"),
    "mat_mul_n_bits_block_8": (*blocks_of(block_size=8), "has a block_size of 8"),
    "mat_mul_n_bits_block_24": (*blocks_of(block_size=24), "has a block_size of 24"),
    "mat_mul_n_bits_block_least": (*blocks_of(block_size=-(2**63)), "has a block_size of -9223372036854775808"),
    "mat_mul_n_bits_k_0": (*blocks_of(K=0), "has no weights, as K is 0 and N is 3"),
    "mat_mul_n_bits_k_least": (*blocks_of(K=-(2**63)), "has no weights"),
    "mat_mul_n_bits_n_0": (*blocks_of(N=0), "has no weights"),
    "mat_mul_n_bits_huge": (*blocks_of(K=2**63 - 1, N=2**63 - 1, block_size=2**62, bits=8), "has more weights than memory holds"),
    "mat_mul_n_bits_huge_k": (*blocks_of(K=2**62), "has more weights than memory holds"),
    "mat_mul_n_bits_no_k": (*blocks_of(K=None), "has no attribute K"),
    "mat_mul_n_bits_no_block_size": (*blocks_of(block_size=None), "has no attribute block_size"),
    "mat_mul_n_bits_prepacked": (*blocks_of(weight_prepacked=1), "export with weight_prepacked 0"),
    "mat_mul_n_bits_a": (*blocks_of(a=(2, 65)), "multiplies rows of K 64, and A is f32[2x65]"),
    "mat_mul_n_bits_a_scalar": (*blocks_of(a=()), "multiplies rows of K 64"),
    "mat_mul_n_bits_b": (*blocks_of(b=(3, 32)), "has B of u8[3x32] where K 64, N 3, block_size 16 and 4 bits need 3x4x8"),
    "mat_mul_n_bits_scales": (*blocks_of(scales=(3, 5)), "has scales of f32[3x5]"),
    "mat_mul_n_bits_scales_f16": (*blocks_of(scales=np.ones((3, 4), F16)), "of A's type, f32, and has f16"),
    "mat_mul_n_bits_zeros": (*blocks_of(np.ones((3, 4), U8)), "has zero_points of u8[3x4]"),
    "mat_mul_n_bits_zeros_f16": (*blocks_of(np.ones((3, 4), F16)), "of A's type, f32, and has f16"),
    "mat_mul_n_bits_bias": (*blocks_of("", "", np.ones(4, F32)), "has bias of f32[4]"),
    "mat_mul_n_bits_groups": (*blocks_of("", Constant(np.full(64, 4, I32))), "has 4 in g_idx, which names blocks from 0 to 3"),
    "mat_mul_n_bits_groups_short": (*blocks_of("", Constant(np.zeros(63, I32))), "has g_idx of i32[63]"),
    "mat_mul_n_bits_groups_computed": (*blocks_of("", np.zeros(64, I32)), "needs a constant g_idx: make it an initializer"),
}


def kind_of(array):
    return helper.np_dtype_to_tensor_dtype(array.dtype)


def write(path, name, array):
    with open(path, "wb") as file:
        file.write(numpy_helper.from_array(array, name).SerializeToString())


def model_of(name, operator, attributes, inputs, outputs):
    """The model, its inputs and the outputs that are asked for."""
    names = [f"x{i}" if not isinstance(x, str) else "" for i, x in enumerate(inputs)]
    given = {n: x for n, x in zip(names, inputs) if isinstance(x, np.ndarray)}
    constants = [numpy_helper.from_array(x.array, n) for n, x in zip(names, inputs) if isinstance(x, Constant)]
    asked = [o for o in outputs.split(",") if o]
    node = helper.make_node(operator, names, outputs.split(","), name=operator.lower(), domain="com.microsoft", **attributes)
    first = next(iter(given.values()))
    graph = helper.make_graph([node], name, [helper.make_tensor_value_info(n, kind_of(x), x.shape) for n, x in given.items()],
                              [helper.make_tensor_value_info(o, kind_of(first), None) for o in asked], constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="sinter"), given, asked


def computed(model, given, asked):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(asked, given)


def widened(value, kind):
    if isinstance(value, Constant):
        return Constant(widened(value.array, kind))
    return value.astype(kind) if isinstance(value, np.ndarray) and value.dtype == F16 else value


def make(name, operator, attributes, inputs, outputs):
    model, given, asked = model_of(name, operator, attributes, inputs, outputs)
    if any(x.dtype == F16 for x in given.values()):
        wide = [widened(x, F32 if operator == "MatMulNBits" else F64) for x in inputs]
        results = [y.astype(F16) for y in computed(*model_of(name, operator, attributes, wide, outputs))]
    else:
        results = computed(model, given, asked)
    for value, result in zip(model.graph.output, results):
        value.CopyFrom(helper.make_tensor_value_info(value.name, kind_of(result), result.shape))
    folder = os.path.join(HERE, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(folder, "test_data_set_0"))
    onnx.save(model, os.path.join(folder, "model.onnx"))
    for kind, arrays in (("input", given), ("output", dict(zip(asked, results)))):
        for i, (n, array) in enumerate(arrays.items()):
            write(os.path.join(folder, "test_data_set_0", f"{kind}_{i}.pb"), n, array)


def refuse(cases):
    """Writes models by name, and what their errors say: a line is a file, a node, its operator and a cause."""
    folder = os.path.join(HERE, "refused")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    with open(os.path.join(folder, "expected.tsv"), "w") as expected:
        for name, (*case, cause) in cases.items():
            model, _, _ = model_of(name, *case)
            model.graph.node[0].name = "bad"
            onnx.save(model, os.path.join(folder, f"{name}.onnx"))
            expected.write(f"{name}\t'bad'\tcom.microsoft.{case[0]}\t{cause}\n")


if __name__ == "__main__":
    for name, case in CASES.items():
        if len(sys.argv) < 2 or name in sys.argv[1:]:
            make(name, *case)
    refuse(REFUSED)
