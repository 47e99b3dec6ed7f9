#!/usr/bin/env python3
"""Fails allocations of `sinter compile`, one number after another spread over all of them: each compilation must write the same library as
ever, or print one sentence that names memory, exit with status 1, and leave nothing in its folder.

usage: compile_faults.py SINTER libfailing-malloc.so MODEL.onnx [--values 2000] [--jobs N] [--seed 1] [-- OPTIONS OF sinter compile]"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import random
import subprocess
import sys
import tempfile


class Compilation:
    def __init__(self, options):
        self.options = options

    def run(self, folder, **environment):
        """Status and what was printed."""
        command = [self.options.sinter, "compile", self.options.model, "-o", folder / "out.so", *self.options.rest]
        environment = dict(os.environ, LD_PRELOAD=self.options.preload, TMPDIR=str(folder), **environment)
        try:
            done = subprocess.run(command, env=environment, capture_output=True, timeout=120, check=False)
        except subprocess.TimeoutExpired:
            return None, "took more than 120 s"
        return done.returncode, done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace")

    def finding(self, status, text, left, expected):
        """What is wrong with an outcome; empty where nothing is."""
        if status is None or status < 0:
            return f"ended by signal {-status}: {text}" if status else text
        if status == 0:
            return "" if left == {"out.so": expected} else f"wrote something else: {sorted(left)}"
        lines = text.strip().splitlines()
        if left:
            return f"left {sorted(left)}: {text}"
        if status != 1 or len(lines) != 1 or not lines[0].startswith("sinter: error: "):
            return f"status {status}, no one sentence: {text}"
        return "" if "memory" in lines[0] else f"does not name memory: {text}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("sinter", type=pathlib.Path)
    parser.add_argument("preload", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--values", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=1)
    own, _, rest = " ".join(sys.argv[1:]).partition(" -- ")
    options = parser.parse_args(own.split())
    options.rest = rest.split()
    compilation = Compilation(options)
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        status, text = compilation.run(root, COUNT_ALLOCATIONS="1")
        if status != 0:
            sys.exit(f"compile_faults.py: the model does not compile: {text}")
        count = int(text.split("allocations: ")[1].split()[0])
        expected = (root / "out.so").read_bytes()
        print(f"{count} allocations", flush=True)

        def attempt(job):
            # Every other number fails with all that come after it, as where memory is short.
            index, number = job
            folder = root / str(index)
            folder.mkdir()
            status, text = compilation.run(folder, FAIL_ALLOCATION=f"{number},{1 if index % 2 == 0 else 1 << 40}")
            left = {path.name: path.read_bytes() for path in folder.iterdir()}
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
            return index, number, status, text, compilation.finding(status, text, left, expected)

        # The first ones are those of the program's start, where many things are made once.
        draw = random.Random(options.seed)
        step = count / options.values
        numbers = [max(1, int(step * i + draw.random() * step)) for i in range(options.values)]
        findings, outcomes = 0, collections.Counter()
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for index, number, status, text, finding in pool.map(attempt, enumerate(numbers)):
                outcomes["compiled" if status == 0 else text.strip()] += not finding
                if finding:
                    findings += 1
                    print(f"allocation {number}{'' if index % 2 == 0 else ' and all after it'}: {finding}", flush=True)
        for text, number in outcomes.most_common():
            print(f"{number:6} {text}")
        print(f"{len(numbers)} numbers, {findings} findings")
        sys.exit(findings > 0)


main()
