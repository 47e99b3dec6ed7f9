"""PyTorch, Debian's: the exporter's own module, traced, frozen and optimised for inference (oneDNN kernels, folded BatchNorms).
It reads no ONNX, so it runs only models that export_models.py makes."""

import os

import torch

from comparison.peers.base import Peer


class PyTorch(Peer):
    def version(self):
        torch.set_num_threads(self.threads)
        return torch.__version__

    def prepare(self, case, folder):
        import export_models
        if case["name"] not in export_models.MODELS:
            raise RuntimeError("export_models.py does not make this model")
        artifact = os.path.join(folder, case["name"] + ".pt")
        # Sums that calibrate BatchNorms depend on the number of threads: as the exporter has it.
        torch.set_num_threads(2)
        model, _ = export_models.build(case["name"])
        with torch.no_grad():
            torch.jit.freeze(torch.jit.trace(model, torch.zeros(case["shape"]))).save(artifact)
        return artifact

    def load(self, artifact, x, case):
        self.x = torch.from_numpy(x)
        self.module = torch.jit.optimize_for_inference(torch.jit.load(artifact))

    def run(self):
        with torch.no_grad():
            self.result = self.module(self.x)

    def output(self):
        return self.result.numpy()


def create(_, settings):
    return PyTorch(settings)
