"""onnx.backend: Sinter behind ONNX's own interface, so that its test runner drives it.

    import onnx.backend.test, sinter.backend
    suite = onnx.backend.test.BackendTest(sinter.backend, __name__)

A model is compiled at its first run, since shapes and what follows from values are known then, and again for other shapes."""
from __future__ import annotations

from typing import Any, Sequence

import numpy as np
import onnx
from onnx.backend.base import Backend, BackendRep

import sinter


class SinterRep(BackendRep):  # type: ignore[misc]
    """A prepared model."""

    def __init__(self, model: onnx.ModelProto, options: dict[str, Any]) -> None:
        initial = {tensor.name for tensor in model.graph.initializer}
        given = [info for info in model.graph.input if info.name not in initial]
        self._names = [info.name for info in given]
        self._open = {info.name for info in given if any(not dim.HasField("dim_value") for dim in info.type.tensor_type.shape.dim)}
        self._content = model.SerializeToString()
        self._options = options
        self._compiled: dict[tuple[Any, ...], sinter.Model] = {}

    def _model(self, values: dict[str, np.ndarray[Any, Any]]) -> sinter.Model:
        # Small integers may be shapes, so that they belong to the model.
        key = tuple((name, v.shape, v.dtype.str, v.tobytes() if v.dtype.kind in "iub" and v.size <= 64 else b"") for name, v in values.items())
        if key not in self._compiled:
            shapes = {name: value.shape for name, value in values.items() if name in self._open}
            self._compiled[key] = sinter.compile(self._content, shapes=shapes, values=values, **self._options)
        return self._compiled[key]

    @staticmethod
    def _tensor(name: str, value: Any) -> np.ndarray[Any, Any]:
        if value is None or isinstance(value, (list, tuple)):
            raise sinter.Error(sinter.ErrorCode.UNSUPPORTED, f"input '{name}' is a sequence or an optional, which this interface does not take yet")
        array = np.asarray(value)
        if array.dtype.kind in "OSU":
            raise sinter.Error(sinter.ErrorCode.UNSUPPORTED, f"input '{name}' holds strings, which Sinter does not compute with")
        return array

    def run(self, inputs: Sequence[Any], **kwargs: Any) -> tuple[np.ndarray[Any, Any], ...]:
        """The outputs, in the graph's order."""
        values = {name: self._tensor(name, value) for name, value in zip(self._names, inputs)}
        model = self._model(values)
        results = model.session().run([values.get(info.name) for info in model.inputs])
        return tuple(results)


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
    def run_model(cls, model: onnx.ModelProto, inputs: Sequence[Any], device: str = "CPU", **options: Any) -> tuple[np.ndarray[Any, Any], ...]:
        return cls.prepare(model, device, **options).run(inputs)

    @classmethod
    def run_node(cls, node: onnx.NodeProto, inputs: Sequence[Any], device: str = "CPU", outputs_info: Any = None,
                 **options: Any) -> tuple[np.ndarray[Any, Any], ...]:
        values = [np.asarray(value) for value in inputs]
        given = [onnx.helper.make_tensor_value_info(name, onnx.mapping.NP_TYPE_TO_TENSOR_TYPE[value.dtype], value.shape)
                 for name, value in zip((name for name in node.input if name), values)]
        results = [onnx.helper.make_empty_tensor_value_info(name) for name in node.output]
        graph = onnx.helper.make_graph([node], "node", given, results)
        return cls.run_model(onnx.helper.make_model(graph), values, device, **options)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device == "CPU"


prepare = SinterBackend.prepare
run_model = SinterBackend.run_model
run_node = SinterBackend.run_node
supports_device = SinterBackend.supports_device
is_compatible = SinterBackend.is_compatible
