"""benchmarks/host/Host.h through ctypes."""

import ctypes

import numpy as np

c_int64, c_int32, c_double, c_void = ctypes.c_int64, ctypes.c_int32, ctypes.c_double, ctypes.c_void_p

# Function: result, arguments.
SIGNATURES = {
    "Error": (ctypes.c_char_p, []),
    "Load": (c_void, [ctypes.c_char_p, c_int32]),
    "Free": (None, [c_void]),
    "Bind": (c_int32, [c_void, c_void, c_int64]),
    "Output": (ctypes.POINTER(ctypes.c_float), [c_void, c_int32, ctypes.POINTER(c_int64)]),
    "Run": (c_int32, [c_void]),
    "Profile": (c_int32, [c_void, ctypes.POINTER(c_double)]),
    "Kernels": (c_int32, [c_void]),
    "KernelName": (ctypes.c_char_p, [c_void, c_int32]),
    "KernelOps": (ctypes.c_char_p, [c_void, c_int32]),
    "KernelFlops": (c_double, [c_void, c_int32]),
    "Peak": (c_double, [c_int32]),
    "RoundTrip": (c_double, []),
    "Stream": (c_double, [c_int64, c_int64, c_int32]),
}


class Host:
    """The library's functions as attributes: host.peak(2)."""

    def __init__(self, path):
        library = ctypes.CDLL(path)
        for name, (result, arguments) in SIGNATURES.items():
            function = getattr(library, "sinterBenchmark" + name)
            function.restype, function.argtypes = result, arguments
            setattr(self, "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_"), function)

    def check(self, succeeded):
        if not succeeded:
            raise RuntimeError(self.error().decode())


class CompiledModel:
    """A compiled model in this process, bound to one input."""

    def __init__(self, host, path, threads, x):
        self.host = host
        self.x = np.ascontiguousarray(x)
        self.model = host.load(path.encode(), threads)
        host.check(self.model)
        host.check(host.bind(self.model, self.x.ctypes.data, self.x.nbytes) == 0)

    def run(self):
        if self.host.run(self.model) != 0:
            self.host.check(False)

    def output(self):
        count = c_int64()
        data = self.host.output(self.model, 0, ctypes.byref(count))
        self.host.check(data)
        return np.ctypeslib.as_array(data, (count.value,)).copy()

    def profile(self, runs):
        """[(name, ops, flops, [seconds of each run])] of every kernel."""
        count = self.host.kernels(self.model)
        times = []
        for _ in range(runs):
            seconds = (c_double * count)()
            self.host.check(self.host.profile(self.model, seconds) == 0)
            times.append(list(seconds))
        return [(self.host.kernel_name(self.model, k).decode(), self.host.kernel_ops(self.model, k).decode(),
                 self.host.kernel_flops(self.model, k), [t[k] for t in times]) for k in range(count)]

    def free(self):
        self.host.free(self.model)
