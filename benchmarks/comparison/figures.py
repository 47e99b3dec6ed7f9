"""Statistics of a comparison. Pure functions: benchmarks/self_check.py tests them."""

import math
import statistics

# Core-to-core round trips in ns are about 100 or about 500, rarely between: see docs/performance.md.
FAR_ROUND_TRIP = 230.0


def round_state(before, after):
    """What kind of round this was: "near" or "far" if both round trips agree, "mixed" if the cores moved in between, and
    "single" where none was measured."""
    if before is None or after is None:
        return "single"
    near = [trip < FAR_ROUND_TRIP for trip in (before, after)]
    if all(near):
        return "near"
    return "mixed" if any(near) else "far"


def main_state(states):
    """The state that most rounds had; ratios are quoted from rounds of that state alone. Mixed rounds count only where there
    is nothing else."""
    pure = [s for s in states if s != "mixed"]
    return statistics.mode(pure) if pure else "mixed"


def quoted(values, states):
    """The values of the rounds in the main state; None stands for a failed round and is left out."""
    main = main_state(states)
    return [v for v, s in zip(values, states) if s == main and v is not None]


def median(values):
    """None for no values."""
    return statistics.median(values) if values else None


def ratio(peer, sinter):
    """How many times faster Sinter is: peer / sinter; None where one is missing."""
    return peer / sinter if peer is not None and sinter else None


def geometric_mean(values):
    """Of the positive values, leaving out None; None if nothing is left."""
    logs = [math.log(v) for v in values if v is not None and v > 0]
    return math.exp(sum(logs) / len(logs)) if logs else None


def best(values):
    """The smallest, leaving out None."""
    return min((v for v in values if v is not None), default=None)


def with_roofline(row):
    """A convolution's row with rates. Its roofline is the larger of two times: all operations at the peak, all bytes at the
    speed of a stream of that footprint (Williams et al. 2009, doi:10.1145/1498765.1498785)."""
    time = row["sinter_ms"]
    gflops = row["flop"] * 1e-6 / time if time else None
    bound = max(row["flop"] * 1e-6 / row["peak_gflops"], row["stream_ms"])
    return {**row, "gflops": gflops, "share_of_peak": ratio(gflops, row["peak_gflops"]), "share_of_roofline": ratio(bound, time),
            "ratio": ratio(row["onednn_ms"], time)}
