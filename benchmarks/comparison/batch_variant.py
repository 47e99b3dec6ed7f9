"""Writes a model for BATCH times the leading dimension that it was exported for, with an input. Runs in a process of its own, since it
needs the onnx package.

usage: python -m comparison.batch_variant STEM VARIANT BATCH     STEM.onnx, STEM.input.npy -> VARIANT.onnx, VARIANT.input.npy"""

import sys

import numpy as np
import onnx


def main():
    stem, variant, batch = sys.argv[1], sys.argv[2], int(sys.argv[3])
    model = onnx.load(stem + ".onnx")
    # What was inferred at batch 1 no longer holds.
    del model.graph.value_info[:]
    image = np.load(stem + ".input.npy")
    for value in [*model.graph.input, *model.graph.output]:
        dimensions = value.type.tensor_type.shape.dim
        if value.name not in {i.name for i in model.graph.initializer} and dimensions and dimensions[0].dim_value == len(image):
            dimensions[0].dim_value *= batch
    onnx.save(model, variant + ".onnx")
    # Images that differ, so that a row computed from another row's data shows.
    rows = [np.roll(image, 7 * i, axis=-1) * np.float32(1 - 0.05 * i / batch) for i in range(batch)]
    np.save(variant + ".input.npy", np.concatenate(rows))


if __name__ == "__main__":
    main()
