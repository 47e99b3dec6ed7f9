"""ONNX Runtime: a session with default optimisations (all) and bound buffers, its cheapest call."""

import onnxruntime as ort

from comparison.peers.base import Peer


class OnnxRuntime(Peer):
    def version(self):
        return ort.__version__

    def load(self, artifact, x, case):
        options = ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        self.session = ort.InferenceSession(artifact, options, providers=["CPUExecutionProvider"])
        self.x = ort.OrtValue.ortvalue_from_numpy(x)
        self.binding = self.session.io_binding()
        self.binding.bind_ortvalue_input(self.session.get_inputs()[0].name, self.x)
        self.binding.bind_output(self.session.get_outputs()[0].name)

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def output(self):
        return self.binding.get_outputs()[0].numpy()


def create(_, settings):
    return OnnxRuntime(settings)
