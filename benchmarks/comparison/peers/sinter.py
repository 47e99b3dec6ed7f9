"""Sinter itself: compiled with its own or with the oneDNN backend, run in process by its runtime."""

import contextlib
import ctypes
import os
import statistics
import subprocess
import tempfile
import time

import numpy as np

from comparison.host import CompiledModel, Host
from comparison.peers.base import Peer


class Sinter(Peer):
    compiles = True

    def __init__(self, name, settings):
        super().__init__(settings)
        self.backend = ["--backend", "onednn"] if name == "onednn" else []

    def version(self):
        self.host = Host(self.settings["host"])
        return subprocess.run([self.settings["sinter"], "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]

    def prepare(self, case, folder):
        artifact = os.path.join(folder, case["name"] + ".so")
        done = subprocess.run([self.settings["sinter"], "compile", case["onnx"], "-o", artifact, *self.backend,
                               *self.settings["compile_options"]], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"status {done.returncode}")
        return artifact

    def load(self, artifact, x, case):
        self.model = CompiledModel(self.host, artifact, self.threads, x)
        self.run = self.model.run

    def output(self):
        return self.model.output()

    def measure(self, artifact, case, seconds):
        """For a model of a layer (convolution_models.py), the medians in ms of: all its kernels but the one that prepares the
        input; those that compute ("kernels"); in oneDNN, the convolution primitive alone, without the reorders around it, as
        the library itself reports it ("primitive")."""
        self.version()
        model = CompiledModel(self.host, artifact, self.threads, np.load(case["input"]))
        model.profile(1)
        verbose, profile = [], []
        end = time.perf_counter() + seconds
        with captured_stdout(verbose):
            while len(profile) < 3 or (time.perf_counter() < end and len(profile) < 10000):
                profile.append(model.profile(1))
        model.free()
        own = [[k for k in run if k[0] != "prepare"] for run in profile]
        totals = [sum(times[0] for _, _, _, times in run) for run in own]
        kernels = [sum(times[0] for _, ops, _, times in run if "conv" in ops) for run in own]
        primitives = [float(line.rpartition(",")[2]) for line in verbose
                      if ",exec," in line and (",convolution," in line or ",deconvolution," in line)]
        if any(k[0] == "prepare" for k in profile[0]):
            primitives = primitives[1::2]  # each run's second
        return {"total_ms": statistics.median(totals) * 1e3, "kernel_ms": statistics.median(kernels) * 1e3,
                "primitive_ms": statistics.median(primitives) if primitives else None}


@contextlib.contextmanager
def captured_stdout(lines):
    """Adds what C code prints meanwhile to `lines`."""
    libc = ctypes.CDLL(None)
    libc.fflush(None)
    kept = os.dup(1)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        try:
            yield
        finally:
            libc.fflush(None)
            os.dup2(kept, 1)
            os.close(kept)
        file.seek(0)
        lines += file.read().decode(errors="replace").splitlines()


def create(name, settings):
    return Sinter(name, settings)
