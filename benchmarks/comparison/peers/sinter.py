"""Sinter itself: compiled with its own or with the oneDNN backend, run in process by its runtime."""

import os
import subprocess

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


def create(name, settings):
    return Sinter(name, settings)
