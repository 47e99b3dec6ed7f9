"""A peer's process, seen from the driver: one JSON object a line, to and fro. Threads, allocators and crashes of a peer stay
in there."""

import json
import os
import select
import subprocess
import time

from comparison.environment import ROOT


class PeerError(Exception):
    """A peer cannot do what it was asked for; the text is its reason."""


class Worker:
    """A process that runs one peer. Use it in a `with`, which ends it."""

    def __init__(self, python, peer, threads, settings, log):
        """`settings` are the peer's; what its libraries print goes to the file `log`."""
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), TVM_NUM_THREADS=str(threads),
                           PYTHONPATH=os.path.join(ROOT, "benchmarks"))
        # Variables that hold back libraries of this process's own numpy must not hold back a peer.
        for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
            environment.pop(name, None)
        self.log = log
        os.makedirs(os.path.dirname(log), exist_ok=True)
        with open(log, "wb") as file:
            self.process = subprocess.Popen([python, "-m", "comparison.worker", peer, json.dumps({**settings, "threads": threads})],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, env=environment)
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def request(self, action, timeout=900, **arguments):
        """Asks for an action and returns the answer, an object. Raises PeerError for an error, a crash or a hang."""
        try:
            self.process.stdin.write(json.dumps({"do": action, **arguments}).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise PeerError(self.last_words()) from None
        answer = json.loads(self.read_line(time.monotonic() + timeout, timeout))
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer

    def read_line(self, deadline, timeout):
        while b"\n" not in self.pending:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                self.process.kill()
                raise PeerError(f"no answer within {timeout} s")
            chunk = os.read(self.process.stdout.fileno(), 1 << 16)
            if not chunk:
                raise PeerError(self.last_words())
            self.pending += chunk
        line, _, self.pending = self.pending.partition(b"\n")
        return line

    def last_words(self):
        """Why the process ended, as far as it said."""
        status = self.process.wait()
        with open(self.log, encoding="utf-8", errors="replace") as file:
            lines = file.read().strip().splitlines()
        return f"its process ended with status {status}" + (f": {lines[-1]}" if lines else "")
