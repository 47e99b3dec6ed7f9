"""The process in which one peer runs. Reads a request a line from stdin and answers each with one line of JSON.

usage: python -m comparison.worker PEER SETTINGS-AS-JSON     started by process.py"""

import json
import os
import statistics
import sys
import time

import numpy as np

from comparison import peers


def memory(field):
    """VmHWM, the largest resident memory so far, or VmRSS, that of now; in bytes."""
    with open("/proc/self/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field + ":"))


def milliseconds(call):
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


class Server:
    """The requests: each is a method, which returns what to answer."""

    def __init__(self, name, settings):
        # Python and numpy are every worker's own cost, not a peer's.
        self.bare = memory("VmRSS")
        self.peer = peers.create(name, settings)

    def version(self):
        return {"version": self.peer.version()}

    def prepare(self, case, folder):
        """Compiles or converts, if the peer does so ahead of time."""
        os.makedirs(folder, exist_ok=True)
        taken = milliseconds(lambda: setattr(self, "artifact", self.peer.prepare(case, folder)))
        return {"artifact": self.artifact, "seconds": taken / 1e3 if self.peer.compiles else None,
                "bytes": sum(os.path.getsize(f) for f in self.peer.files(self.artifact))}

    def load(self, artifact, case):
        """From files to the first result."""
        x = np.load(case["input"])
        self.peer.version()  # imports the library
        # What the process holds of the input is not the peer's.
        self.bare += x.nbytes
        load = milliseconds(lambda: self.peer.load(artifact, x, case))
        first = milliseconds(self.peer.run)
        return {"load_ms": load, "first_ms": first, "memory": max(0, memory("VmHWM") - self.bare)}

    def check(self, reference):
        """The largest difference to the reference, relative to its largest magnitude."""
        right = np.load(reference)
        self.peer.run()
        result = np.asarray(self.peer.output())
        if result.size != right.size:
            raise ValueError(f"the output has {result.size} elements instead of {right.size}")
        difference = np.abs(result.reshape(right.shape).astype(np.float64) - right).max()
        return {"difference": float(difference / np.abs(right).max()) if np.isfinite(difference) else None}

    def run(self, seconds):
        """Repeats for so many seconds, at least once. The first run of a round finds caches as other peers left them and does
        not count, unless it alone takes longer than all of the round."""
        times = [milliseconds(self.peer.run)]
        if times[0] < seconds * 1e3:
            times = []
            end = time.perf_counter() + seconds
            while not times or time.perf_counter() < end:
                times.append(milliseconds(self.peer.run))
        return {"median_ms": statistics.median(times), "min_ms": min(times), "runs": len(times)}

    def measure(self, **arguments):
        """What only some peers offer: machine's peak and round trip, sinter's kernels."""
        return self.peer.measure(**arguments)


def main():
    # Libraries print; answers go to the stream that stdout was.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    server = None
    for line in sys.stdin:
        try:
            server = server or Server(sys.argv[1], json.loads(sys.argv[2]))
            request = json.loads(line)
            answer = getattr(server, request.pop("do"))(**request)
        except Exception as error:  # whatever a library may throw is that peer's failure
            lines = str(error).strip().splitlines()
            answer = {"error": f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"[:400]}
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
