"""A model with kernels in oneDNN where the runtime is alone, and beside a library of another release: both are refused by name.
usage: plugin.py libsinter-runtime.so MODEL.so COMPILER"""
import os
import shutil
import subprocess
import sys
import tempfile

INCOMPATIBLE = 5
FAKE = 'const char *sinter_onednn_version(void) { return "0.0.0"; }\nvoid *sinter_onednn_factory(void) { return 0; }\n'


def refusal(library, model):
    """What creating a session says, in a process of its own: a library that was opened stays."""
    program = f"""
import ctypes
from ctypes import byref, c_void_p
lib = ctypes.CDLL({library!r})
lib.sinter_error_message.restype = ctypes.c_char_p
for function in (lib.sinter_model_load, lib.sinter_session_create):
    function.restype = c_void_p
lib.sinter_error_message.argtypes = lib.sinter_error_code.argtypes = [c_void_p]
model, session = c_void_p(), c_void_p()
assert not lib.sinter_model_load({model!r}.encode(), byref(model))
error = lib.sinter_session_create(model, None, byref(session))
assert error and not session
print(lib.sinter_error_code(error), lib.sinter_error_message(error).decode())
"""
    environment = {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    if result.returncode != 0:
        sys.exit(result.stderr)
    return result.stdout


def expect(text, *parts):
    for part in (f"{INCOMPATIBLE} ", *parts):
        if part not in text:
            sys.exit(f"'{part}' is not in: {text}")


def main():
    runtime, model, compiler = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        alone = os.path.join(folder, "libsinter-runtime.so.1")
        shutil.copy(runtime, alone)
        expect(refusal(alone, model), "libsinter-onednn.so.1 cannot be opened", 'sinter_options_set(..., "backend", "llvm")')
        source = os.path.join(folder, "fake.c")
        with open(source, "w") as file:
            file.write(FAKE)
        subprocess.run([compiler, "-shared", "-fPIC", source, "-o", os.path.join(folder, "libsinter-onednn.so.1")], check=True)
        expect(refusal(alone, model), "of another version than this runtime", "install them together")
    print("both are refused")


main()
