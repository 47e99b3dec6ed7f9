#!/usr/bin/env python3
"""Rounding errors of Cook and Toom's algorithms F(m, r) at sets of points: how those of codegen/kernels/conv/CookToom.cpp were chosen.

Points are 0, infinity, and pairs +-p; the sets are all those of P pairs among --candidates. Each is tried on sums over --channels
channels in f32, of normal weights and rectified normal inputs. Printed are the root mean square and the largest difference from
f64, both over the largest result, and the bound of ir/ops/ConvolutionRange.cpp: how often the rounding error of a sum over all terms of
a tile the algorithm's own can be, along one axis. Needs numpy.

usage: winograd_points.py M R PAIRS... | M R --search P    [--plane]    (--plane: F(MxM, RxR))
examples: winograd_points.py 4 3 0.75 1.5 --plane
          winograd_points.py 4 7 --search 4
"""

import argparse
import itertools

import numpy as np


def matrices(outputs, taps, pairs):
    """A^T, G and B^T of Winograd's form, in f64."""
    points = [0.0] + [sign * p for p in pairs for sign in (1, -1)]
    extent = outputs + taps - 1
    if len(points) + 1 != extent:
        raise SystemExit(f"F({outputs}, {taps}) needs {extent} points: {(extent - 2) / 2:g} pairs, not {len(pairs)}")
    a = np.array([[p**i for p in points] + [float(i == outputs - 1)] for i in range(outputs)])
    g, b = np.zeros((extent, taps)), np.zeros((extent, extent))
    for j, p in enumerate(points):
        others = [q for k, q in enumerate(points) if k != j]
        g[j] = [p**k / np.prod([p - q for q in others]) for k in range(taps)]
        b[j, :-1] = np.poly(others)[::-1]
    g[-1, -1] = 1
    b[-1] = np.poly(points)[::-1]
    return a, g, b


def errors(outputs, taps, pairs, plane, channels, tiles):
    """Root mean square and maximum."""
    random = np.random.default_rng(0)
    a, g, b = matrices(outputs, taps, pairs)
    a2, g2, b2 = (a, g, b) if plane else [np.eye(1)] * 3  # along the other axis nothing is transformed
    single = np.float32
    w = random.normal(size=(channels, g.shape[1], g2.shape[1])).astype(single)
    x = np.maximum(random.normal(size=(channels, tiles, b.shape[1], b2.shape[1])), 0).astype(single)
    u = (g @ w.astype(float) @ g2.T).astype(single)
    v = b.astype(single) @ x @ b2.T.astype(single)
    sums = np.zeros(v.shape[1:], single)
    for channel in range(channels):
        sums += u[channel] * v[channel]
    y = a.astype(single) @ sums @ a2.T.astype(single)
    right = sum(np.einsum("c,ctij->tij", w[:, i, j].astype(float), x[:, :, i:i + a.shape[0], j:j + a2.shape[0]].astype(float))
                for i in range(w.shape[1]) for j in range(w.shape[2]))
    difference = (y - right) / np.abs(right).max()
    return np.sqrt((difference**2).mean()), np.abs(difference).max()


def amplification(outputs, taps, pairs):
    """The largest, over outputs, of sum over points of |A| * max |G| * sum |B|."""
    a, g, b = matrices(outputs, taps, pairs)
    return (abs(a) @ (abs(g).max(axis=1) * abs(b).sum(axis=1))).max()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("outputs", type=int)
    parser.add_argument("taps", type=int)
    parser.add_argument("pairs", type=float, nargs="*")
    parser.add_argument("--search", type=int, metavar="P", help="all sets of P pairs, the best first")
    parser.add_argument("--plane", action="store_true", help="the same along both axes of an image")
    parser.add_argument("--candidates", type=float, nargs="+", default=[.25, .5, .625, .75, .875, 1, 1.25, 1.5, 1.75, 2, 2.5, 3])
    parser.add_argument("--channels", type=int, default=192)
    parser.add_argument("--tiles", type=int, default=400)
    options = parser.parse_args()
    sets = itertools.combinations(options.candidates, options.search) if options.search else [tuple(options.pairs)]
    results = sorted(errors(options.outputs, options.taps, pairs, options.plane, options.channels, options.tiles) + (pairs,)
                     for pairs in sets)
    for mean, largest, pairs in results[:10]:
        bound = amplification(options.outputs, options.taps, pairs)
        print(f"rms {mean:.1e}  largest {largest:.1e}  bound {bound:.1f} an axis  +-{', +-'.join(f'{p:g}' for p in pairs)}")


if __name__ == "__main__":
    main()
