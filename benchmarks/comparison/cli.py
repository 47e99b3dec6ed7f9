"""The command line of benchmarks/compare: which models, which peers, in what order, where results go."""

import argparse
import os
import signal
import subprocess
import sys

from comparison import models, report
from comparison.environment import DEBIAN_PYTHON, ROOT, SCRATCH, SetupError, Venv, find_build, processor
from comparison.peers import CATALOGUE
from comparison.process import PeerError
from comparison.rounds import Bench

DESCRIPTION = """\
Compares Sinter's compiled models with other ways to run the same networks on this processor.

Every peer runs in a process of its own, from ONNX files that have all their BatchNorms. In each round every peer
runs for a moment, in turn; a peer's figure is the median over rounds of its median in a round. What it prints:

  x Sinter     the peer's median over Sinter's: above 1, Sinter is faster
  GFLOP/s      operations of the model as exported, whatever an optimiser spares, over the median
  of peak      share of the fused multiply-adds that the cores reach at that moment
  error        largest difference to the unoptimised model's answer, relative to its largest value
  compile, size, first, memory
               compile time; size of what is shipped; loading plus first run, and peak resident memory, of a new process

docs/performance.md explains how to read them, and what moves them."""

EXAMPLES = """\
examples:
  benchmarks/compare --list                                  models and peers
  benchmarks/compare --models resnet18,mobilenet_v2 --peers onnxruntime --rounds 3
  benchmarks/compare --others --peers onnxruntime            networks that nothing was fitted to
  benchmarks/compare --threads 1,2 --batch 1,8 --csv results.csv --plot results      everything; hours
  ONEDNN_MAX_CPU_ISA=AVX2 benchmarks/compare --peers onednn --compile-option=--target-cpu=haswell

Missing packages are installed into build/benchmarks/venv, models are exported to build/benchmarks/models (that
needs Debian's python3-torch, python3-torchvision, python3-onnx). Close other programs: the rounds hold noise off,
they do not undo it."""


def parse(arguments):
    parser = argparse.ArgumentParser(prog="benchmarks/compare", description=DESCRIPTION, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=words, metavar="A,B", help="models to run (default: the usual ones, and yours in the folder)")
    parser.add_argument("--others", action="store_true",
                        help="by default run the networks of benchmarks/other_models.py: other widths, sizes, groups, 1-D, 3-D, batches")
    parser.add_argument("--peers", type=words, metavar="A,B", help="peers to compare with (default: all; Sinter always runs)")
    parser.add_argument("--threads", type=counts, default=[1], metavar="N,N", help="thread counts (default: 1)")
    parser.add_argument("--batch", type=counts, default=[1], metavar="N,N", help="inputs at once (default: 1)")
    parser.add_argument("--rounds", type=count, default=5, metavar="N", help="rounds (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.3, metavar="S", help="time of a peer in a round (default: %(default)s)")
    parser.add_argument("--cold", type=int, default=3, metavar="N", help="new processes to time the first result in (default: %(default)s)")
    parser.add_argument("--csv", metavar="FILE", help="write every figure, with each round's, as CSV")
    parser.add_argument("--plot", metavar="STEM", help="draw the ratios: STEM.png and STEM.svg")
    parser.add_argument("--list", action="store_true", help="print models and peers, run nothing")
    parser.add_argument("--compile-option", action="append", default=[], metavar="OPT", dest="compile_options",
                        help="a further option of sinter compile, e.g. --compile-option=--target-cpu=haswell")
    parser.add_argument("--models-dir", default=os.path.join(SCRATCH, "models"), metavar="DIR",
                        help="folder of NAME.onnx, NAME.input.npy, NAME.output.npy (default: build/benchmarks/models)")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"), metavar="DIR",
                        help="build folder with bin/sinter and lib/benchmark-host.so (default: build/release)")
    parser.add_argument("--venv", default=os.path.join(SCRATCH, "venv"), metavar="DIR",
                        help="Python environment of the peers (default: build/benchmarks/venv)")
    parser.add_argument("--compile-timeout", type=float, default=1800, metavar="S",
                        help="longest a peer may compile (default: %(default)s)")
    options = parser.parse_args(arguments)
    for peer in options.peers or []:
        if peer not in CATALOGUE:
            parser.error(f"no peer is called '{peer}'; there are {', '.join(CATALOGUE)}")
    if options.seconds <= 0:
        parser.error("--seconds must be above 0")
    return options


def words(text):
    return [word for word in text.split(",") if word]


def count(text):
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return int(text)


def counts(text):
    return [count(part) for part in text.split(",")]


def list_all(folder):
    there = set(models.names_in(folder))
    print("models:")
    for name in dict.fromkeys([*models.default_names(folder), *models.others()]):
        print(f"  {name:21s} {'in ' + folder if name in there else 'exported when needed'}")
    print("peers:")
    for entry in CATALOGUE.values():
        needs = ", ".join(r.lstrip("!") for r in entry.requirements) or entry.debian
        print(f"  {entry.name:12s} {entry.title}{' (' + needs + ')' if needs else ''}: {entry.note}")


def find_pythons(peers, venv):
    """{peer: interpreter} of the peers that can be had; says why others cannot."""
    pythons = {}
    for name in peers:
        entry = CATALOGUE[name]
        try:
            if entry.debian:
                module = entry.debian.removeprefix("python3-")
                if subprocess.run([DEBIAN_PYTHON, "-c", f"import {module}, numpy"], capture_output=True).returncode != 0:
                    raise SetupError(f"needs Debian's {entry.debian}")
                pythons[name] = DEBIAN_PYTHON
            else:
                venv.install(entry.requirements)
                pythons[name] = venv.python
        except SetupError as error:
            print(f"compare: without {entry.title}: {error}", file=sys.stderr)
    return pythons


class Progress:
    """One line on the terminal, overwritten; nothing where stderr is no terminal."""

    def __init__(self):
        self.prefix = ""
        self.shown = sys.stderr.isatty()

    def __call__(self, text):
        if self.shown:
            print(f"\r\033[K{self.prefix}{text}", end="", file=sys.stderr, flush=True)

    def clear(self):
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def run(options):
    sinter, host = find_build(os.path.abspath(options.build), ["bin/sinter", "lib/benchmark-host.so"])
    venv = Venv(os.path.abspath(options.venv))
    venv.create()
    if options.plot:
        venv.install(["matplotlib==3.11.2"])
    peers = list(dict.fromkeys(["sinter", *(options.peers or CATALOGUE)]))
    pythons = find_pythons(peers, venv)
    peers = [p for p in peers if p in pythons]
    folder = os.path.abspath(options.models_dir)
    names = options.models or (models.others() if options.others else models.default_names(folder))
    models.export(names, folder)

    progress = Progress()
    settings = {"sinter": sinter, "host": host, "compile_options": options.compile_options}
    bench = Bench(pythons, settings, SCRATCH, options, progress)
    # The plot is drawn from the CSV, wanted or not.
    csv_path = options.csv or (os.path.join(SCRATCH, "plot.csv") if options.plot else None)
    table = report.CsvFile(csv_path) if csv_path else None
    print(f"{processor()}, {len(os.sched_getaffinity(0))} cores; {options.rounds} rounds of {options.seconds:g} s\n", flush=True)
    comparisons, left_out = [], 0
    for batch in options.batch:
        for name in names:
            progress.prefix = f"{name}, batch {batch}: "
            progress("preparing")
            try:
                case = models.make_case(name, batch, folder, os.path.join(SCRATCH, "models-at"), venv.python, sinter)
            except SetupError as error:
                # One model that is not to be had at this size must not end the rest.
                progress.clear()
                print(f"compare: without {name} at batch {batch}: {error}\n", file=sys.stderr)
                left_out += 1
                continue
            gflop = models.gflop(sinter, case.onnx)
            for threads in options.threads:
                progress.prefix = f"{name}, batch {batch}, {threads} thread{'s' * (threads > 1)}: "
                comparisons.append(bench.compare(case, threads, gflop, peers))
                progress.clear()
                print(report.block(comparisons[-1]), flush=True)
                if table:
                    table.add(report.csv_rows(comparisons[-1]))
    print(report.summary(comparisons))
    if options.plot:
        environment = dict(os.environ, PYTHONPATH=os.path.join(ROOT, "benchmarks"))
        if subprocess.call([venv.python, "-m", "comparison.plot", csv_path, options.plot], env=environment) != 0:
            raise SetupError("the plot cannot be drawn")
    return 0 if not left_out and all(not r.failure for c in comparisons for r in c.results if r.peer == "sinter") else 1


def main():
    options = parse(None)
    if options.list:
        list_all(options.models_dir)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return run(options)
    except (SetupError, PeerError, OSError) as error:
        print(f"compare: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ncompare: interrupted", file=sys.stderr)
        return 130
