"""Models and sessions. Arrays go to the library as they are: strides and all, without copies."""
from __future__ import annotations

import ctypes
import json
import os
import threading
from collections.abc import Mapping, Sequence
from ctypes import byref, c_int64, c_void_p
from typing import Any, NamedTuple

import numpy as np

from sinter._errors import Error, ErrorCode
from sinter._explanation import Explanation
from sinter._library import KernelInfo, LoadConfig, SessionConfig, Tensor, can_compile, check, fail, lib
from sinter._library import TensorInfo as _TensorInfo
from sinter._words import in_python

# By sinter_type_t. What NumPy has no type for is seen as the bits: bf16 as uint16, floats of 8 and 4 bits as uint8.
_DTYPES = {number: np.dtype(name) for number, name in enumerate(
    ("f4", "f8", "f2", "u2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", *["u1"] * 6, "i1", "i1", "u1", "u1"), 1)}
_NUMBERS = {_DTYPES[number]: number for number in (1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13)}

# The types of ml_dtypes, which has what NumPy lacks, by name.
_EXTENSIONS = {name: number for number, name in enumerate(
    ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu", "float4_e2m1fn",
     "int4", "int2", "uint4", "uint2"), 14)}
_EXTENSIONS["bfloat16"] = 4

Array = Any  # a numpy.ndarray, what numpy.asarray takes, or an object with __dlpack__


class TensorInfo(NamedTuple):
    """An input or output of a model."""

    name: str
    shape: tuple[int, ...] | None
    """-1 where an open model leaves a size open; None where it leaves the rank open."""
    dtype: np.dtype[Any]
    type: str
    """Sinter's name of the element type: "f32", "bf16", ..."""
    has_default: bool


class Kernel(NamedTuple):
    """One unit of work of a run: the nodes it stands for, what it computes, and how much of it."""

    name: str
    ops: str
    backend: str
    flops: float
    bytes: float


def _info(info: _TensorInfo) -> TensorInfo:
    return TensorInfo(info.name.decode(), None if info.rank < 0 else tuple(info.shape[: info.rank]), _DTYPES[info.type],
                      lib.sinter_type_name(info.type).decode(), bool(info.has_default))


def stored(array: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], int]:
    """The array with elements as Sinter has them in memory, and their sinter_type_t, 0 for a type that it does not have."""
    number = _EXTENSIONS.get(array.dtype.name, 0)
    if not number:
        return array, _NUMBERS.get(array.dtype, 0)
    is_narrow = array.dtype.name in ("int4", "int2")  # ml_dtypes keeps no sign above their bits
    return array.astype(np.int8) if is_narrow else array.view(_DTYPES[number]), number


def as_array(value: Array, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Without a copy where there is one already; Python's own numbers and lists take the model's type."""
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "__dlpack__"):
        return np.from_dlpack(value)
    if hasattr(value, "__array__") or isinstance(value, np.generic):
        return np.asarray(value)
    return np.asarray(value, dtype)


def _shape_text(shape: tuple[int, ...] | None) -> str:
    """"2x?x3"; "?" where not even the rank is known."""
    if shape is None:
        return "?"
    return "x".join("?" if size < 0 else str(size) for size in shape) or "scalar"


def integers(values: Sequence[int]) -> ctypes.Array[c_int64]:
    return (c_int64 * max(len(values), 1))(*values)


def _address(pointer: Any) -> int | None:
    """Where it points to."""
    return ctypes.cast(pointer, c_void_p).value


def _copied(tensor: Tensor, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """The library's memory as an array of its own."""
    shape = tuple(tensor.shape[: tensor.rank])
    if 0 in shape:
        return np.empty(shape, dtype)
    strides = tuple(tensor.strides[: tensor.rank])
    extent = sum((size - 1) * stride for size, stride in zip(shape, strides)) + dtype.itemsize
    memory = (ctypes.c_char * extent).from_address(tensor.data)
    return np.ndarray(shape, dtype, memory, strides=strides).copy()


class Session:
    """Scratch memory and threads to run one model with. Serves one thread at a time."""

    def __init__(self, model: Model, threads: int = 0) -> None:
        """`threads`: 0 means as many as this process may use."""
        self._handle = c_void_p()
        self.model = model
        config = SessionConfig(ctypes.sizeof(SessionConfig), threads, None)
        check(lib.sinter_session_create(model._handle, byref(config), byref(self._handle)))
        self._inputs = (Tensor * max(len(model.inputs), 1))()
        self._outputs = (Tensor * max(len(model.outputs), 1))()
        # What stays the same between runs is filled in once; the shapes are kept alive here.
        self._shapes = [integers(info.shape or ()) for info in (*model.inputs, *model.outputs)]

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            lib.sinter_session_free(self._handle)

    @property
    def threads(self) -> int:
        return int(lib.sinter_session_threads(self._handle))

    def run(self, inputs: Sequence[Array | None], out: Sequence[np.ndarray[Any, Any]] | None = None) -> list[np.ndarray[Any, Any]]:
        """One inference on arrays in the model's order; None leaves an input with a default out. Writes into `out`, or into new arrays."""
        model = self.model
        if len(inputs) != len(model.inputs):
            names = ", ".join(info.name for info in model.inputs)
            raise Error(ErrorCode.INVALID_ARGUMENT, f"the model has {len(model.inputs)} inputs ({names}), but was given {len(inputs)}")
        alive: list[Any] = []
        as_listed = not model.is_open
        for tensor, info, shape, number, value in zip(self._inputs, model.inputs, self._shapes, model._input_types, inputs):
            as_listed &= self._bind(tensor, info, shape, number, value, alive)
        if out is None and not as_listed:
            return self._run_unknown(alive)
        results = [np.empty(info.shape or (), info.dtype) for info in model.outputs] if out is None else list(out)
        if len(results) != len(model.outputs):
            raise Error(ErrorCode.INVALID_ARGUMENT, f"the model has {len(model.outputs)} outputs, but `out` has {len(results)} arrays")
        shapes = self._shapes[len(model.inputs):]
        for tensor, info, shape, number, value in zip(self._outputs, model.outputs, shapes, model._output_types, results):
            if not value.flags.writeable:
                raise Error(ErrorCode.INVALID_ARGUMENT, f"the array for output '{info.name}' cannot be written")
            self._bind(tensor, info, shape, number, value, alive)
        given = [_address(tensor.shape) for tensor in self._outputs[: len(results)]]
        error = lib.sinter_session_run(self._handle, self._inputs, len(model.inputs), self._outputs, len(model.outputs))
        if error:
            fail(error)
        for i, (tensor, address) in enumerate(zip(self._outputs, given)):
            # Where only the run says how much there is, the library points to the true shape.
            if _address(tensor.shape) != address:
                results[i] = results[i][tuple(slice(size) for size in tensor.shape[: tensor.rank])]
        return results

    def _run_unknown(self, alive: list[Any]) -> list[np.ndarray[Any, Any]]:
        """At shapes other than the listed ones, of an open model or a library of several: the run says how large the outputs
        are, which lie in the session's memory and are copied from there."""
        model = self.model
        for tensor in self._outputs:
            tensor.data, tensor.rank = None, 0
        check(lib.sinter_session_run(self._handle, self._inputs, len(model.inputs), self._outputs, len(model.outputs)))
        alive.clear()
        return [_copied(tensor, info.dtype) for tensor, info in zip(self._outputs, model.outputs)]

    @staticmethod
    def _bind(tensor: Tensor, info: TensorInfo, shape: ctypes.Array[c_int64], number: int, value: Array | None, alive: list[Any]) -> bool:
        """Whether the array has the listed shape."""
        if value is None:
            tensor.data, tensor.rank = None, 0
            return True
        array = value if type(value) is np.ndarray else as_array(value, info.dtype)
        if type(value) is not np.ndarray:
            alive.append(array)
        if array.dtype == info.dtype:
            tensor.type = number
        else:
            array, tensor.type = stored(array)
            alive.append(array)
        tensor.rank = array.ndim
        as_listed: bool = array.shape == info.shape
        if as_listed:
            tensor.shape = shape
        else:  # open, or wrong: the library says in which way
            alive.append(integers(array.shape))
            tensor.shape = alive[-1]
        if array.flags.c_contiguous:
            tensor.strides = None
        else:
            strides = integers(array.strides)
            alive.append(strides)
            tensor.strides = strides
        tensor.data = array.__array_interface__["data"][0]
        return as_listed


class Model:
    """A compiled model. Several threads may call it at once: each gets a session of its own."""

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    is_open: bool
    """Whether it is compiled for the shapes that runs bring; specialise() gives a model for one of them."""

    def __init__(self, handle: c_void_p, threads: int = 0) -> None:
        """Use sinter.compile or Model.load."""
        self._handle = handle
        self._threads = threads
        self._local = threading.local()
        inputs = [lib.sinter_model_input(handle, i)[0] for i in range(lib.sinter_model_input_count(handle))]
        outputs = [lib.sinter_model_output(handle, i)[0] for i in range(lib.sinter_model_output_count(handle))]
        self.inputs, self.outputs = tuple(map(_info, inputs)), tuple(map(_info, outputs))
        self._input_types, self._output_types = [i.type for i in inputs], [o.type for o in outputs]
        self.is_open = bool(lib.sinter_model_is_open(handle))

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            lib.sinter_model_free(self._handle)

    @staticmethod
    def load(source: str | os.PathLike[str] | bytes, threads: int = 0, check_weights: bool = False) -> Model:
        """A compiled .so, by path or content. Damage is found before any code of the file's is mapped, that of the
        weights where `check_weights` says so: all of them are read. Running a model runs code of the file's: load only what
        you trust."""
        handle = c_void_p()
        config = LoadConfig(struct_size=ctypes.sizeof(LoadConfig), check_weights=int(check_weights))
        if isinstance(source, bytes):
            check(lib.sinter_model_load_memory_with(source, len(source), byref(config), byref(handle)))
        else:
            check(lib.sinter_model_load_with(os.fsencode(source), byref(config), byref(handle)))
        return Model(handle, threads)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a model that was compiled in this process as a shared library for Model.load, `sinter run` and C programs."""
        if not can_compile:
            raise Error(ErrorCode.UNSUPPORTED, "saving needs libsinter; only libsinter-runtime is installed")
        check(lib.sinter_model_save(self._handle, os.fsencode(path)))

    @property
    def name(self) -> str:
        """The graph's name."""
        return str(lib.sinter_model_name(self._handle).decode(errors="replace"))

    @property
    def target(self) -> str:
        """What it was compiled for."""
        return str(lib.sinter_model_target(self._handle).decode())

    @property
    def kernels(self) -> list[Kernel]:
        """The units of work of a run."""
        infos: list[KernelInfo] = [lib.sinter_model_kernel(self._handle, i)[0] for i in range(lib.sinter_model_kernel_count(self._handle))]
        return [Kernel(i.name.decode(), i.ops.decode(), i.backend.decode(), i.flops, i.bytes) for i in infos]

    def explain(self) -> Explanation:
        """What became of every BatchNorm and activation, and why."""
        text = lib.sinter_model_explanation(self._handle)
        return Explanation(in_python(json.loads(text)) if text else {})

    def check_weights(self) -> None:
        """Reads all weights and compares their checksum."""
        check(lib.sinter_model_check_weights(self._handle))

    def specialise(self, **shapes: Sequence[int] | Array) -> Model:
        """The model for the shapes of its inputs, by name: a tuple of sizes, or an array where shapes follow from its values.
        Compiled now, so that the first run need not wait; has kernels and an explanation, and can be saved."""
        tensors = (Tensor * max(len(self.inputs), 1))()
        alive: list[Any] = []
        for tensor, info, number in zip(tensors, self.inputs, self._input_types):
            value = shapes.pop(info.name, None)
            if value is None and not info.has_default:
                raise Error(ErrorCode.INVALID_ARGUMENT, f"the shape of input '{info.name}' is missing")
            if value is None:
                continue
            if isinstance(value, (tuple, list)):
                alive.append(integers(value))
                tensor.shape, tensor.rank, tensor.type = alive[-1], len(value), number
            else:
                Session._bind(tensor, info, integers(info.shape or ()), number, value, alive)
                alive.append((value, tensor.shape))
        if shapes:
            raise Error(ErrorCode.INVALID_ARGUMENT, f"the model has no input '{next(iter(shapes))}'; its inputs are: "
                                                    f"{', '.join(i.name for i in self.inputs)}")
        handle = c_void_p()
        check(lib.sinter_model_specialise(self._handle, tensors, len(self.inputs), byref(handle)))
        return Model(handle, self._threads)

    def session(self, threads: int = 0) -> Session:
        """A session of the caller's own, with as many threads."""
        return Session(self, threads or self._threads)

    def _session(self) -> Session:
        session: Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = Session(self, self._threads)
        return session

    def __call__(self, *args: Array, out: Any = None, **kwargs: Array) -> Any:
        """One inference. Inputs by position or by name; gives the output, or a tuple where there are several. `out`: an array,
        or a tuple of them, to write into."""
        values: list[Array | None] = list(args)
        if kwargs or len(values) < len(self.inputs):
            values += [None] * (len(self.inputs) - len(values))
            names = {info.name: i for i, info in enumerate(self.inputs)}
            for name, value in kwargs.items():
                if name not in names:
                    raise Error(ErrorCode.INVALID_ARGUMENT, f"the model has no input '{name}'; its inputs are: {', '.join(names)}")
                if names[name] < len(args):
                    raise Error(ErrorCode.INVALID_ARGUMENT, f"input '{name}' is given twice")
                values[names[name]] = value
        targets = out if out is None or isinstance(out, (tuple, list)) else (out,)
        results = self._session().run(values, targets)
        return results[0] if len(results) == 1 else tuple(results)

    def run(self, inputs: Mapping[str, Array]) -> dict[str, np.ndarray[Any, Any]]:
        """The same with names for inputs that are no identifiers, and for the outputs."""
        results = self(**inputs)
        return dict(zip((info.name for info in self.outputs), (results,) if len(self.outputs) == 1 else results))

    def __repr__(self) -> str:
        def listed(infos: tuple[TensorInfo, ...]) -> str:
            return ", ".join(f"{i.name}: {i.type} {_shape_text(i.shape)}" for i in infos)

        return f"<sinter.Model '{self.name}' ({listed(self.inputs)}) -> ({listed(self.outputs)}) for {self.target}>"
