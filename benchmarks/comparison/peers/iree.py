"""IREE: ONNX imported into its torch dialect, compiled for this processor, run on its CPU task system."""

import os
import subprocess
import sysconfig

import iree.runtime as rt

from comparison.peers.base import Peer, distribution_version


def program(name):
    return os.path.join(sysconfig.get_path("scripts"), name)


class Iree(Peer):
    compiles = True

    def version(self):
        return distribution_version("iree-base-runtime")

    def prepare(self, case, folder):
        stem = os.path.join(folder, case["name"])
        # Its importer knows BatchNormalization from opset 15 on.
        subprocess.run([program("iree-import-onnx"), case["onnx"], "--opset-version", "17", "-o", stem + ".mlir"], check=True)
        subprocess.run([program("iree-compile"), stem + ".mlir", "-o", stem + ".vmfb", "--iree-hal-target-device=local",
                        "--iree-hal-local-target-device-backends=llvm-cpu", "--iree-llvmcpu-target-cpu=host", "--iree-opt-level=O3"],
                       check=True)
        os.remove(stem + ".mlir")
        return stem + ".vmfb"

    def load(self, artifact, x, case):
        if self.threads > 1:
            rt.flags.parse_flags(f"--task_topology_max_group_count={self.threads}")
        config = rt.Config("local-task" if self.threads > 1 else "local-sync")
        module = rt.load_vm_module(rt.VmModule.mmap(config.vm_instance, artifact), config)
        names = [n for n in module.vm_module.function_names if not n.startswith("__") and not n.endswith("$async")]
        self.function = getattr(module, names[0])
        self.x = rt.asdevicearray(config.device, x)

    def run(self):
        self.result = self.function(self.x).to_host()

    def output(self):
        return self.result


def create(_, settings):
    return Iree(settings)
