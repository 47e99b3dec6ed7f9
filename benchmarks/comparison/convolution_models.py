"""Writes each distinct convolution of some models as a model of its own. Runs in a process of its own, since it needs packages.

usage: python -m comparison.convolution_models FOLDER MODEL.onnx...

Writes FOLDER/<key>.onnx and <key>.input.npy, and prints one JSON object a line: {"key", "kind", "count", "models", "input",
"weights", "output", "attributes", "flop", "read_bytes", "write_bytes"}."""

import json
import math
import os
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

KINDS = ("Conv", "ConvTranspose")
IMAGE_CHANNELS = 8  # fewer are an image's
LISTS = ("kernel_shape", "strides", "pads", "dilations", "output_padding")


def convolutions(path):
    """(operator, input shape, weight shape, output shape, attributes) of each node."""
    model = onnx.load(path)
    nodes = [n for n in model.graph.node if n.op_type in KINDS]
    shapes = {i.name: list(i.dims) for i in model.graph.initializer}
    shapes.update(run_for_shapes(model, {name for n in nodes for name in (n.input[0], n.input[1], n.output[0])} - set(shapes),
                                 np.load(path[:-len("onnx")] + "input.npy")))
    for node in nodes:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        yield node.op_type, shapes[node.input[0]], shapes[node.input[1]], shapes[node.output[0]], attributes


def run_for_shapes(model, names, x):
    """The shapes of values, found by running the model: ONNX's own inference stops where a shape is computed."""
    there = {v.name for v in model.graph.output}
    model.graph.output.extend(helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in sorted(names - there))
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    values = session.run(sorted(names), {session.get_inputs()[0].name: x})
    return {name: list(value.shape) for name, value in zip(sorted(names), values)}


def kind_of(op, w, attributes):
    """The class of schedules that the layer belongs to: "3x3", "1x1 stride 2", "depthwise 5x5", "grouped 3x3", ..."""
    size = "x".join(map(str, w[2:]))
    groups = attributes.get("group", 1)
    words = []
    if op == "ConvTranspose":
        words.append("transposed")
    if groups > 1:
        words.append("depthwise" if w[1] == 1 else "grouped")
    words.append(size)
    if any(s != 1 for s in attributes.get("strides", [])):
        words.append("stride " + "x".join(map(str, dict.fromkeys(attributes["strides"]))))
    if any(d != 1 for d in attributes.get("dilations", [])):
        words.append("dilated")
    return " ".join(words)


def key_of(op, x, w, attributes):
    """A file name that tells layers apart."""
    parts = [op.lower(), "x".join(map(str, x)), "x".join(map(str, w))]
    parts += [name[0] + "x".join(map(str, attributes[name])) for name in LISTS if name in attributes]
    return "_".join([*parts, f"g{attributes.get('group', 1)}"])


def write(folder, key, op, x, w, y, attributes):
    """A model of the convolution with a bias, which every one has once its BatchNorm is folded. Values are seeded. Another one
    before it, of one channel at a time, prepares the input in the layout in which a network would have it; images come as they are."""
    random = np.random.default_rng(len(key))
    fan = math.prod(w[1:])
    weights = numpy_helper.from_array((random.standard_normal(w) / math.sqrt(fan)).astype(np.float32), "w")
    bias = numpy_helper.from_array(random.standard_normal(y[1]).astype(np.float32), "b")
    nodes = [helper.make_node(op, ["x", "w", "b"], ["y"], name="layer", **attributes)]
    initializers = [weights, bias]
    if x[1] >= IMAGE_CHANNELS:
        scale = (1 + random.random((x[1], *[1] * (len(x) - 1)))).astype(np.float32)
        initializers.append(numpy_helper.from_array(scale, "scale"))
        nodes.insert(0, helper.make_node("Conv", ["x", "scale"], ["prepared"], name="prepare", group=x[1]))
        nodes[1].input[0] = "prepared"
    graph = helper.make_graph(nodes, key, [helper.make_tensor_value_info("x", TensorProto.FLOAT, x)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, y)], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, os.path.join(folder, key + ".onnx"))
    np.save(os.path.join(folder, key + ".input.npy"), random.standard_normal(x).astype(np.float32))


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    layers = {}
    for path in sys.argv[2:]:
        for op, x, w, y, attributes in convolutions(path):
            key = key_of(op, x, w, attributes)
            if key not in layers:
                write(folder, key, op, x, w, y, attributes)
                # Each weight meets each position of its channel: of the output, or of the input if transposed.
                positions = math.prod((x if op == "ConvTranspose" else y)[2:]) * x[0]
                layers[key] = {"key": key, "kind": kind_of(op, w, attributes), "count": 0, "models": [], "input": x, "weights": w,
                               "output": y, "attributes": attributes, "flop": 2 * math.prod(w) * positions,
                               "read_bytes": 4 * (math.prod(x) + math.prod(w)), "write_bytes": 4 * math.prod(y)}
            layers[key]["count"] += 1
            name = os.path.basename(path)[:-len(".onnx")]
            if name not in layers[key]["models"]:
                layers[key]["models"].append(name)
    for layer in layers.values():
        print(json.dumps(layer))


if __name__ == "__main__":
    main()
