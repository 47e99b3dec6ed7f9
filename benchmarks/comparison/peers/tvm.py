"""TVM: Relax with its default pipeline for this processor. Tuning, which takes hours a model, is not done."""

import os

import onnx
import tvm
from tvm import relax
from tvm.relax.frontend.onnx import from_onnx

from comparison.peers.base import Peer


class Tvm(Peer):
    compiles = True

    def version(self):
        return tvm.__version__

    def prepare(self, case, folder):
        artifact = os.path.join(folder, case["name"] + ".so")
        module = from_onnx(onnx.load(case["onnx"]), keep_params_in_input=False)
        target = tvm.target.Target({"kind": "llvm", "mcpu": tvm.target.codegen.llvm_get_system_cpu()})
        with tvm.transform.PassContext(opt_level=3):
            tvm.compile(module, target=target).export_library(artifact)
        return artifact

    def load(self, artifact, x, case):
        self.x = tvm.runtime.tensor(x)
        self.function = relax.VirtualMachine(tvm.runtime.load_module(artifact), tvm.cpu())["main"]

    def run(self):
        self.result = self.function(self.x)

    def output(self):
        result = self.result
        return (result if hasattr(result, "numpy") else result[0]).numpy()


def create(_, settings):
    return Tvm(settings)
