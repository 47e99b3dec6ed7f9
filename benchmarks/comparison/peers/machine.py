"""Not a peer: what the machine can do at this moment."""

from comparison.host import Host
from comparison.peers.base import Peer


class Machine(Peer):
    def version(self):
        self.host = Host(self.settings["host"])
        return "1"

    def measure(self, peak=True):
        """The peak of fused multiply-adds in GFLOP/s and, with two threads or more, the core-to-core round trip in ns."""
        return {"peak": self.host.peak(self.threads) if peak else None,
                "round_trip": (self.host.round_trip() or None) if self.threads > 1 else None}


def create(_, settings):
    return Machine(settings)
