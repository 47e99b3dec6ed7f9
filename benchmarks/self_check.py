#!/usr/bin/env python3
"""Checks the benchmarks' pure parts: statistics, states of rounds, tables, headers of .npy files. Needs only Python.

The last line is "N passed, N failed"; the exit status says the same."""

import os
import struct
import sys
import tempfile
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from comparison import environment, figures, models, report  # noqa: E402
from comparison.rounds import Comparison, Result  # noqa: E402


def check_states():
    assert figures.round_state(None, None) == "single"
    assert figures.round_state(110, 130) == "near"
    assert figures.round_state(480, 510) == "far"
    assert figures.round_state(110, 510) == figures.round_state(510, 110) == "mixed"
    assert figures.main_state(["far", "near", "far"]) == "far"
    assert figures.main_state(["mixed", "mixed", "near"]) == "near", "one pure round is worth more than mixed ones"
    assert figures.main_state(["mixed"]) == "mixed"


def check_quoted():
    # Rounds of another state, and failed ones, do not count.
    assert figures.quoted([1, 2, None, 4], ["near", "far", "near", "near"]) == [1, 4]
    assert figures.median(figures.quoted([10, 30, 20], ["single"] * 3)) == 20
    assert figures.median([]) is None


def check_means():
    assert abs(figures.geometric_mean([0.5, 2, None]) - 1) < 1e-12
    assert figures.geometric_mean([None]) is None
    assert figures.best([3, None, 2]) == 2
    assert figures.best([]) is None
    assert figures.ratio(3, 2) == 1.5
    assert figures.ratio(None, 2) is None and figures.ratio(3, None) is None


def check_roofline():
    row = {"sinter_ms": 2.0, "onednn_ms": 3.0, "flop": 1e8, "peak_gflops": 100.0, "stream_ms": 0.5}
    done = figures.with_roofline(row)
    assert abs(done["gflops"] - 50) < 1e-9 and abs(done["share_of_peak"] - 0.5) < 1e-9 and done["ratio"] == 1.5
    assert abs(done["share_of_roofline"] - 0.5) < 1e-9, "operations bind"
    assert abs(figures.with_roofline({**row, "stream_ms": 1.5})["share_of_roofline"] - 0.75) < 1e-9, "bytes bind"
    assert figures.with_roofline({**row, "sinter_ms": None})["ratio"] is None


def example():
    case = models.Case("net", 1, "net.onnx", "", "", [1, 3], "net.onnx", [1, 3])
    sinter = Result("sinter", medians=[10.0, 20.0, 11.0], minimum=9.0, difference=1e-6)
    runtime = Result("onnxruntime", medians=[15.0, 60.0, 16.0], minimum=14.0)
    broken = Result("ncnn", medians=[None] * 3, failure="cannot load")
    return Comparison(case, 2, 4.0, [sinter, runtime, broken], peaks=[500.0] * 3, trips=[(100, 120), (100, 500), (110, 115)])


def check_report():
    comparison = example()
    assert abs(report.speed_ratio(comparison, "onnxruntime") - 15.5 / 10.5) < 1e-12, "the mixed round is left out"
    assert report.speed_ratio(comparison, "ncnn") is None
    assert report.best_ratio(comparison) == report.speed_ratio(comparison, "onnxruntime")
    text = report.block(comparison)
    assert "2 of 3 rounds near" in text and "ncnn failed: cannot load" in text
    assert "geometric mean" in report.summary([comparison])
    rows = list(report.csv_rows(comparison))
    assert all(set(row) == set(report.CSV_COLUMNS) for row in rows)
    assert rows[0]["round_medians_ms"] == "10 20 11"


def check_numbers():
    values = (None, 0, 0.0123, 1.5, 12.345, 123.4, 12345.6)
    assert [report.number(v) for v in values] == ["-", "0", "0.0123", "1.50", "12.3", "123", "12346"]
    assert report.table([["a", "b"], ["long", "1"]]) == ["  a     b", "  long  1"]


def check_names():
    assert environment.canonical("Iree_base.Runtime==3.1") == "iree-base-runtime==3.1"
    exportable = models.exportable()
    assert len(exportable) == 23 and "resnet50" in exportable, exportable
    assert "resnext50" in models.others() and not set(models.others()) & set(exportable), models.others()


def check_npy():
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 8), }"
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
        file.flush()
        assert models.read_npy_shape(file.name) == [1, 3, 8]


def main():
    failed = 0
    checks = [value for name, value in sorted(globals().items()) if name.startswith("check_")]
    for check in checks:
        try:
            check()
        except Exception:
            failed += 1
            print(f"FAIL {check.__name__}")
            traceback.print_exc(file=sys.stdout)
    print(f"{len(checks) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
