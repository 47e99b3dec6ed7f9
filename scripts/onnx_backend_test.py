#!/usr/bin/env python3
"""Runs ONNX's own backend test runner on the Python package, over the cases in folders, and `sinter test` over the same.
Prints both counts, and the cases that they judge differently, of which there must be none; the last line counts the cases
that are judged alike as passed. A skipped case needs what Sinter refuses by name.
usage: SINTER_LIBRARY=build/release/lib/libsinter.so.1 PYTHONPATH=python
       scripts/onnx_backend_test.py [--sinter PROGRAM] [--match REGEX] DATA
DATA has the folders node, simple, pytorch-converted and pytorch-operator of ONNX's onnx/backend/test/data. Needs an onnx
package that reads them."""
import argparse
import json
import os
import re
import subprocess
import sys
import unittest

import numpy as np
import onnx.backend.test
import onnx.backend.test.runner as runner
import sinter
import sinter.backend
from onnx.backend.test.case.test_case import TestCase

KINDS = {"node": "NodeModel", "simple": "SimpleModel", "pytorch-converted": "PyTorchConvertedModel",
         "pytorch-operator": "PyTorchOperatorModel"}


class Backend(sinter.backend.SinterBackend):
    """What is refused as unsupported counts as skipped, as in `sinter test`."""

    @classmethod
    def prepare(cls, model, device="CPU", **options):
        prepared = super().prepare(model, device, threads=1, jobs=1, **options)
        run = prepared.run

        def run_or_skip(inputs, **keywords):
            try:
                return run(inputs, **keywords)
            except sinter.Error as error:
                if error.code == sinter.ErrorCode.UNSUPPORTED:
                    raise unittest.SkipTest(str(error)) from error
                raise

        prepared.run = run_or_skip
        return prepared


def flat(values):
    """Tensors, sequences taken apart."""
    return [tensor for value in values for tensor in (flat(value) if isinstance(value, (list, tuple)) else [value])]


class Runner(onnx.backend.test.BackendTest):
    """With the tolerance of `sinter test`; and sequences are compared tensor by tensor: the runner's own comparison goes one
    level deeper, where a scalar has no length."""

    @classmethod
    def assert_similar_outputs(cls, ref_outputs, outputs, rtol, atol, model_dir=None):
        shapes = [[len(value) if isinstance(value, (list, tuple)) else None for value in values] for values in (ref_outputs, outputs)]
        if shapes[0] != shapes[1]:
            raise AssertionError(f"outputs have the structure {shapes[1]} instead of {shapes[0]}")
        for want, got in zip(flat(ref_outputs), flat(outputs)):
            is_float = want.dtype.kind == "f"
            largest = np.abs(want[np.isfinite(want)]).max(initial=0) if is_float else 0
            super().assert_similar_outputs([want], [got], rtol, max(atol, 1e-5 * largest), model_dir)


def cases_in(data):
    """Gives the runner the recorded cases; it makes those of single operators up itself otherwise."""

    def load(kind):
        folder = os.path.join(data, kind)
        names = sorted(os.listdir(folder)) if kind in KINDS else []
        return [TestCase(name=name, model_name=name, url=None, model_dir=os.path.join(folder, name), model=None, data_sets=None,
                         kind=kind, rtol=1e-3, atol=1e-7)
                for name in names if os.path.exists(os.path.join(folder, name, "model.onnx"))]

    return load


class Result(unittest.TestResult):
    """Status and reason by case: ("node/test_abs": ("passed", ""))."""

    def __init__(self):
        super().__init__()
        self.cases = {}

    def note(self, test, status, reason=""):
        category, name = test.id().split(".")[-2:]
        kind = next(kind for kind, title in KINDS.items() if category == f"OnnxBackend{title}Test")
        self.cases[f"{kind}/{name.removesuffix('_cpu')}"] = status, reason

    def addSuccess(self, test):
        self.note(test, "passed")

    def addSkip(self, test, reason):
        if not test.id().endswith("_cuda"):
            self.note(test, "skipped", reason)

    def addError(self, test, error):
        self.note(test, "failed", f"{error[0].__name__}: {error[1]}")

    addFailure = addError


def run_onnx(data, pattern):
    runner.load_model_tests = cases_in(data)
    result = Result()
    for case in Runner(Backend, __name__).test_cases.values():
        for test in unittest.defaultTestLoader.loadTestsFromTestCase(case):
            if pattern.search(test.id()):
                test.run(result)
    return result.cases


def run_sinter(program, data, pattern):
    cases = {}
    for kind in KINDS:
        output = subprocess.run([program, "test", "--format", "json", os.path.join(data, kind)], capture_output=True, text=True).stdout
        for case in json.loads(output)["cases"]:
            if pattern.search(f"{case['name']}_cpu"):
                cases[f"{kind}/{case['name']}"] = case["status"], case["reason"]
    return cases


def counts(cases):
    statuses = [status for status, _ in cases.values()]
    return ", ".join(f"{statuses.count(status)} {status}" for status in ("passed", "failed", "skipped"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--sinter", default=os.path.join(here, "..", "build", "release", "bin", "sinter"))
    parser.add_argument("--match", default="", type=re.compile)
    arguments = parser.parse_args()
    pattern = re.compile(arguments.match)
    theirs, ours = run_onnx(arguments.data, pattern), run_sinter(arguments.sinter, arguments.data, pattern)
    different = [name for name in sorted(theirs.keys() | ours.keys())
                 if theirs.get(name, ("absent",))[0] != ours.get(name, ("absent",))[0]]
    for name in different:
        for who, cases in (("ONNX's runner", theirs), ("sinter test", ours)):
            print(f"{name}: {who}: {' '.join(cases.get(name, ('absent', ''))).splitlines()[:12]}")
    print(f"ONNX's runner: {counts(theirs)}")
    print(f"sinter test:   {counts(ours)}")
    alike = len(theirs.keys() | ours.keys()) - len(different)
    print(f"{alike} passed, {len(different)} failed, 0 skipped")  # judged alike, or not
    return bool(different) or not theirs


if __name__ == "__main__":
    sys.exit(main())
