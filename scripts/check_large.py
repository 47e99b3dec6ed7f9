#!/usr/bin/env python3
"""Compiles and runs a model whose external data is past 2 GB, compares the result with NumPy, and says how much memory that
took. Needs python3-onnx and python3-numpy, and twice the data's size of free disk space.

usage: check_large.py [--gigabytes 2.7] [--build build/release] [--folder DIR]"""
import argparse
import pathlib
import subprocess
import tempfile
import time

import numpy as np
from onnx import TensorProto, helper

ROOT = pathlib.Path(__file__).resolve().parent.parent
WIDE, NARROW = 16384, 2048


def make(folder, gigabytes):
    """y = x*w0*w1*..., the weights [NARROW, WIDE] and [WIDE, NARROW] in turn, every one in one file; and what y is."""
    count = max(2, 2 * round(gigabytes * 1e9 / (8 * WIDE * NARROW)))
    random = np.random.default_rng(1)
    x = random.standard_normal((4, NARROW), dtype=np.float32)
    value, nodes, weights, offset = x, [], [], 0
    with open(folder / "weights.bin", "wb") as data:
        for i in range(count):
            shape = (NARROW, WIDE) if i % 2 == 0 else (WIDE, NARROW)
            weight = random.standard_normal(shape, dtype=np.float32) / np.float32(shape[0] ** 0.5)
            value = value @ weight
            weight.tofile(data)
            tensor = TensorProto(name=f"w{i}", data_type=TensorProto.FLOAT, dims=shape,
                                 data_location=TensorProto.EXTERNAL)
            for key, text in (("location", "weights.bin"), ("offset", offset), ("length", weight.nbytes)):
                tensor.external_data.add(key=key, value=str(text))
            offset += weight.nbytes
            weights.append(tensor)
            nodes.append(helper.make_node("MatMul", [f"v{i}", f"w{i}"], [f"v{i + 1}"], f"matmul{i}"))
    graph = helper.make_graph(nodes, "large",
                              [helper.make_tensor_value_info("v0", TensorProto.FLOAT, x.shape)],
                              [helper.make_tensor_value_info(f"v{count}", TensorProto.FLOAT, value.shape)], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    (folder / "large.onnx").write_bytes(model.SerializeToString())
    np.save(folder / "x.npy", x)
    return value, offset


def measure(*command):
    """Runs it; seconds, and the most memory of its own and with the pages of files, in GB."""
    start = time.monotonic()
    own = whole = 0
    with subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            try:
                status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            except OSError:
                break
            sizes = dict(line.split(":", 1) for line in status.splitlines())
            if "RssAnon" in sizes:
                own = max(own, int(sizes["RssAnon"].split()[0]))
                whole = max(whole, int(sizes["VmRSS"].split()[0]))
            time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"check_large.py: {' '.join(map(str, command))} ended with {process.returncode}")
    print(f"{command[1]:8} {time.monotonic() - start:6.1f} s, at most {own * 1024e-9:.2f} GB of its own, "
          f"{whole * 1024e-9:.2f} GB with pages of files")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--gigabytes", type=float, default=2.7)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--folder", type=pathlib.Path, help="where the files go (default: a temporary folder)")
    options = parser.parse_args()
    sinter = options.build / "bin/sinter"
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = pathlib.Path(name)
        wanted, size = make(folder, options.gigabytes)
        print(f"{size * 1e-9:.2f} GB of weights")
        large, library = folder / "large.onnx", folder / "large.so"
        measure(sinter, "inspect", large)
        measure(sinter, "compile", large, "-o", library)
        for model in (large, library):
            measure(sinter, "run", model, "--input", folder / "x.npy", "--output", folder / "y.npy")
            error = np.abs(np.load(folder / "y.npy") - wanted).max() / np.abs(wanted).max()
            print(f"         {model.name}: largest difference {error:.1e} of the largest value")
            if not error < 1e-4:
                raise SystemExit("check_large.py: the result is wrong")


main()
