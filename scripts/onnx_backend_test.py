#!/usr/bin/env python3
"""Runs ONNX's own backend test runner on the Python package. Last line: N passed, N failed, N skipped, where a skipped case needs what Sinter
refuses by name.
usage: SINTER_LIBRARY=build/release/lib/libsinter.so.1 PYTHONPATH=python scripts/onnx_backend_test.py [REGEX]   (needs python3-onnx)"""
import re
import sys
import unittest

import numpy
import onnx.backend.test
import sinter
import sinter.backend

# The runner of ONNX 1.12 uses names that NumPy 1.24 no longer has.
for name, kind in (("object", object), ("bool", bool)):
    if name not in vars(numpy):
        setattr(numpy, name, kind)


class Refused(unittest.SkipTest):
    pass


class Backend(sinter.backend.SinterBackend):
    """What is refused as unsupported counts as skipped, as in `sinter test`."""

    @classmethod
    def prepare(cls, model, device="CPU", **options):
        prepared = super().prepare(model, device, **options)
        run = prepared.run

        def run_or_skip(inputs, **keywords):
            try:
                return run(inputs, **keywords)
            except sinter.Error as error:
                if error.code == sinter.ErrorCode.UNSUPPORTED:
                    raise Refused(str(error)) from error
                raise

        prepared.run = run_or_skip
        return prepared


def main():
    pattern = re.compile(sys.argv[1] if len(sys.argv) > 1 else "OnnxBackendNodeModelTest|OnnxBackendSimpleModelTest|OnnxBackendPyTorch")
    cases = onnx.backend.test.BackendTest(Backend, __name__).test_cases
    load = unittest.defaultTestLoader.loadTestsFromTestCase
    chosen = unittest.TestSuite()

    def pick(tests):
        for test in tests:
            if isinstance(test, unittest.TestSuite):
                pick(test)
            elif pattern.search(test.id()) and not test.id().endswith("_cuda"):
                chosen.addTest(test)

    pick(unittest.TestSuite(load(case) for case in cases.values()))
    result = unittest.TextTestRunner(verbosity=0).run(chosen)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed, {len(result.skipped)} skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
