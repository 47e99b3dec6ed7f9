"""Draws a comparison's CSV: for each model the peers' times over Sinter's, as PNG and SVG.

usage: python -m comparison.plot RESULTS.csv STEM     writes STEM.png and STEM.svg"""

import csv
import sys

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import FuncFormatter, NullFormatter  # noqa: E402

from comparison.peers import CATALOGUE  # noqa: E402

# A colour a peer, the same in every plot (Okabe and Ito's palette, which the colour-blind can tell apart).
COLOURS = {"onednn": "#999999", "onnxruntime": "#0072B2", "openvino": "#56B4E9", "ncnn": "#E69F00", "iree": "#009E73",
           "tvm": "#CC79A7", "pytorch": "#D55E00"}


def draw(axes, rows, heading):
    """One panel: a group of bars a model."""
    models = list(dict.fromkeys(r["model"] for r in rows))
    peers = [p for p in COLOURS if any(r["peer"] == p and r["ratio"] for r in rows)]
    width = 0.8 / max(1, len(peers))
    for i, peer in enumerate(peers):
        ratios = {r["model"]: float(r["ratio"]) for r in rows if r["peer"] == peer and r["ratio"]}
        places = [models.index(m) - 0.4 + (i + 0.5) * width for m in ratios]
        # Bars start at 1, where both are equally fast.
        axes.bar(places, [v - 1 for v in ratios.values()], width, bottom=1, color=COLOURS[peer], label=CATALOGUE[peer].title)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(range(len(models)), models, rotation=35, ha="right")
    axes.set_ylabel("time / Sinter's time")
    axes.set_title(heading, fontsize=11, loc="left")
    axes.grid(axis="y", which="major", alpha=0.3)
    axes.set_axisbelow(True)
    axes.margins(x=0.01)


def main():
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["peer"] != "sinter"]
    groups = list(dict.fromkeys((int(r["batch"]), int(r["threads"])) for r in rows))
    models = len({r["model"] for r in rows})
    figure, panels = plt.subplots(len(groups), 1, squeeze=False, figsize=(max(8, 2 + 0.8 * models), 0.8 + 3.6 * len(groups)))
    for axes, (batch, threads) in zip(panels[:, 0], groups):
        draw(axes, [r for r in rows if (int(r["batch"]), int(r["threads"])) == (batch, threads)],
             f"batch {batch}, {threads} thread{'s' * (threads > 1)}: above 1 Sinter is faster")
    handles = {label: h for a in panels[:, 0] for h, label in zip(*a.get_legend_handles_labels())}
    figure.legend(handles.values(), handles.keys(), loc="upper center", ncol=max(1, min(len(handles), models + 3)),
                  frameon=False, fontsize=9)
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.5 / figure.get_figheight()))
    for ending in ("png", "svg"):
        figure.savefig(f"{sys.argv[2]}.{ending}", dpi=150)


if __name__ == "__main__":
    main()
