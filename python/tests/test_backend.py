"""ONNX's interface for backends, on a few nodes; scripts/onnx_backend_test.py runs ONNX's own suite."""
import numpy as np
import pytest

# A folder `onnx` without Python code, which Debian's libonnx-testdata leaves, counts as a package: ask for a module inside it.
pytest.importorskip("onnx.helper")

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


def sequence_info(name):
    return helper.make_tensor_sequence_value_info(name, TensorProto.FLOAT, None)


def run_sequences(nodes, inputs, outputs, values, opset=17):
    graph = helper.make_graph(nodes, "g", inputs, outputs)
    return sinter.backend.run_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]), values)


def test_sequences():
    x, y, z = (np.full((2, i), i, np.float32) for i in (1, 2, 3))
    insert = helper.make_node("SequenceInsert", ["s", "x"], ["t"])
    tensor = helper.make_tensor_value_info("x", TensorProto.FLOAT, None)
    for sequence in ([y, z], [z], []):
        (result,) = run_sequences([insert], [sequence_info("s"), tensor], [sequence_info("t")], [sequence, x])
        assert isinstance(result, list) and len(result) == len(sequence) + 1
        assert all(np.array_equal(a, b) for a, b in zip(result, [*sequence, x]))
    node = helper.make_node("ConcatFromSequence", ["s"], ["y"], axis=1)
    (joined,) = run_sequences([node], [sequence_info("s")], [tensor_info("y")], [[x, y, z]])
    assert np.array_equal(joined, np.concatenate([x, y, z], axis=1))


def tensor_info(name, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, None)


def test_optionals():
    optional = helper.make_optional_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, None))
    given = helper.make_value_info("o", optional)
    has = helper.make_node("OptionalHasElement", ["o"], ["y"])
    x = np.ones(3, np.float32)
    for value, expected in ((x, True), (None, False)):
        (result,) = run_sequences([has], [given], [tensor_info("y", TensorProto.BOOL)], [value], opset=18)
        assert result == expected
    (result,) = run_sequences([helper.make_node("OptionalGetElement", ["o"], ["y"])], [given], [tensor_info("y")], [x], opset=18)
    assert np.array_equal(result, x)


def test_types_that_numpy_lacks():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.array([[-1, 2], [3, -4]], ml_dtypes.bfloat16)
    (y,) = sinter.backend.run_node(helper.make_node("Relu", ["x"], ["y"]), [x])
    assert y.dtype == x.dtype and np.array_equal(y.astype(np.float32), np.maximum(x.astype(np.float32), 0))
    narrow = np.array([-8, -1, 0, 7], ml_dtypes.int4)
    (wide,) = sinter.backend.run_node(helper.make_node("Cast", ["x"], ["y"], to=TensorProto.INT32), [narrow])
    assert np.array_equal(wide, [-8, -1, 0, 7])


def test_operators_of_onnx_runtime():
    x = np.linspace(-4, 4, 33, dtype=np.float32)
    for attributes, alpha in (({}, 1.702), ({"alpha": 0.5}, 0.5)):
        node = helper.make_node("QuickGelu", ["x"], ["y"], domain="com.microsoft", **attributes)
        graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [33])], [tensor_info("y")])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
        (y,) = sinter.backend.run_model(model, [x])
        assert np.allclose(y, x / (1 + np.exp(-alpha * x.astype(np.float64))), atol=1e-6)


def test_unsupported_operators_are_named():
    graph = helper.make_graph([helper.make_node("NoSuchOperator", ["x"], ["y"])], "g",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    with pytest.raises(sinter.Error, match="NoSuchOperator") as caught:
        sinter.backend.run_model(model, [np.zeros(1, np.float32)])
    assert caught.value.code == sinter.ErrorCode.UNSUPPORTED


def test_devices():
    assert sinter.backend.supports_device("CPU") and not sinter.backend.supports_device("CUDA")
