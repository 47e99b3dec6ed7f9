"""OpenVINO: one stream on so many threads, f32."""

import openvino as ov

from comparison.peers.base import Peer, distribution_version


class OpenVino(Peer):
    def version(self):
        return distribution_version("openvino")

    def load(self, artifact, x, case):
        self.x = ov.Tensor(x, shared_memory=True)
        # Without f32 it would compute in bf16 where the processor has it.
        model = ov.Core().compile_model(artifact, "CPU", {
            "INFERENCE_NUM_THREADS": self.threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32"})
        self.request = model.create_infer_request()
        self.request.set_input_tensor(self.x)

    def run(self):
        self.request.infer()

    def output(self):
        return self.request.get_output_tensor().data.copy()


def create(_, settings):
    return OpenVino(settings)
