"""One model, batch size and thread count: what each peer needs before its first result, then rounds in which each runs in turn.

The machine's clock, its other guests and its core-to-core distance change within minutes. So every round holds all peers,
in rotated order, and is marked with what the machine could do just then."""

import contextlib
import dataclasses
import json
import os
import time

from comparison import figures
from comparison.peers import CATALOGUE
from comparison.process import PeerError, Worker

# Threads of the last peer may spin for a while after its last run.
PAUSE = 0.02


@dataclasses.dataclass
class Result:
    """What one peer did. Times in ms, sizes in bytes; None where it does not apply or failed, `failure` says why."""
    peer: str
    version: str = ""
    failure: str = ""
    medians: list = dataclasses.field(default_factory=list)  # one a round, None for a failed one
    minimum: float = None
    difference: float = None      # to the reference, relative to its largest value
    compile_seconds: float = None
    artifact_bytes: int = None
    first_result: float = None    # loading plus the first run, in a fresh process
    memory: int = None            # peak resident, of that process, beyond bare Python


@dataclasses.dataclass
class Comparison:
    case: object
    threads: int
    gflop: float
    results: list
    peaks: list = dataclasses.field(default_factory=list)    # GFLOP/s, one a round
    trips: list = dataclasses.field(default_factory=list)    # (before, after) in ns, one a round

    @property
    def states(self):
        return [figures.round_state(*trip) for trip in self.trips]

    def median(self, result):
        """Over the rounds of the state that ratios are quoted from."""
        return figures.median(figures.quoted(result.medians, self.states))

    @property
    def peak(self):
        return figures.median(figures.quoted(self.peaks, self.states))


class Bench:
    """What all comparisons share: programs, folders, settings."""

    def __init__(self, pythons, settings, scratch, options, progress):
        self.pythons = pythons      # peer: its interpreter
        self.settings = settings    # of the workers
        self.scratch = scratch
        self.options = options
        self.progress = progress

    def worker(self, peer, threads):
        return Worker(self.pythons.get(peer, self.pythons["sinter"]), peer, threads, self.settings,
                      os.path.join(self.scratch, "logs", peer + ".log"))

    def prepare(self, result, case, threads):
        """Compiles or converts in a process of its own, or takes what an earlier comparison made of the same file with the
        same version. Returns the artefact."""
        folder = os.path.join(self.scratch, "artifacts", result.peer, f"{case.name}.batch{case.batch}")
        record = os.path.join(folder, "prepared.json")
        with self.worker(result.peer, threads) as worker:
            result.version = worker.request("version")["version"]
            key = [result.version, case.onnx, os.path.getmtime(case.onnx), os.path.getsize(case.onnx)]
            answer = None
            if CATALOGUE[result.peer].caches and os.path.exists(record):
                with open(record, encoding="utf-8") as file:
                    kept = json.load(file)
                answer = kept["answer"] if kept["key"] == key and os.path.exists(kept["answer"]["artifact"]) else None
            if answer is None:
                answer = worker.request("prepare", case=dataclasses.asdict(case), folder=folder, timeout=self.options.compile_timeout)
                with open(record, "w", encoding="utf-8") as file:
                    json.dump({"key": key, "answer": answer}, file)
        result.compile_seconds, result.artifact_bytes = answer["seconds"], answer["bytes"]
        return answer["artifact"]

    def start_cold(self, result, artifact, case, threads):
        """Load-to-first-result time and memory: medians over fresh processes."""
        answers = []
        for _ in range(self.options.cold):
            with self.worker(result.peer, threads) as worker:
                answers.append(worker.request("load", artifact=artifact, case=dataclasses.asdict(case)))
        result.first_result = figures.median([a["load_ms"] + a["first_ms"] for a in answers])
        result.memory = figures.median([a["memory"] for a in answers])

    def compare(self, case, threads, gflop, peers):
        """The peers on one model; a peer that fails stays in the results with its reason."""
        comparison = Comparison(case, threads, gflop, [Result(p) for p in peers])
        with contextlib.ExitStack() as stack:
            workers = {}
            for result in comparison.results:
                self.progress(f"{result.peer}: compiling and loading")
                with failing(result):
                    artifact = self.prepare(result, case, threads)
                    self.start_cold(result, artifact, case, threads)
                    worker = stack.enter_context(self.worker(result.peer, threads))
                    worker.request("load", artifact=artifact, case=dataclasses.asdict(case))
                    result.difference = worker.request("check", reference=case.reference)["difference"]
                    workers[result.peer] = worker
            machine = stack.enter_context(self.worker("machine", threads))
            machine.request("version")
            for number in range(self.options.rounds):
                self.run_round(comparison, workers, machine, number)
        return comparison

    def run_round(self, comparison, workers, machine, number):
        before = machine.request("measure")
        comparison.peaks.append(before["peak"])
        shift = number % len(comparison.results)
        for result in comparison.results[shift:] + comparison.results[:shift]:
            self.progress(f"round {number + 1} of {self.options.rounds}: {result.peer}")
            answer = None
            if result.peer in workers:
                time.sleep(PAUSE)
                with failing(result):
                    answer = workers[result.peer].request("run", seconds=self.options.seconds)
            if answer is None:
                workers.pop(result.peer, None)
                result.medians.append(None)
                continue
            result.medians.append(answer["median_ms"])
            result.minimum = min(answer["min_ms"], result.minimum or answer["min_ms"])
        time.sleep(PAUSE)
        after = machine.request("measure", peak=False)
        comparison.trips.append((before["round_trip"], after["round_trip"]))


@contextlib.contextmanager
def failing(result):
    """Turns a peer's failure into its result."""
    try:
        yield
    except PeerError as error:
        result.failure = str(error)
