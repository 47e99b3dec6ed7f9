#!/usr/bin/env python3
"""Compiles models of large weights, beside the model and inside of it (where they lie unaligned), with a limit on the memory
that is the process's own: weights are read where they lie and packed while they are written. scripts/check_large.py runs such
a model beyond 2 GB.

usage: large_weights.py SINTER [--megabytes 256] [--spare 160] [--share 0.25] [--folder DIR]"""
import argparse
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

NARROW, WIDE = 2048, 8192


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def sized(field, content):
    """A protobuf field of bytes; text becomes bytes."""
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def number(field, value):
    return varint(field << 3) + varint(value)


def info(name, shape):
    dims = b"".join(sized(1, number(1, size)) for size in shape)
    return sized(1, name) + sized(2, sized(1, number(1, 1) + sized(2, dims)))


def make(folder, megabytes, inside):
    """x*w0*w1*..., the weights [NARROW, WIDE] and [WIDE, NARROW] in turn, as right sides of MatMuls and, transposed, of Gemms."""
    draw = random.Random(1)
    pattern = draw.randbytes(1 << 20)  # in bytes 3 of 4, exponents that keep values small
    pattern = bytes(byte & 0x3B if i % 4 == 3 else byte for i, byte in enumerate(pattern))
    count = max(2, round(megabytes * 1e6 / (4 * NARROW * WIDE)))
    nodes, tensors, offset = b"", [], 0
    with open(folder / "weights.bin", "wb") as data:
        for i in range(count):
            shape = (NARROW, WIDE) if i % 2 == 0 else (WIDE, NARROW)
            isGemm = i // 2 % 2 == 1
            dims = shape[::-1] if isGemm else shape
            attribute = sized(5, sized(1, "transB") + number(3, 1) + number(20, 2)) if isGemm else b""
            nodes += sized(1, sized(1, f"v{i}") + sized(1, f"w{i}") + sized(2, f"v{i + 1}") + sized(3, f"n{i}") +
                           sized(4, "Gemm" if isGemm else "MatMul") + attribute)
            bytes_ = 4 * NARROW * WIDE
            # No two alike.
            weight = (pattern[4 * (i + 1):] + pattern[:4 * (i + 1)]) * (bytes_ // len(pattern))
            tensor = b"".join(number(1, size) for size in dims) + number(2, 1) + sized(8, f"w{i}")
            if inside:
                tensors.append(tensor + sized(9, weight))
                continue
            data.write(weight)
            for key, value in (("location", "weights.bin"), ("offset", str(offset)), ("length", str(bytes_))):
                tensor += sized(13, sized(1, key) + sized(2, value))
            tensors.append(tensor + number(14, 1))
            offset += bytes_
    last = (4, NARROW if count % 2 == 0 else WIDE)
    # Protobuf says how long a graph is before it begins.
    head = nodes + sized(2, "large") + sized(11, info("v0", (4, NARROW))) + sized(12, info(f"v{count}", last))
    length = len(head) + sum(len(varint(5 << 3 | 2) + varint(len(t))) + len(t) for t in tensors)
    with open(folder / "large.onnx", "wb") as file:
        file.write(number(1, 8) + sized(8, number(2, 17)) + varint(7 << 3 | 2) + varint(length) + head)
        for tensor in tensors:
            file.write(varint(5 << 3 | 2) + varint(len(tensor)))
            file.write(tensor)
    return count * 4 * NARROW * WIDE


def compile_within(sinter, folder, own):
    """Seconds that it took with at most `own` bytes of memory that is no file's."""
    start = time.monotonic()

    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (own, own))

    done = subprocess.run([sinter, "compile", folder / "large.onnx", "-o", folder / "large.so"], preexec_fn=limit,
                          capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"large_weights.py: with {own >> 20} MB: {done.stderr.decode()}")
    return time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("sinter", type=pathlib.Path)
    parser.add_argument("--megabytes", type=float, default=256)
    parser.add_argument("--spare", type=float, default=160, help="megabytes for all but the weights")
    parser.add_argument("--share", type=float, default=0.25, help="of the weights that may be in memory where they need not be copied")
    parser.add_argument("--folder", type=pathlib.Path, help="where the files go (default: a temporary folder)")
    options = parser.parse_args()
    for inside in (False, True):
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            size = make(pathlib.Path(name), options.megabytes, inside)
            # Unaligned weights are copied once.
            own = int(options.spare * 1e6 + size * (1 + options.share if inside else options.share))
            seconds = compile_within(options.sinter, pathlib.Path(name), own)
            print(f"{size * 1e-6:.0f} MB {'inside' if inside else 'beside'} the model: {seconds:.1f} s with {own >> 20} MB of memory")


main()
