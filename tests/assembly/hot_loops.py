#!/usr/bin/env python3
"""Reads the assembly of convolutions and matrix products: their hot loops keep everything in registers.

A hot loop is an innermost one in which at least every third line is a vector multiply-add, and seven or more make a value that is
stored; transforms of Winograd's algorithm, which work on more values than there are registers and store one after a few, are none.
What it may not hold is an operand on the stack: an accumulator or an address that did not fit into registers costs a load and a
store in every turn.

usage: hot_loops.py SINTER [--target NAME] [--keep DIR] [CASE ...]
"""

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile

TARGETS = {
    "x86-64-v3": ["--target-triple", "x86_64-linux-gnu", "--target-cpu", "x86-64-v3"],
    "x86-64-v4": ["--target-triple", "x86_64-linux-gnu", "--target-cpu", "x86-64-v4"],
    "znver4": ["--target-triple", "x86_64-linux-gnu", "--target-cpu", "znver4"],
    "aarch64": ["--target-triple", "aarch64-linux-gnu", "--target-cpu", "generic"],
}
MULTIPLY_ADD = re.compile(r"\s(?:vfn?m(?:add|sub)\d+ps|fml[as])\s")
STORE = re.compile(r"\svmov[au]ps\s%[xyz]mm\d+, [^%]*\(|\sst(?:p|r|1)\s\{?[qv]")
ON_STACK = re.compile(r"\(%rsp\b|\[sp\b")
SPILL = re.compile(r"\(%rsp\)|\[sp(?:, #\d+)?\]")
FEWEST = 6  # multiply-adds of a hot loop


def tensor(shape, element="f32"):
    return "tensor<" + "x".join([*map(str, shape), element]) + ">"


def constant(name, shape):
    """Weights of both signs: some algorithms are chosen only for such."""
    generator = random.Random(name)
    count = 1
    for size in shape:
        count *= size
    values = [f"{generator.choice((-1, 1)) * generator.randrange(1, 9) / 8}" for _ in range(count)]
    for size in reversed(shape):
        values = ["[" + ", ".join(values[i:i + size]) + "]" for i in range(0, len(values), size)]
    return f"  %{name} = nn.constant dense<{values[0]}> : {tensor(shape)}\n"


def network(inputs, body, result, shape):
    arguments = ", ".join(f"%{name}: {tensor(size)}" for name, size in inputs)
    return f"func.func @main({arguments}) -> {tensor(shape)} {{\n{body}  return %{result} : {tensor(shape)}\n}}\n"


def convolution(channels, filters, size, kernel, stride=1, group=1, dilation=1, follow=""):
    """size, kernel: per spatial dimension. The result is a network of one convolution with a bias, behind one that brings its input
    into blocks, and a ReLU."""
    pad = [dilation * (k - 1) // 2 for k in kernel]
    out = [(s + 2 * p - dilation * (k - 1) - 1) // stride + 1 for s, p, k in zip(size, pad, kernel)]
    x, w, y = [1, channels, *size], [filters, channels // group, *kernel], [1, filters, *out]

    def array(values):
        return "array<i64: " + ", ".join(map(str, values)) + ">"

    attributes = (f"{{group = {group} : i64, pads = {array(pad * 2)}, strides = {array([stride] * len(size))}, "
                  f"dilations = {array([dilation] * len(size))}}}")
    body = constant("w", w) + constant("b", [filters])
    source = "x"
    if channels >= 8:  # fewer are an image's
        source, scale = "p", [channels, 1, *[1] * len(size)]
        body += constant("s", scale)
        body += f"  %p = nn.conv %x, %s {{group = {channels} : i64}} : ({tensor(x)}, {tensor(scale)}) -> {tensor(x)}\n"
    body += f"  %c = nn.conv %{source}, %w, %b {attributes} : ({tensor(x)}, {tensor(w)}, {tensor([filters])}) -> {tensor(y)}\n"
    body += f"  %y = nn.relu %c : ({tensor(y)}) -> {tensor(y)}\n"
    return network([("x", x)], body, "y", y)


def separable(channels, size):
    """A depthwise convolution and, in the same kernel, a pointwise one."""
    x, depth, point = [1, channels, *size], [channels, 1, 3, 3], [channels, channels, 1, 1]
    body = constant("s", [channels, 1, 1, 1]) + constant("w", depth) + constant("v", point)
    body += f"  %p = nn.conv %x, %s {{group = {channels} : i64}} : ({tensor(x)}, {tensor([channels, 1, 1, 1])}) -> {tensor(x)}\n"
    body += (f"  %d = nn.conv %p, %w {{group = {channels} : i64, pads = array<i64: 1, 1, 1, 1>}} : ({tensor(x)}, {tensor(depth)}) -> "
             f"{tensor(x)}\n")
    body += f"  %r = nn.relu %d : ({tensor(x)}) -> {tensor(x)}\n"
    body += f"  %y = nn.conv %r, %v : ({tensor(x)}, {tensor(point)}) -> {tensor(x)}\n"
    return network([("x", x)], body, "y", x)


def product(rows, inner, columns, batch=(), follow=None):
    a, b, y = [*batch, rows, inner], [*batch, inner, columns], [*batch, rows, columns]
    if follow:
        body = constant("w", b) + f"  %p = nn.matmul %a, %w : ({tensor(a)}, {tensor(b)}) -> {tensor(y)}\n"
        body += f"  %y = nn.{follow} %p : ({tensor(y)}) -> {tensor(y)}\n"
        return network([("a", a)], body, "y", y)
    if batch:
        body = f"  %y = nn.matmul %a, %b : ({tensor(a)}, {tensor(b)}) -> {tensor(y)}\n"
        return network([("a", a), ("b", b)], body, "y", y)
    body = constant("w", b) + f"  %y = nn.matmul %a, %w : ({tensor(a)}, {tensor(b)}) -> {tensor(y)}\n"
    return network([("a", a)], body, "y", y)


def attention(heads, queries, keys, size):
    q, k, v = [heads, queries, size], [heads, size, keys], [heads, keys, size]
    scores = [heads, queries, keys]
    body = f"  %s = nn.matmul %q, %k : ({tensor(q)}, {tensor(k)}) -> {tensor(scores)}\n"
    body += f"  %m = nn.add %s, %mask : ({tensor(scores)}, {tensor([keys])}) -> {tensor(scores)}\n"
    body += f"  %p = nn.softmax %m {{axis = 2 : i64}} : ({tensor(scores)}) -> {tensor(scores)}\n"
    body += f"  %y = nn.matmul %p, %v : ({tensor(scores)}, {tensor(v)}) -> {tensor(q)}\n"
    return network([("q", q), ("k", k), ("v", v), ("mask", [keys])], body, "y", q)


CASES = {
    "pointwise": lambda: convolution(64, 128, [28, 28], [1, 1]),
    "pointwise-odd": lambda: convolution(40, 72, [13, 13], [1, 1]),
    "pointwise-narrow": lambda: convolution(96, 24, [14, 14], [1, 1]),
    "pointwise-strided": lambda: convolution(64, 96, [28, 28], [1, 1], stride=2),
    "winograd": lambda: convolution(64, 64, [28, 28], [3, 3]),
    "winograd-odd": lambda: convolution(48, 40, [15, 17], [3, 3]),
    "strided": lambda: convolution(32, 64, [28, 28], [3, 3], stride=2),
    "five": lambda: convolution(16, 32, [14, 14], [5, 5]),
    "dilated": lambda: convolution(32, 32, [20, 20], [3, 3], dilation=2),
    "first": lambda: convolution(3, 64, [64, 64], [7, 7], stride=2),
    "grouped": lambda: convolution(64, 64, [14, 14], [3, 3], group=2),
    "grouped-half": lambda: convolution(48, 48, [28, 28], [3, 3], group=6),
    "line": lambda: convolution(32, 64, [100], [3]),
    "volume": lambda: convolution(16, 32, [8, 10, 12], [3, 3, 3]),
    "depthwise": lambda: convolution(96, 96, [28, 28], [3, 3], group=96),
    "depthwise-strided": lambda: convolution(96, 96, [28, 28], [3, 3], stride=2, group=96),
    "depthwise-five": lambda: convolution(72, 72, [14, 14], [5, 5], group=72),
    "depthwise-five-strided": lambda: convolution(72, 72, [28, 28], [5, 5], stride=2, group=72),
    "separable": lambda: separable(32, [64, 66]),
    "product": lambda: product(64, 256, 128),
    "product-odd": lambda: product(37, 100, 75),
    "vector": lambda: product(1, 512, 1000),
    "product-gelu": lambda: product(64, 256, 128, follow="gelu"),
    "attention": lambda: attention(4, 50, 70, 64),
    "products": lambda: product(50, 64, 50, batch=(4,)),
}


def innermost_loops(assembly):
    """The lines of each innermost loop: from a label to the jump back to it, with no other such pair inside."""
    lines = assembly.splitlines()
    position = {}
    for i, line in enumerate(lines):
        if label := re.match(r"(\.?[\w.]+):", line):
            position[label[1]] = i
    jumps = []
    for i, line in enumerate(lines):
        jump = re.match(r"\s+(?:j\w+|b(?:\.\w+)?|cbn?z|tbn?z)\s(?:.*[\s,])?(\.L\w+)\s*(?:[/#].*)?$", line)
        if jump and position.get(jump[1], i) < i:
            jumps.append((position[jump[1]], i))
    for first, last in jumps:
        if not any(first <= begin and end <= last and (begin, end) != (first, last) for begin, end in jumps):
            yield lines[first:last + 1]


def check(name, assembly):
    """What is wrong, as text, and the number of hot loops."""
    problems, hot = [], 0
    for loop in innermost_loops(assembly):
        products = sum(bool(MULTIPLY_ADD.search(line)) for line in loop)
        stack = [line.strip() for line in loop if ON_STACK.search(line)]
        stores = sum(bool(STORE.search(line) and not SPILL.search(line)) for line in loop)
        if products < FEWEST or 3 * products < len(loop) or products < 7 * stores:
            continue
        hot += 1
        if stack:
            problems.append(f"{name}: the loop at {loop[0].split(':')[0]} ({len(loop)} lines) "
                            f"holds {len(stack)} operands on the stack: {stack[0]}")
    if hot == 0:
        problems.append(f"{name}: no hot loop was found")
    return problems, hot


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sinter")
    parser.add_argument("--target", choices=sorted(TARGETS), action="append")
    parser.add_argument("--keep", metavar="DIR", help="write networks and assembly there")
    parser.add_argument("cases", nargs="*", metavar="CASE", choices=[[], *CASES])
    options = parser.parse_args()
    problems = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or scratch
        os.makedirs(folder, exist_ok=True)
        for case in options.cases or CASES:
            source = os.path.join(folder, case + ".mlir")
            with open(source, "w", encoding="utf-8") as file:
                file.write(CASES[case]())
            for target in options.target or TARGETS:
                result = os.path.join(folder, f"{case}.{target}.s")
                subprocess.run([options.sinter, "compile", source, "--backend", "llvm", "--emit", "asm", "-o", result, *TARGETS[target]],
                               check=True, stderr=subprocess.DEVNULL, timeout=300)
                with open(result, encoding="utf-8") as file:
                    found, hot = check(f"{case}, {target}", file.read())
                print(f"{case:20} {target:12} {hot:4} hot loops" + (f", {len(found)} wrong" if found else ""))
                problems += found
    print("\n".join(problems), file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
