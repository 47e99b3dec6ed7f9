#!/usr/bin/env python3
"""Writes the cases beside it: operators of ONNX Runtime's own domain, com.microsoft, with the outputs that ONNX Runtime computes.
Those of f16 are computed in f64, since ONNX Runtime rounds to f16 after each step.
usage: make.py   (needs onnx, onnxruntime; outputs were recorded with onnxruntime 1.30.0)"""
import os
import shutil

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

HERE = os.path.dirname(os.path.abspath(__file__))
F16, F32, F64 = np.float16, np.float32, np.float64
nan, inf = np.nan, np.inf


def normal(*shape, seed=1, kind=F32, scale=1.0):
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(kind)


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
}


def kind_of(array):
    return helper.np_dtype_to_tensor_dtype(array.dtype)


def write(path, name, array):
    with open(path, "wb") as file:
        file.write(numpy_helper.from_array(array, name).SerializeToString())


def model_of(name, operator, attributes, inputs, outputs):
    """The model, its inputs and the outputs that are asked for."""
    names = [f"x{i}" if isinstance(x, np.ndarray) else "" for i, x in enumerate(inputs)]
    given = {n: x for n, x in zip(names, inputs) if n}
    asked = [o for o in outputs.split(",") if o]
    node = helper.make_node(operator, names, outputs.split(","), name=operator.lower(), domain="com.microsoft", **attributes)
    first = next(iter(given.values()))
    graph = helper.make_graph([node], name, [helper.make_tensor_value_info(n, kind_of(x), x.shape) for n, x in given.items()],
                              [helper.make_tensor_value_info(o, kind_of(first), None) for o in asked])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="sinter"), given, asked


def computed(model, given, asked):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(asked, given)


def make(name, operator, attributes, inputs, outputs):
    model, given, asked = model_of(name, operator, attributes, inputs, outputs)
    if any(x.dtype == F16 for x in given.values()):
        wide = [x.astype(F64) if isinstance(x, np.ndarray) else x for x in inputs]
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


if __name__ == "__main__":
    for name, case in CASES.items():
        make(name, *case)
