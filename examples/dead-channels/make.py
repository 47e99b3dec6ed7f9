#!/usr/bin/python3
"""Writes dead_channels.onnx beside itself: a network a third of whose channels cannot act on images in [0, 1].

Three times Conv 3x3 -> BatchNormalization -> Relu over 36 channels, then a mean and a classifier. In each BatchNorm six
channels have gamma = 0 and beta < 0, as pruning by the size of gamma leaves them (Liu et al., arXiv 1708.06519), and six a beta
that lies far below anything the convolution before it can reach. Seeded. Needs Debian's python3-onnx."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CHANNELS = 36
SIZE = 40
FOLDER = Path(__file__).resolve().parent


def main():
    random = np.random.default_rng(3)
    nodes, weights = [], []

    def weight(name, values):
        weights.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def layer(index, x, inputs):
        n = f"{index}"
        gamma = random.uniform(0.5, 1.5, CHANNELS)
        beta = random.normal(0, 0.3, CHANNELS)
        dead = random.permutation(CHANNELS)[: CHANNELS // 3]
        zero, low = np.split(dead, 2)
        gamma[zero], beta[zero] = 0, -np.abs(beta[zero])
        beta[low] = -1e5
        w = weight("w" + n, random.normal(0, (2 / (9 * inputs)) ** 0.5, (CHANNELS, inputs, 3, 3)))
        parameters = [weight(name + n, values) for name, values in (
            ("gamma", gamma), ("beta", beta), ("mean", random.normal(0, 0.3, CHANNELS)),
            ("var", random.uniform(0.5, 1.5, CHANNELS)))]
        nodes.append(helper.make_node("Conv", [x, w], ["c" + n], name="conv" + n, pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("BatchNormalization", ["c" + n, *parameters], ["b" + n], name="bn" + n))
        nodes.append(helper.make_node("Relu", ["b" + n], ["r" + n], name="relu" + n))
        return "r" + n

    x = layer(1, "image", 3)
    x = layer(2, x, CHANNELS)
    x = layer(3, x, CHANNELS)
    nodes.append(helper.make_node("GlobalAveragePool", [x], ["p"], name="mean"))
    nodes.append(helper.make_node("Flatten", ["p"], ["f"], name="flatten"))
    classifier = weight("w", random.normal(0, CHANNELS**-0.5, (10, CHANNELS)))
    nodes.append(helper.make_node("Gemm", ["f", classifier], ["scores"], name="classifier", transB=1))

    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIZE, SIZE])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 10])
    graph = helper.make_graph(nodes, "dead_channels", [image], [scores], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="make.py")
    model.ir_version = 8
    onnx.save(model, FOLDER / "dead_channels.onnx")


if __name__ == "__main__":
    main()
