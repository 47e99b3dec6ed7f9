"""The models to compare on: which there are, at which batch size, with which input and which right answer."""

import dataclasses
import json
import os
import subprocess
import sys

from comparison.environment import DEBIAN_PYTHON, ROOT, SetupError

EXPORTER = os.path.join(ROOT, "benchmarks", "export_models.py")


@dataclasses.dataclass
class Case:
    """A model on `batch` inputs of the size that it was exported for. Files: the model, one input, what the unoptimised model
    answers to it."""
    name: str
    batch: int
    onnx: str
    input: str
    reference: str
    shape: list
    single: str         # the model as it was exported,
    single_shape: list  # and the shape of its input


def names_in(folder):
    """Names of the models in `folder` that have an input and an output beside them."""
    if not os.path.isdir(folder):
        return []
    stems = [f[:-len(".onnx")] for f in sorted(os.listdir(folder)) if f.endswith(".onnx")]
    return [s for s in stems if all(os.path.exists(os.path.join(folder, s + end)) for end in (".input.npy", ".output.npy"))]


def exportable():
    """Names of the usual networks, in the exporter's order."""
    return names_listed_in(EXPORTER)


def others():
    """Names of the networks beside the usual ones."""
    return names_listed_in(os.path.join(os.path.dirname(EXPORTER), "other_models.py"))


def default_names(folder):
    """The usual networks, and those that the user put into `folder`."""
    not_usual = others()
    return list(dict.fromkeys([*exportable(), *(n for n in names_in(folder) if n not in not_usual)]))


def known():
    """Names of all networks that the exporter can write."""
    return [*exportable(), *others()]


def names_listed_in(path):
    """Keys of the table MODELS of a Python file, without running it (it needs PyTorch)."""
    names = []
    with open(path, encoding="utf-8") as file:
        inside = False
        for line in file:
            inside = line.startswith("MODELS = {") or (inside and not line.startswith("}"))
            if inside and line.startswith('    "'):
                names.append(line.split('"')[1])
    return names


def export(names, folder):
    """Writes models that are not there yet."""
    there, writable = names_in(folder), known()
    missing = [n for n in names if n not in there]
    unknown = [n for n in missing if n not in writable]
    if unknown:
        raise SetupError(f"no model is called '{unknown[0]}': {folder} has no {unknown[0]}.onnx with .input.npy and .output.npy, "
                         "and benchmarks/export_models.py does not know it (see --list)")
    if missing:
        print(f"exporting {len(missing)} models to {folder}", file=sys.stderr)
        if subprocess.call([DEBIAN_PYTHON, EXPORTER, "--out", folder, *missing], stdout=sys.stderr) != 0:
            raise SetupError("the models cannot be exported")


def make_case(name, batch, folder, scratch, python, sinter):
    """The model on `batch` of its inputs at once. Variants and their references are kept in `scratch` until the model changes."""
    stem = os.path.join(folder, name)
    recorded = read_npy_shape(stem + ".input.npy")
    if batch == 1:
        return Case(name, 1, stem + ".onnx", stem + ".input.npy", stem + ".output.npy", recorded, stem + ".onnx", recorded)
    scratch = os.path.join(scratch, f"batch{batch}")
    os.makedirs(scratch, exist_ok=True)
    variant = os.path.join(scratch, name)
    case = Case(name, batch, variant + ".onnx", variant + ".input.npy", variant + ".output.npy", [batch * recorded[0], *recorded[1:]],
                stem + ".onnx", recorded)
    if newer(case.reference, stem + ".onnx"):
        return case
    if name in known():
        # Exporters write sizes into the graph (ShuffleNet's reshapes), so another batch size is another export.
        run_or_fail([DEBIAN_PYTHON, EXPORTER, "--out", scratch, "--batch", str(batch), name], f"exporting {name} at batch {batch}")
        return case
    run_or_fail([python, "-m", "comparison.batch_variant", stem, variant, str(batch)], f"{name} at batch {batch}")
    # Written under another name first: an interrupted reference must not look like a finished one.
    partial = variant + ".partial.npy"
    run_or_fail([sinter, "run", case.onnx, "--backend", "reference", "-O0", "--input", case.input, "--output", partial],
                f"the reference of {name} at batch {batch}")
    os.replace(partial, case.reference)
    return case


def newer(path, than):
    return os.path.exists(path) and os.path.getmtime(path) >= os.path.getmtime(than)


def run_or_fail(command, what):
    environment = dict(os.environ, PYTHONPATH=os.path.join(ROOT, "benchmarks"))
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"]
        raise SetupError(f"{what}: {lines[-1]}")
    return done.stdout


def gflop(sinter, path):
    """10^9 multiplications and additions of the model as it was imported, whatever an optimiser spares."""
    summary = json.loads(run_or_fail([sinter, "explain", path, "--format", "json"], f"sinter explain {path}"))["summary"]
    return 2e-9 * summary["macs_before"]


def read_npy_shape(path):
    """The shape in the header of a .npy file (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html)."""
    with open(path, "rb") as file:
        start = file.read(10)
        if start[:6] != b"\x93NUMPY":
            raise SetupError(f"{path} is no .npy file")
        if start[6] == 1:
            length = int.from_bytes(start[8:10], "little")
        else:
            length = int.from_bytes(start[8:10] + file.read(2), "little")
        header = file.read(length).decode("latin-1")
    shape = header.partition("'shape':")[2].partition("(")[2].partition(")")[0]
    return [int(d) for d in shape.split(",") if d.strip()]
