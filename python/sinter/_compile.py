"""Compiling, which needs libsinter: into a model, into a file, and the explanation alone."""
from __future__ import annotations

import ctypes
import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from ctypes import byref, c_void_p
from typing import Any, Callable, NamedTuple

import numpy as np

from sinter._errors import Error, ErrorCode
from sinter._explanation import Explanation
from sinter._library import Progress, Tensor, Warned, can_compile, check, lib
from sinter._model import Array, Model, as_array, integers, stored
from sinter._words import ARGUMENTS, in_python, keyword, say


class Option(NamedTuple):
    """An option of sinter.compile."""

    name: str
    """The keyword argument: "target_cpu"."""
    values: str
    """The form of a value, as text: "auto|llvm|onednn|reference"."""
    help: str


def _table() -> Iterator[tuple[str, str, str]]:
    """Name, form of a value and help of each option that the library has."""
    for index in range(lib.sinter_option_count() if can_compile else 0):
        info = lib.sinter_option(index)[0]
        yield info.name.decode(), info.values.decode(), info.help.decode()


def options() -> list[Option]:
    """What sinter.compile, compile_to_file and explain take as keyword arguments; none where only libsinter-runtime is installed."""
    return [Option(keyword(name), values, say(text)) for name, values, text in _table()]


class _Options:
    """sinter_options_t, alive while a compilation needs it."""

    def __init__(self) -> None:
        self.handle = c_void_p()
        if not can_compile:
            raise Error(ErrorCode.UNSUPPORTED, "compiling needs libsinter; only libsinter-runtime is installed")
        self.alive: list[Any] = []
        self.raised: BaseException | None = None
        self.warned: list[str] = []
        check(lib.sinter_options_create(byref(self.handle)))
        self.alive.append(Warned(lambda _context, message: self.warned.append(say(message.decode(errors="replace")))))
        check(lib.sinter_options_set_warning(self.handle, self.alive[-1], None))

    def __del__(self) -> None:
        if self.handle:
            lib.sinter_options_free(self.handle)

    def set(self, name: str, value: Any) -> None:
        """One option by its keyword."""
        setters: dict[str, Callable[[Any], None]] = {
            "shapes": self._set_shapes, "dims": self._set_dims, "input_ranges": self._set_ranges, "values": self._set_values,
            "empty": self._set_empty, "limits": self._set_limits, "shape_sets": self._set_shape_sets}
        if name in setters:
            setters[name](value)
        elif name.startswith("limit_") or any(name == keyword(known) for known, _, _ in _table() if known not in ARGUMENTS):
            for one in value if isinstance(value, (list, tuple)) else (value,):
                self._set_text(name.replace("_", "-"), ("false", "true")[one] if isinstance(one, bool) else str(one))
        else:
            raise Error(ErrorCode.INVALID_ARGUMENT, f"there is no option '{name}'; sinter.options() lists them")

    def _set_text(self, name: str, text: str) -> None:
        check(lib.sinter_options_set(self.handle, name.encode(), text.encode()))

    def _set_shapes(self, shapes: Mapping[str, Sequence[int]]) -> None:
        for name, shape in shapes.items():
            check(lib.sinter_options_set_shape(self.handle, name.encode(), integers(shape), len(shape)))

    def _set_dims(self, dims: Mapping[str, int | str | range]) -> None:
        for name, size in dims.items():
            if isinstance(size, range):
                if size.step < 1 or not size:
                    raise Error(ErrorCode.INVALID_ARGUMENT, f"dims: the sizes of '{name}' must ascend, and {size} does not or is empty")
                size = f"{size[0]}..{size[-1]}:{size.step}"
            if isinstance(size, str):
                self._set_text("dim", f"{name}={size}")
            else:
                check(lib.sinter_options_set_dimension(self.handle, name.encode(), size))

    def _set_ranges(self, ranges: Mapping[str, tuple[float, float]]) -> None:
        for name, (low, high) in ranges.items():
            check(lib.sinter_options_set_input_range(self.handle, name.encode(), low, high))

    def _set_empty(self, names: Sequence[str]) -> None:
        for name in names:
            check(lib.sinter_options_set_empty(self.handle, name.encode()))

    def _set_limits(self, limits: Mapping[str, int]) -> None:
        for name, most in limits.items():
            self._set_text("limit", f"{name}={most}")

    def _set_shape_sets(self, sets: Sequence[Mapping[str, Sequence[int]]]) -> None:
        for shapes in sets:
            sizes = {name: (shape,) if isinstance(shape, int) else shape for name, shape in shapes.items()}
            self._set_text("shapes", ",".join(f"{name}={'x'.join(map(str, shape)) or 'scalar'}" for name, shape in sizes.items()))

    def _set_values(self, values: Mapping[str, Array]) -> None:
        for name, value in values.items():
            array = as_array(value, np.dtype("f4"))
            shape, rank = integers(array.shape), array.ndim
            array, number = stored(np.ascontiguousarray(array))
            tensor = Tensor(array.__array_interface__["data"][0], shape, None, rank, number)
            check(lib.sinter_options_set_value(self.handle, name.encode(), byref(tensor)))

    def set_progress(self, callback: Callable[[str, float], Any]) -> None:
        def call(_context: Any, stage: bytes, fraction: float) -> int:
            try:
                return int(callback(stage.decode(), fraction) is False)
            except BaseException as exception:  # it comes out of compile()
                self.raised = exception
                return 1

        self.alive.append(Progress(call))
        check(lib.sinter_options_set_progress(self.handle, self.alive[-1], None))

    def finish(self, error: int | None) -> None:
        """Raises what a compilation returned, or warns of what was odd."""
        if error and self.raised:
            lib.sinter_error_free(error)
            raise self.raised
        check(error)
        for message in self.warned:
            warnings.warn(message, stacklevel=3)


def _given(progress: Callable[[str, float], Any] | None, named: Mapping[str, Any], other: Mapping[str, Any]) -> _Options:
    given = _Options()
    for name, value in {**named, **other}.items():
        if value is not None:
            given.set(name, value)
    if progress:
        given.set_progress(progress)
    return given


def compile(model: Any, shapes: Mapping[str, Sequence[int]] | None = None, dims: Mapping[str, int | str | range] | None = None,
            input_ranges: Mapping[str, tuple[float, float]] | None = None, values: Mapping[str, Array] | None = None,
            empty: Sequence[str] = (), threads: int = 0, progress: Callable[[str, float], Any] | None = None, **options: Any) -> Model:
    """Compiles a model for this process.

    model: a path to .onnx (or .mlir of the nn stage), the content of an .onnx file, or an onnx.ModelProto.
    shapes: of inputs that the model leaves open; dims: sizes of dimensions that it leaves open, by name ("x.0" where they have
    none), or the sizes that they may have, {"height": range(32, 4097, 32)} or {"height": "32..4096:32"}. Where some stay open, the model is
    compiled for the shapes that runs bring, each at its first run (Model.specialise does so ahead, and so does
    shape_sets=[{"x": (1, 3)}, {"x": (2, 3)}]), and the last shape_cache=16 of them are kept. open=False refuses such models,
    open=True treats every model so: shapes may follow from the values of inputs then.
    input_ranges: (low, high) of inputs that are finite and within.
    values: what inputs will hold, for shapes that follow from them; such an input is no input of the compiled model.
    empty: inputs that are sequences of no elements, or optionals without one. A sequence "s" of two has the inputs "s[0]" and
    "s[1]", whose shapes say how many there are.
    threads: to run with; 0 means as many as this process may use.
    progress: called with a stage and the part that is done; returning False cancels.
    options: those of `sinter compile`, with underscores, which sinter.options() lists: target_cpu="x86-64-v3",
    backend="llvm", math="strict", optimise=False, limits={"ops": 100000}, ...; isolate=True has a process of its own compile,
    so that this one survives where LLVM aborts for lack of memory (isolate_memory bounds it, in bytes).

    Raises sinter.Error. What is odd but no error is a Python warning.
    """
    given = _given(progress, {"shapes": shapes, "dims": dims, "input_ranges": input_ranges, "values": values, "empty": empty}, options)
    content = model.SerializeToString() if hasattr(model, "SerializeToString") else model
    handle = c_void_p()
    if isinstance(content, bytes):
        error = lib.sinter_compile_memory(content, len(content), 0, None, given.handle, byref(handle))
    else:
        error = lib.sinter_compile(os.fsencode(content), given.handle, byref(handle))
    given.finish(error)
    return Model(handle, threads)


def compile_to_file(model: str | os.PathLike[str], output: str | os.PathLike[str], emit: str = "so",
                    progress: Callable[[str, float], Any] | None = None, **options: Any) -> None:
    """Compiles the model file to a file, as `sinter compile` does: `emit` is "so", "obj" (with a header beside it), "llvm", "asm"
    or "mlir". The options are those of sinter.compile; shape_sets=[...] puts several shapes into one library, standalone=True
    makes an object that needs no library."""
    given = _given(progress, {}, options)
    given.finish(lib.sinter_compile_to_file(os.fsencode(model), os.fsencode(output), emit.encode(), given.handle))


def explain(model: str | os.PathLike[str], **options: Any) -> Explanation:
    """What became of every BatchNorm and activation of the model file, and why, without generating code. The options are
    those of sinter.compile."""
    given = _given(None, {}, options)
    text = ctypes.c_void_p()
    given.finish(lib.sinter_explain(os.fsencode(model), given.handle, byref(text)))
    try:
        return Explanation(in_python(json.loads(ctypes.string_at(text.value or 0))))
    finally:
        lib.sinter_string_free(text)
