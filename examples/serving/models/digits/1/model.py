"""A compiled model behind Triton's Python backend: what the server batched is padded to the next batch that digits.so was
compiled for. Each instance is a process of its own that maps the same file; one thread each, for instances are the
parallelism."""
import os
import sys

# The server's processes do not look at it; where the packages are installed for their Python, nothing is there to add.
sys.path += filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))

import numpy as np
import sinter
import triton_python_backend_utils as triton

BATCHES = (1, 2, 4, 8)  # those of run.sh


class TritonPythonModel:
    def initialize(self, args):
        folder = os.path.join(args["model_repository"], args["model_version"])
        self.model = sinter.Model.load(os.path.join(folder, "digits.so"), threads=1)  # not model.so: Python would take that for this module

    def execute(self, requests):
        images = [triton.get_input_tensor_by_name(request, "image").as_numpy() for request in requests]
        joined = np.concatenate(images)
        batch = next(size for size in BATCHES if size >= len(joined))
        padded = np.zeros((batch, *joined.shape[1:]), np.float32)
        padded[: len(joined)] = joined
        try:
            logits = self.model(padded)
        except sinter.Error as error:
            return [triton.InferenceResponse(error=triton.TritonError(str(error))) for _ in requests]
        ends = np.cumsum([len(image) for image in images])
        return [triton.InferenceResponse([triton.Tensor("logits", part)]) for part in np.split(logits[: len(joined)], ends[:-1])]
