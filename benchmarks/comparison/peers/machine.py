"""Not a peer: what the machine can do at this moment."""

from comparison.host import Host
from comparison.peers.base import Peer


class Machine(Peer):
    def version(self):
        self.host = Host(self.settings["host"])
        return "1"

    def measure(self, peak=True, stream=None):
        """The peak of fused multiply-adds in GFLOP/s and, with two threads or more, the core-to-core round trip in ns. `stream`:
        bytes to read and write; then also the seconds that takes."""
        return {"stream": self.host.stream(*stream, self.threads) if stream else None,
                "peak": self.host.peak(self.threads) if peak else None,
                "round_trip": (self.host.round_trip() or None) if self.threads > 1 else None}


def create(_, settings):
    return Machine(settings)
