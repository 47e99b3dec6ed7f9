"""libsinter through ctypes: structs and signatures of sinter.h. A call costs about a microsecond and releases the interpreter's lock.

Where only libsinter-runtime is installed, compiled models can be loaded and run, and nothing can be compiled."""
from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, c_char_p, c_double, c_int32, c_int64, c_size_t, c_uint32, c_void_p
from typing import NoReturn

from sinter._errors import Error, ErrorCode
from sinter._words import say


class Tensor(ctypes.Structure):
    """sinter_tensor_t"""

    _fields_ = [("data", c_void_p), ("shape", POINTER(c_int64)), ("strides", POINTER(c_int64)), ("rank", c_int32), ("type", c_int32)]


class TensorInfo(ctypes.Structure):
    """sinter_tensor_info_t"""

    _fields_ = [("name", c_char_p), ("shape", POINTER(c_int64)), ("rank", c_int32), ("type", c_int32), ("has_default", c_int32)]


class KernelInfo(ctypes.Structure):
    """sinter_kernel_info_t"""

    _fields_ = [("name", c_char_p), ("ops", c_char_p), ("backend", c_char_p), ("flops", c_double), ("bytes", c_double)]


class SessionConfig(ctypes.Structure):
    """sinter_session_config_t"""

    _fields_ = [("struct_size", c_size_t), ("threads", c_int32), ("allocator", c_void_p)]


class LoadConfig(ctypes.Structure):
    """sinter_load_config_t"""

    _fields_ = [("struct_size", c_size_t), ("check_weights", c_int32)]


class OptionInfo(ctypes.Structure):
    """sinter_option_info_t"""

    _fields_ = [("name", c_char_p), ("values", c_char_p), ("help", c_char_p)]


Progress = ctypes.CFUNCTYPE(c_int32, c_void_p, c_char_p, c_double)
Warned = ctypes.CFUNCTYPE(None, c_void_p, c_char_p)
MAJOR, MINOR = 1, 4  # of the interface that these declarations follow

_RUNTIME = {
    "sinter_api_version": (c_uint32, []),
    "sinter_version": (c_char_p, []),
    "sinter_error_code": (c_int32, [c_void_p]),
    "sinter_error_message": (c_char_p, [c_void_p]),
    "sinter_error_free": (None, [c_void_p]),
    "sinter_type_name": (c_char_p, [c_int32]),
    "sinter_model_load_with": (c_void_p, [c_char_p, POINTER(LoadConfig), POINTER(c_void_p)]),
    "sinter_model_load_memory_with": (c_void_p, [c_char_p, c_size_t, POINTER(LoadConfig), POINTER(c_void_p)]),
    "sinter_model_free": (None, [c_void_p]),
    "sinter_model_is_open": (c_int32, [c_void_p]),
    "sinter_model_specialise": (c_void_p, [c_void_p, POINTER(Tensor), c_size_t, POINTER(c_void_p)]),
    "sinter_model_name": (c_char_p, [c_void_p]),
    "sinter_model_target": (c_char_p, [c_void_p]),
    "sinter_model_input_count": (c_size_t, [c_void_p]),
    "sinter_model_output_count": (c_size_t, [c_void_p]),
    "sinter_model_input": (POINTER(TensorInfo), [c_void_p, c_size_t]),
    "sinter_model_output": (POINTER(TensorInfo), [c_void_p, c_size_t]),
    "sinter_model_kernel_count": (c_size_t, [c_void_p]),
    "sinter_model_kernel": (POINTER(KernelInfo), [c_void_p, c_size_t]),
    "sinter_model_explanation": (c_char_p, [c_void_p]),
    "sinter_model_check_weights": (c_void_p, [c_void_p]),
    "sinter_session_create": (c_void_p, [c_void_p, POINTER(SessionConfig), POINTER(c_void_p)]),
    "sinter_session_free": (None, [c_void_p]),
    "sinter_session_threads": (c_int32, [c_void_p]),
    "sinter_session_run": (c_void_p, [c_void_p, POINTER(Tensor), c_size_t, POINTER(Tensor), c_size_t]),
}
_COMPILER = {
    "sinter_option_count": (c_size_t, []),
    "sinter_option": (POINTER(OptionInfo), [c_size_t]),
    "sinter_options_create": (c_void_p, [POINTER(c_void_p)]),
    "sinter_options_free": (None, [c_void_p]),
    "sinter_options_set": (c_void_p, [c_void_p, c_char_p, c_char_p]),
    "sinter_options_set_shape": (c_void_p, [c_void_p, c_char_p, POINTER(c_int64), c_int32]),
    "sinter_options_set_dimension": (c_void_p, [c_void_p, c_char_p, c_int64]),
    "sinter_options_set_empty": (c_void_p, [c_void_p, c_char_p]),
    "sinter_options_set_input_range": (c_void_p, [c_void_p, c_char_p, c_double, c_double]),
    "sinter_options_set_value": (c_void_p, [c_void_p, c_char_p, POINTER(Tensor)]),
    "sinter_options_set_progress": (c_void_p, [c_void_p, Progress, c_void_p]),
    "sinter_options_set_warning": (c_void_p, [c_void_p, Warned, c_void_p]),
    "sinter_compile": (c_void_p, [c_char_p, c_void_p, POINTER(c_void_p)]),
    "sinter_compile_memory": (c_void_p, [c_char_p, c_size_t, c_int32, c_char_p, c_void_p, POINTER(c_void_p)]),
    "sinter_compile_to_file": (c_void_p, [c_char_p, c_char_p, c_char_p, c_void_p]),
    "sinter_explain": (c_void_p, [c_char_p, c_void_p, POINTER(c_void_p)]),
    "sinter_string_free": (None, [c_void_p]),
    "sinter_model_save": (c_void_p, [c_void_p, c_char_p]),
}


def _open() -> tuple[ctypes.CDLL, bool]:
    """The library, and whether it compiles: $SINTER_LIBRARY, else one beside this file, else the system's."""
    named = os.environ.get("SINTER_LIBRARY")
    here = os.path.dirname(os.path.abspath(__file__))
    names = ("libsinter.so.1", "libsinter-runtime.so.1")
    paths = [named] if named else [os.path.join(here, name) for name in names if os.path.exists(os.path.join(here, name))] + list(names)
    problems = []
    for path in paths:
        try:
            library = ctypes.CDLL(path)
        except OSError as error:
            problems.append(str(error))
            continue
        return library, hasattr(library, "sinter_compile")
    raise ImportError(f"sinter needs libsinter.so.1 or libsinter-runtime.so.1: {'; '.join(problems)}")


def _declare(library: ctypes.CDLL, compiles: bool) -> None:
    library.sinter_api_version.restype = c_uint32
    version = library.sinter_api_version()
    if version >> 16 != MAJOR or version & 0xFFFF < MINOR:
        raise ImportError(f"this package needs version {MAJOR}.{MINOR} of libsinter's interface, "
                          f"the library has {version >> 16}.{version & 0xFFFF}")
    for name, (result, arguments) in {**_RUNTIME, **(_COMPILER if compiles else {})}.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments


lib, can_compile = _open()
_declare(lib, can_compile)


def version() -> str:
    """The release of the library, e.g. "0.2.0"."""
    return str(lib.sinter_version().decode())


def fail(error: int) -> NoReturn:
    """Raises what a function returned."""
    code, message = lib.sinter_error_code(error), lib.sinter_error_message(error).decode(errors="replace")
    lib.sinter_error_free(error)
    raise Error(ErrorCode(code), say(message))


def check(error: int | None) -> None:
    """Raises what a function returned, if that is an error."""
    if error:
        fail(error)
