"""The command line of benchmarks/convolutions: every distinct convolution of the models, Sinter's kernel beside oneDNN's."""

import argparse
import collections
import json
import os
import subprocess
import sys

from comparison import figures, models, report
from comparison.cli import Progress, count
from comparison.environment import ROOT, SCRATCH, SetupError, Venv, find_build, processor
from comparison.peers import CATALOGUE
from comparison.process import PeerError, Worker

DESCRIPTION = """\
Times every distinct convolution of the models, with a bias, as a model of its own: Sinter's generated kernel beside
oneDNN's convolution primitive (as its own log reports it: layouts of its choice, no reorders).

  ms           median over rounds of the convolution's kernels; whole: with the changes of layout around them
  of peak      share of the fused multiply-adds that the cores reach at that moment; operations are those of the direct
               convolution, so an algorithm with fewer may exceed 100 %
  of roofline  share of what those and the layer's bytes allow, the bytes read and written once at the speed at
               which this machine streams a footprint of that size
  x Sinter     oneDNN's time over Sinter's: above 1, Sinter is faster"""

EXAMPLES = """\
examples:
  benchmarks/convolutions --models resnet50                        a table of its 23 layers
  benchmarks/convolutions --models mobilenet_v2 --kind depthwise   only kinds that hold this word
  benchmarks/convolutions --csv layers.csv                         all layers of all models; half an hour

Hot: a layer runs again and again on the same data, which is kinder than a whole network is."""

COLUMNS = ["key", "kind", "models", "count", "flop", "read_bytes", "write_bytes", "threads", "peak_gflops", "stream_ms", "sinter_ms",
           "sinter_whole_ms", "onednn_ms", "onednn_whole_ms", "gflops", "share_of_peak", "share_of_roofline", "ratio", "failure"]


def parse():
    parser = argparse.ArgumentParser(prog="benchmarks/convolutions", description=DESCRIPTION, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=lambda t: t.split(","), metavar="A,B", help="models whose layers to run (default: all)")
    parser.add_argument("--kind", default="", metavar="WORD", help="only kinds that contain this, e.g. 3x3, depthwise, 'stride 2'")
    parser.add_argument("--threads", type=count, default=1, metavar="N", help="threads (default: 1)")
    parser.add_argument("--rounds", type=count, default=3, metavar="N", help="rounds (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.1, metavar="S", help="time of a backend in a round (default: %(default)s)")
    parser.add_argument("--csv", metavar="FILE", help="write every figure as CSV")
    parser.add_argument("--list", action="store_true", help="print the layers, run nothing")
    parser.add_argument("--compile-option", action="append", default=[], metavar="OPT", dest="compile_options",
                        help="a further option of sinter compile, e.g. --compile-option=--target-cpu=haswell")
    parser.add_argument("--models-dir", default=os.path.join(SCRATCH, "models"), metavar="DIR",
                        help="folder of the models (default: build/benchmarks/models)")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"), metavar="DIR",
                        help="build folder (default: build/release)")
    parser.add_argument("--venv", default=os.path.join(SCRATCH, "venv"), metavar="DIR",
                        help="Python environment (default: build/benchmarks/venv)")
    return parser.parse_args()


def find_layers(options, venv, folder):
    """Descriptions of the layers, as convolution_models.py prints them; their files are in `folder`."""
    source = os.path.abspath(options.models_dir)
    names = options.models or models.default_names(source)
    models.export(names, source)
    paths = [os.path.join(source, n + ".onnx") for n in names]
    text = models.run_or_fail([venv.python, "-m", "comparison.convolution_models", folder, *paths], "reading the models' convolutions")
    layers = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    wanted = [layer for layer in layers if options.kind in layer["kind"]]
    return sorted(wanted, key=lambda layer: (layer["kind"], -layer["flop"], layer["key"]))


def describe(layer):
    """ "64x56x56 -> 256x56x56", without the batch dimension where it is 1."""
    shapes = [s[1:] if s[0] == 1 else s for s in (layer["input"], layer["output"])]
    return " -> ".join("x".join(map(str, s)) for s in shapes)


class Workers:
    """The processes of the backends and of the machine's own figures, started when first needed; a failed one is replaced."""

    def __init__(self, start):
        self.start = start
        self.running = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in list(self.running):
            self.drop(name)

    def get(self, name):
        if name not in self.running:
            self.running[name] = self.start(name)
            self.running[name].request("version")
        return self.running[name]

    def drop(self, name):
        if name in self.running:
            self.running.pop(name).__exit__()


def measure(layer, workers, options, folder):
    """A row of the table: rounds in which both backends run in turn."""
    stem = os.path.join(folder, layer["key"])
    case = {"name": layer["key"], "onnx": stem + ".onnx", "input": stem + ".input.npy"}
    row = {**{k: layer[k] for k in ("key", "kind", "count", "flop", "read_bytes", "write_bytes")},
           "models": " ".join(layer["models"]), "threads": options.threads}
    answers = collections.defaultdict(list)
    artifacts = {}

    def ask(name, action, **arguments):
        """A backend's answer; its failure is the layer's."""
        try:
            return workers.get(name).request(action, case=case, **arguments)
        except PeerError as error:
            row["failure"] = f"{name}: {error}"
            workers.drop(name)
            artifacts.pop(name, None)
            return None

    for name in ("sinter", "onednn"):
        if prepared := ask(name, "prepare", folder=os.path.join(folder, name)):
            artifacts[name] = prepared["artifact"]
    for _ in range(options.rounds):
        answers["machine"].append(workers.get("machine").request("measure", stream=[layer["read_bytes"], layer["write_bytes"]]))
        for name, artifact in list(artifacts.items()):
            if answer := ask(name, "measure", artifact=artifact, seconds=options.seconds):
                answers[name].append(answer)
    for artifact in artifacts.values():
        os.remove(artifact)

    def middle(name, field):
        return figures.median([a[field] for a in answers[name] if a[field] is not None])

    row.update(peak_gflops=middle("machine", "peak"), stream_ms=middle("machine", "stream") * 1e3,
               sinter_ms=middle("sinter", "kernel_ms"), sinter_whole_ms=middle("sinter", "total_ms"),
               onednn_ms=middle("onednn", "primitive_ms"), onednn_whole_ms=middle("onednn", "total_ms"))
    return figures.with_roofline(row)


def table_row(layer, row):
    return [describe(layer), str(layer["count"]), report.number(layer["flop"] * 1e-9), report.number(row["sinter_ms"]),
            report.number(row["sinter_whole_ms"]), report.number(row["gflops"]), report.percent(row["share_of_peak"]),
            report.percent(row["share_of_roofline"]), report.number(row["onednn_ms"]), report.number(row["ratio"])]


HEAD = ["", "used", "GFLOP", "ms", "whole", "GFLOP/s", "of peak", "of roofline", "oneDNN ms", "x Sinter"]


def kinds_table(rows):
    """Medians and means of each kind of layer."""
    kinds = collections.defaultdict(list)
    for row in rows:
        kinds[row["kind"]].append(row)
    lines = [["", "layers", "median of peak", "median of roofline", "x Sinter, geometric mean"]]
    for kind, group in sorted(kinds.items()):
        lines.append([kind, str(len(group)), *(report.percent(figures.median([r[f] for r in group if r[f] is not None]))
                                               for f in ("share_of_peak", "share_of_roofline")),
                      report.number(figures.geometric_mean([r["ratio"] for r in group]))])
    lines.append(["all", str(len(rows)), "", "", report.number(figures.geometric_mean([r["ratio"] for r in rows]))])
    return report.table(lines)


def run(options):
    programs = find_build(os.path.abspath(options.build), ["bin/sinter", "lib/benchmark-host.so"])
    venv = Venv(os.path.abspath(options.venv))
    venv.create()
    venv.install(CATALOGUE["onnxruntime"].requirements)  # tells shapes that are computed
    folder = os.path.join(SCRATCH, "convolutions")
    progress = Progress()
    progress("reading the models")
    layers = find_layers(options, venv, folder)
    progress.clear()
    if options.list:
        for layer in layers:
            print(f"{layer['kind']:22s} {describe(layer):34s} {layer['flop'] * 1e-9:8.3f} GFLOP  {', '.join(layer['models'])}")
        return 0
    settings = {"sinter": programs[0], "host": programs[1], "compile_options": options.compile_options}
    csv_file = report.CsvFile(options.csv, COLUMNS) if options.csv else None
    print(f"{processor()}, {options.threads} thread{'s' * (options.threads > 1)}; "
          f"{len(layers)} layers, {options.rounds} rounds of {options.seconds:g} s\n")
    rows = []

    def start(name):
        return Worker(venv.python, name, options.threads, settings, os.path.join(SCRATCH, "logs", f"layers-{name}.log"))

    os.environ["ONEDNN_VERBOSE"] = "1"  # read by the oneDNN worker
    with Workers(start) as workers:
        for kind in dict.fromkeys(layer["kind"] for layer in layers):
            group = [layer for layer in layers if layer["kind"] == kind]
            lines = [HEAD]
            for layer in group:
                progress(f"layer {len(rows) + 1} of {len(layers)}: {kind} {describe(layer)}")
                rows.append(measure(layer, workers, options, folder))
                lines.append(table_row(layer, rows[-1]))
                if csv_file:
                    csv_file.add(rows[-1:])
            progress.clear()
            failures = [f"  {r['key']}: {r['failure']}" for r in rows if r["kind"] == kind and "failure" in r]
            print("\n".join([kind, *report.table(lines), *failures, ""]), flush=True)
    print("\n".join(["By kind", *kinds_table(rows)]))
    return 1 if any("failure" in row for row in rows) else 0


def main():
    try:
        return run(parse())
    except (SetupError, PeerError, OSError, subprocess.SubprocessError) as error:
        print(f"convolutions: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nconvolutions: interrupted", file=sys.stderr)
        return 130
