#!/usr/bin/python3
"""Checks what `sinter explain` counts on published networks: outcomes.py SINTER SOURCE_FOLDER.

No BatchNorm may have a kernel of its own, and none that was folded may come back as a fused one. Networks that are not there
are skipped, with the reason; where all are, the exit status is 77."""

import json
import os
import subprocess
import sys
from pathlib import Path

# Folded and fused BatchNorms of the networks that benchmarks/export_models.py writes. The fused ones stand before a ReLU
# whose convolution is padded or whose input is also a residual (docs/explain.md, ZERO_PAD_SHIFT and MULTI_CONSUMER).
EXPORTED = {
    "conv_relu_bn": (3, 10),
    "mlp_bn": (4, 0),
    "mobilenet_v3_large": (46, 0),
    "preact_resnet18": (8, 9),
    "unet_small": (22, 0),
}
# Of the model zoo's graphs with seeded weights, which scripts/test.sh writes into build/testdata/light.
LIGHT = {"light_densenet121": (121, 0), "light_inception_v2": (69, 0), "light_resnet50": (53, 0)}


def explain(sinter, model, *options):
    result = subprocess.run([sinter, "explain", str(model), "--format", "json", *options], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"sinter explain {model}: {result.stderr}")
    return json.loads(result.stdout)


def check(name, report, folded, fused):
    """Whether the BatchNorms came to what is expected; says so."""
    counts = report["summary"]["batch_norms"]
    got = (counts.get("folded", 0), counts.get("fused", 0))
    good = counts.get("kept", 0) == 0 and sum(got) == sum(counts.values()) and got == (folded, fused)
    print(f"{'ok    ' if good else 'FAILED'} {name}: {counts}" + ("" if good else f", expected {folded} folded, {fused} fused"))
    return good


def export(source, folder):
    """Writes the torch networks once; why that is impossible, or nothing."""
    missing = [name for name in EXPORTED if not (folder / f"{name}.onnx").exists()]
    script = source / "benchmarks" / "export_models.py"
    if not missing:
        return None
    if not script.exists():
        return f"{script} is not there"
    try:
        import onnx.helper  # noqa: F401
        import torch  # noqa: F401
        import torchvision  # noqa: F401
    except ImportError as error:
        return f"{error}: it needs Debian's python3-torch, python3-torchvision and python3-onnx"
    result = subprocess.run([sys.executable, str(script), "--out", str(folder), *missing], capture_output=True, text=True)
    return None if result.returncode == 0 else f"{script} failed: {result.stderr}"


def main():
    sinter, source = sys.argv[1], Path(sys.argv[2])
    results = []
    exported = Path(os.environ.get("SINTER_MODELS", source / "build" / "testdata" / "models"))
    problem = export(source, exported)
    if problem:
        print(f"skipped {', '.join(EXPORTED)}: {problem}")
    else:
        results += [check(n, explain(sinter, exported / f"{n}.onnx"), *want) for n, want in EXPORTED.items()]
    for name, want in LIGHT.items():
        model = source / "build" / "testdata" / "light" / name / "model.onnx"
        if model.exists():
            results.append(check(name, explain(sinter, model), *want))
        else:
            print(f"skipped {name}: scripts/test.sh writes it, with SINTER_TESTDATA set")
    data = os.environ.get("SINTER_TESTDATA")
    if data:
        # Its parameters are graph inputs with default values.
        model = Path(data) / "real" / "ultraface_RFB_320" / "model.onnx"
        results.append(check("ultraface_RFB_320 --freeze-inputs", explain(sinter, model, "--freeze-inputs"), 35, 0))
        rows = explain(sinter, model)["batch_norms"]
        named = all(row["code"] == "NON_CONST_PARAM" and "--freeze-inputs" in row["reason"] for row in rows)
        print(f"{'ok    ' if named else 'FAILED'} ultraface_RFB_320: every row names --freeze-inputs")
        results.append(named)
    if not results:
        sys.exit(77)
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
