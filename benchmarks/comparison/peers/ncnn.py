"""ncnn, on models converted by pnnx. It has no batch dimension, so a batch runs input by input."""

import os
import shutil
import subprocess
import sysconfig

import ncnn
import numpy as np

from comparison.peers.base import Peer, distribution_version


class Ncnn(Peer):
    compiles = True

    def version(self):
        return distribution_version("ncnn")

    def prepare(self, case, folder):
        # pnnx writes beside the model. The package's Python part needs PyTorch, the program does not.
        model = os.path.join(folder, case["name"] + ".onnx")
        shutil.copyfile(case["single"], model)
        shape = ",".join(map(str, case["single_shape"]))
        program = os.path.join(sysconfig.get_path("purelib"), "pnnx", "pnnx")
        subprocess.run([program, model, f"inputshape=[{shape}]", "fp16=0"], check=True, cwd=folder)
        artifact = os.path.join(folder, case["name"] + ".ncnn.param")
        if not os.path.exists(artifact):
            raise RuntimeError("pnnx could not convert the model")
        return artifact

    def files(self, artifact):
        return [artifact, artifact[:-len("param")] + "bin"]

    def load(self, artifact, x, case):
        self.net = ncnn.Net()
        self.net.opt.num_threads = self.threads
        # Every option that trades precision.
        for name in ("use_bf16_storage", "use_bf16_packed", "use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic"):
            if hasattr(self.net.opt, name):
                setattr(self.net.opt, name, False)
        parameters, weights = self.files(artifact)
        if self.net.load_param(parameters) != 0 or self.net.load_model(weights) != 0:
            raise RuntimeError("ncnn cannot load the converted model")
        self.input, self.result = self.net.input_names()[0], self.net.output_names()[0]
        # Images have no leading dimension; a matrix of rows is taken whole. A Mat does not own what it is made of.
        self.x = np.split(x, case["batch"])
        self.images = [ncnn.Mat(part[0] if len(part) == 1 else part) for part in self.x]

    def run(self):
        self.outputs = []
        for image in self.images:
            extractor = self.net.create_extractor()
            extractor.input(self.input, image)
            status, output = extractor.extract(self.result)
            if status != 0:
                raise RuntimeError(f"ncnn ended with status {status}")
            self.outputs.append(output)

    def output(self):
        return np.stack([np.array(o) for o in self.outputs])


def create(_, settings):
    return Ncnn(settings)
