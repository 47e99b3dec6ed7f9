"""onnx.backend: Sinter behind ONNX's own interface, so that its test runner drives it.

    import onnx.backend.test, sinter.backend
    suite = onnx.backend.test.BackendTest(sinter.backend, __name__)

A model is compiled at its first run, since shapes and what follows from values are known then, and again for other shapes."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

try:
    import onnx.helper
    from onnx.backend.base import Backend, BackendRep
except ImportError as error:
    raise ImportError("sinter.backend needs ONNX's Python package: `pip install onnx`, on Debian `apt-get install python3-onnx`") from error

import sinter

try:
    import ml_dtypes  # what ONNX's package has bf16 and the like from, since 1.19
except ImportError:
    ml_dtypes = None

NEWEST_OPSET = 27
_EXTENSIONS = {"bf16": "bfloat16", "f8e4m3fn": "float8_e4m3fn", "f8e4m3fnuz": "float8_e4m3fnuz", "f8e5m2": "float8_e5m2",
               "f8e5m2fnuz": "float8_e5m2fnuz", "f8e8m0": "float8_e8m0fnu", "f4e2m1": "float4_e2m1fn",
               "i4": "int4", "i2": "int2", "u4": "uint4", "u2": "uint2"}


class _Value:
    """An input or output of the graph: a tensor, a sequence of tensors, or an optional one of either."""

    def __init__(self, info: onnx.ValueInfoProto) -> None:
        kind = info.type
        self.name = info.name
        self.is_optional = kind.HasField("optional_type")
        if self.is_optional:
            kind = kind.optional_type.elem_type
        self.is_sequence = kind.HasField("sequence_type")
        tensor = kind.tensor_type
        self.is_open = (self.is_optional or self.is_sequence or not tensor.HasField("shape") or
                        any(not dim.HasField("dim_value") for dim in tensor.shape.dim))

    def tensors(self, value: Any) -> dict[str, np.ndarray[Any, Any]]:
        """The inputs of a compiled model that hold `value`; none for what is empty."""
        if self.is_optional and value is None:
            return {}
        if not self.is_sequence:
            return {self.name: self._array(value)}
        return {f"{self.name}[{i}]": self._array(element) for i, element in enumerate(value)}

    def value(self, results: Mapping[str, np.ndarray[Any, Any]]) -> Any:
        """What the outputs of a compiled model hold."""
        if not self.is_sequence:
            return results.get(self.name)
        elements = [f"{self.name}[{i}]" for i in range(len(results)) if f"{self.name}[{i}]" in results]
        return None if self.is_optional and not elements else [results[name] for name in elements]

    def _array(self, value: Any) -> np.ndarray[Any, Any]:
        array = np.asarray(value)
        if array.dtype.kind in "OSU":
            raise sinter.Error(sinter.ErrorCode.UNSUPPORTED, f"input '{self.name}' holds strings, which Sinter does not compute with")
        return array


def _typed(array: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    """With the element type that ONNX's package gives where NumPy has none."""
    extension = _EXTENSIONS.get(name)
    return array if ml_dtypes is None or extension is None else array.view(getattr(ml_dtypes, extension))


class SinterRep(BackendRep):  # type: ignore[misc]
    """A prepared model."""

    def __init__(self, model: onnx.ModelProto, options: dict[str, Any]) -> None:
        initial = {tensor.name for tensor in model.graph.initializer}
        self._inputs = [_Value(info) for info in model.graph.input if info.name not in initial]
        self._outputs = [_Value(info) for info in model.graph.output]
        self._content = model.SerializeToString()
        self._options = options
        self._compiled: dict[tuple[Any, ...], sinter.Model] = {}

    def _model(self, values: dict[str, np.ndarray[Any, Any]], empty: tuple[str, ...], open_names: set[str]) -> sinter.Model:
        # Small integers may be shapes, so that they belong to the model.
        key = (empty, *((name, v.shape, v.dtype.str, v.tobytes() if v.dtype.kind in "iub" and v.size <= 64 else b"")
                        for name, v in values.items()))
        if key not in self._compiled:
            shapes = {name: value.shape for name, value in values.items() if name in open_names}
            self._compiled[key] = sinter.compile(self._content, shapes=shapes, values=values, empty=empty,
                                                 **{"open": False, **self._options})
        return self._compiled[key]

    def run(self, inputs: Sequence[Any], **kwargs: Any) -> tuple[Any, ...]:
        """The outputs, in the graph's order: arrays, lists of them for sequences, None for an optional without an element."""
        values: dict[str, np.ndarray[Any, Any]] = {}
        empty: list[str] = []
        open_names: set[str] = set()
        for given, value in zip(self._inputs, inputs):
            tensors = given.tensors(value)
            values.update(tensors)
            if given.is_open:
                open_names.update(tensors)
            if not tensors:
                empty.append(given.name)
        model = self._model(values, tuple(empty), open_names)
        results = model.session().run([values.get(info.name) for info in model.inputs])
        named = {info.name: _typed(result, info.type) for info, result in zip(model.outputs, results)}
        return tuple(output.value(named) for output in self._outputs)


def _element_type(array: np.ndarray[Any, Any]) -> int:
    """ONNX's number of an array's type; the package renamed the function."""
    if hasattr(onnx.helper, "np_dtype_to_tensor_dtype"):
        return int(onnx.helper.np_dtype_to_tensor_dtype(array.dtype))
    return int(onnx.mapping.NP_TYPE_TO_TENSOR_TYPE[array.dtype])


class SinterBackend(Backend):  # type: ignore[misc]
    """See onnx.backend.base.Backend."""

    @classmethod
    def is_compatible(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        return device == "CPU"

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **options: Any) -> SinterRep:
        """`options` are those of sinter.compile. What is unsupported is reported by the first run, as sinter.Error."""
        return SinterRep(model, options)

    @classmethod
    def run_model(cls, model: onnx.ModelProto, inputs: Sequence[Any], device: str = "CPU", **options: Any) -> tuple[Any, ...]:
        return cls.prepare(model, device, **options).run(inputs)

    @classmethod
    def run_node(cls, node: onnx.NodeProto, inputs: Sequence[Any], device: str = "CPU", outputs_info: Any = None,
                 **options: Any) -> tuple[Any, ...]:
        values = [np.asarray(value) for value in inputs]
        given = [onnx.helper.make_tensor_value_info(name, _element_type(value), value.shape)
                 for name, value in zip((name for name in node.input if name), values)]
        results = [onnx.helper.make_empty_tensor_value_info(name) for name in node.output]
        graph = onnx.helper.make_graph([node], "node", given, results)
        # ONNX's package may know newer operators than Sinter reads.
        opset = options.pop("opset_version", min(onnx.defs.onnx_opset_version(), NEWEST_OPSET))
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid(node.domain, opset)])
        return cls.run_model(model, values, device, **options)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device == "CPU"


prepare = SinterBackend.prepare
run_model = SinterBackend.run_model
run_node = SinterBackend.run_node
supports_device = SinterBackend.supports_device
is_compatible = SinterBackend.is_compatible
