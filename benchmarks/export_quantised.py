#!/usr/bin/env python3
"""Quantises networks that export_models.py wrote, with ONNX Runtime's tools: NAME_qdq.onnx (QuantizeLinear and DequantizeLinear around
float operators) and NAME_dynamic.onnx (MatMulInteger behind DynamicQuantizeLinear), each beside its input and the output that ONNX
Runtime computes for it without optimisations. Activations are unsigned, weights signed with a scale per channel."""

import argparse
import pathlib
import shutil
import sys
import tempfile

try:
    import numpy as np
    import onnx
    import onnxruntime
    from onnx import numpy_helper
    from onnxruntime import quantization as q
    from onnxruntime.quantization.shape_inference import quant_pre_process
except ImportError as error:
    sys.exit(f"export_quantised.py: {error}. It needs ONNX Runtime's wheel: pip install onnxruntime onnx")


class Samples(q.CalibrationDataReader):
    """The model's own input and a few disturbed ones."""

    def __init__(self, name, tensor, count):
        random = np.random.default_rng(1)
        noise = [random.standard_normal(tensor.shape, dtype=np.float32) for _ in range(count - 1)]
        scale = float(np.abs(tensor).mean())
        self.rest = iter([{name: tensor}] + [{name: tensor + np.float32(0.3 * scale) * n} for n in noise])

    def get_next(self):
        return next(self.rest, None)


def fold_batch_norms(model):
    """Every BatchNorm behind a Conv into its weights, as exporters do before they quantise: w' = w*s, b' = (b - mean)*s + beta with
    s = gamma / sqrt(var + eps)."""
    graph = model.graph
    values = {i.name: i for i in graph.initializer}
    readers = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    for conv in [n for n in graph.node if n.op_type == "Conv"]:
        after = readers.get(conv.output[0], [])
        if len(after) != 1 or after[0].op_type != "BatchNormalization":
            continue
        norm = after[0]
        gamma, beta, mean, var = (numpy_helper.to_array(values[n]).astype(np.float64) for n in norm.input[1:5])
        scale = gamma / np.sqrt(var + next((a.f for a in norm.attribute if a.name == "epsilon"), 1e-5))
        weight = numpy_helper.to_array(values[conv.input[1]]).astype(np.float64)
        bias = numpy_helper.to_array(values[conv.input[2]]) if len(conv.input) > 2 else 0
        for suffix, array in (("w", weight * scale.reshape(-1, *[1] * (weight.ndim - 1))), ("b", (bias - mean) * scale + beta)):
            graph.initializer.append(numpy_helper.from_array(array.astype(np.float32), f"{conv.output[0]}.{suffix}"))
        del conv.input[1:]
        conv.input.extend([f"{conv.output[0]}.w", f"{conv.output[0]}.b"])
        conv.output[0] = norm.output[0]
        graph.node.remove(norm)


def export(source, kind, target, samples):
    with tempfile.TemporaryDirectory() as folder:
        folded = pathlib.Path(folder) / "folded.onnx"
        model = onnx.load(str(source))
        fold_batch_norms(model)
        onnx.save(model, str(folded))
        quant_pre_process(str(folded), str(folded), skip_symbolic_shape=True)
        tensor = np.load(source.with_suffix(".input.npy"))
        name = onnx.load(str(folded)).graph.input[0].name
        if kind == "dynamic":
            q.quantize_dynamic(str(folded), str(target), weight_type=q.QuantType.QInt8)
        else:
            q.quantize_static(str(folded), str(target), Samples(name, tensor, samples), quant_format=q.QuantFormat.QDQ,
                              per_channel=True, activation_type=q.QuantType.QUInt8, weight_type=q.QuantType.QInt8)
    shutil.copy(source.with_suffix(".input.npy"), target.with_suffix(".input.npy"))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(target), options, providers=["CPUExecutionProvider"])
    np.save(target.with_suffix(".output.npy"), session.run(None, {name: tensor})[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models-dir", type=pathlib.Path, required=True, help="where export_models.py wrote to")
    parser.add_argument("--output", type=pathlib.Path, required=True, help="folder of the quantised models")
    parser.add_argument("--models", default="resnet18,mobilenet_v2", help="names, separated by commas")
    parser.add_argument("--kinds", default="qdq", help="of qdq, dynamic")
    parser.add_argument("--samples", type=int, default=4, help="inputs for calibration")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for model in arguments.models.split(","):
        for kind in arguments.kinds.split(","):
            target = arguments.output / f"{model}_{kind}.onnx"
            export(arguments.models_dir / f"{model}.onnx", kind, target, arguments.samples)
            print(target)


if __name__ == "__main__":
    main()
