"""What a comparison prints and writes: a block a model, tables of ratios at the end, one CSV row a peer and model."""

import csv

from comparison import figures
from comparison.peers import CATALOGUE


def number(value, digits=3):
    """Three significant digits without an exponent; a dash for None."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    if abs(value) >= 10**digits:
        return f"{value:.0f}"
    text = f"{value:#.{digits}g}"
    return text.rstrip(".") if "e" not in text else f"{value:.2g}"


def percent(value):
    return "-" if value is None else f"{100 * value:.0f} %"


def megabytes(value):
    return "-" if value is None else f"{value / 1e6:.1f}"


def table(rows, indent="  "):
    """Lines of a table: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [indent + "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))).rstrip()
            for row in rows]


def result_of(comparison, peer):
    return next((r for r in comparison.results if r.peer == peer), None)


def speed_ratio(comparison, peer):
    """peer / sinter, of the medians."""
    result, sinter = result_of(comparison, peer), result_of(comparison, "sinter")
    return figures.ratio(comparison.median(result), comparison.median(sinter)) if result and sinter else None


def best_ratio(comparison):
    """The fastest peer's median over Sinter's; Sinter's own backends are no peers."""
    ratios = [speed_ratio(comparison, r.peer) for r in comparison.results if r.peer not in ("sinter", "onednn")]
    return figures.best(ratios)


def title(comparison):
    return f"{comparison.case.name}, batch {comparison.case.batch}, {comparison.threads} thread{'s' * (comparison.threads > 1)}"


def machine_line(comparison):
    line = f"{comparison.gflop:.3g} GFLOP, FMA peak {number(comparison.peak)} GFLOP/s"
    states = comparison.states
    if not states or states[0] == "single":
        return line
    trips = [t for trip in comparison.trips for t in trip if t is not None]
    main = figures.main_state(states)
    return (f"{line}, core-to-core round trip {min(trips):.0f} to {max(trips):.0f} ns; "
            f"{states.count(main)} of {len(states)} rounds {main}")


def block(comparison):
    """Everything about one model."""
    rows = [["", "median ms", "min ms", "x Sinter", "GFLOP/s", "of peak", "error", "compile s", "size MB", "first ms", "memory MB"]]
    failures = []
    for result in comparison.results:
        median = comparison.median(result)
        gflops = comparison.gflop / (median * 1e-3) if median else None
        rows.append([CATALOGUE[result.peer].title, number(median), number(result.minimum), number(speed_ratio(comparison, result.peer)),
                     number(gflops), percent(figures.ratio(gflops, comparison.peak)),
                     "-" if result.difference is None else f"{result.difference:.0e}",
                     number(result.compile_seconds), megabytes(result.artifact_bytes), number(result.first_result),
                     megabytes(result.memory)])
        if result.failure:
            failures.append(f"  {CATALOGUE[result.peer].title} failed: {result.failure}")
    return "\n".join([f"{title(comparison)}: {machine_line(comparison)}", *table(rows), *failures, ""])


def value_ratio(comparison, peer, field):
    """peer / sinter of a field of the results."""
    result, sinter = result_of(comparison, peer), result_of(comparison, "sinter")
    return figures.ratio(getattr(result, field), getattr(sinter, field)) if result and sinter else None


def summary(comparisons):
    """A table of ratios for each batch size and thread count, with geometric means."""
    lines = []
    for batch, threads in sorted({(c.case.batch, c.threads) for c in comparisons}):
        group = [c for c in comparisons if (c.case.batch, c.threads) == (batch, threads)]
        peers = [r.peer for r in group[0].results if r.peer != "sinter"]
        if not peers:
            continue
        columns = [*peers, "best peer"]
        rows = [["", "Sinter ms", "of peak", "error", *columns]]
        ratios = {c: [] for c in columns}
        for comparison in group:
            sinter = result_of(comparison, "sinter")
            median = comparison.median(sinter)
            share = comparison.gflop / (median * 1e-3) / comparison.peak if median and comparison.peak else None
            row = [speed_ratio(comparison, p) for p in peers] + [best_ratio(comparison)]
            for column, value in zip(columns, row):
                ratios[column].append(value)
            rows.append([comparison.case.name, number(median), percent(share),
                         "-" if sinter.difference is None else f"{sinter.difference:.0e}", *map(number, row)])
        rows.append(["geometric mean", "", "", "", *(number(figures.geometric_mean(ratios[c])) for c in columns)])
        rows.append(["smallest", "", "", "", *(number(figures.best(ratios[c])) for c in columns)])
        for field, name in (("first_result", "first result"), ("memory", "peak memory"), ("artifact_bytes", "size"),
                            ("compile_seconds", "compile time")):
            means = [figures.geometric_mean([value_ratio(c, p, field) for c in group]) for p in peers]
            rows.append([f"{name}, geometric mean", "", "", "", *map(number, means), ""])
        lines += [f"Peer's median over Sinter's, batch {batch}, {threads} thread{'s' * (threads > 1)}; above 1 Sinter is faster (smaller):",
                  *table(rows), ""]
    return "\n".join(lines)


CSV_COLUMNS = ["model", "batch", "threads", "peer", "version", "median_ms", "min_ms", "ratio", "gflop", "gflops", "peak_gflops",
               "share_of_peak", "error", "compile_s", "artifact_bytes", "first_result_ms", "memory_bytes", "state",
               "rounds_in_state", "rounds", "round_trip_before_ns", "round_trip_after_ns", "round_medians_ms", "failure"]


def csv_rows(comparison):
    """One dictionary a peer; what has a value a round is joined by spaces."""
    states = comparison.states
    main = figures.main_state(states) if states else ""
    for result in comparison.results:
        median = comparison.median(result)
        gflops = comparison.gflop / (median * 1e-3) if median else None
        yield {
            "model": comparison.case.name, "batch": comparison.case.batch, "threads": comparison.threads, "peer": result.peer,
            "version": result.version, "median_ms": median, "min_ms": result.minimum, "ratio": speed_ratio(comparison, result.peer),
            "gflop": comparison.gflop, "gflops": gflops, "peak_gflops": comparison.peak,
            "share_of_peak": figures.ratio(gflops, comparison.peak), "error": result.difference,
            "compile_s": result.compile_seconds, "artifact_bytes": result.artifact_bytes, "first_result_ms": result.first_result,
            "memory_bytes": result.memory, "state": main, "rounds_in_state": states.count(main), "rounds": len(states),
            "round_trip_before_ns": joined(t[0] for t in comparison.trips), "round_trip_after_ns": joined(t[1] for t in comparison.trips),
            "round_medians_ms": joined(result.medians), "failure": result.failure}


def joined(values):
    return " ".join("" if v is None else f"{v:.6g}" for v in values).strip()


class CsvFile:
    """Rows as they come, so that an interrupted comparison leaves what it had."""

    def __init__(self, path, columns=CSV_COLUMNS):
        self.file = open(path, "w", newline="", encoding="utf-8")
        self.writer = csv.DictWriter(self.file, columns)
        self.writer.writeheader()

    def add(self, rows):
        for row in rows:
            self.writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
        self.file.flush()
