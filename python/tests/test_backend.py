"""ONNX's interface for backends, on a few nodes; scripts/onnx_backend_test.py runs ONNX's own suite."""
import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

import sinter.backend  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402


def test_node():
    x = np.array([[-1, 2], [3, -4]], np.float32)
    (y,) = sinter.backend.run_node(helper.make_node("Relu", ["x"], ["y"]), [x])
    assert np.array_equal(y, np.maximum(x, 0))


def test_model_with_open_shapes_and_a_shape_as_input():
    graph = helper.make_graph(
        [helper.make_node("Reshape", ["x", "shape"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"]), helper.make_tensor_value_info("shape", TensorProto.INT64, [2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    prepared = sinter.backend.prepare(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]))
    x = np.arange(6, dtype=np.float32)
    for shape in ((2, 3), (3, 2), (-1, 1)):
        (y,) = prepared.run([x, np.array(shape, np.int64)])
        assert np.array_equal(y, x.reshape(shape))


def test_unsupported_operators_are_named():
    graph = helper.make_graph([helper.make_node("NoSuchOperator", ["x"], ["y"])], "g",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])])
    with pytest.raises(sinter.Error, match="NoSuchOperator") as caught:
        sinter.backend.run_model(helper.make_model(graph), [np.zeros(1, np.float32)])
    assert caught.value.code == sinter.ErrorCode.UNSUPPORTED


def test_devices():
    assert sinter.backend.supports_device("CPU") and not sinter.backend.supports_device("CUDA")
