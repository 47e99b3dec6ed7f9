#!/usr/bin/env python3
"""Fits the polynomials of ir/ops/MathExpansions.cpp and prints them as C++ tables with their errors.

Each is the interpolation at Chebyshev points, computed with 60 digits: within a small factor of the minimax polynomial.
Needs python3-mpmath."""

from mpmath import atan, atanh, cos, erf, erfc, exp, expm1, floor, log, lu_solve, matrix, mp, mpf, pi, polyval, sin, sqrt

mp.dps = 60


def fit(name, function, low, high, terms, scale=lambda x: mpf(1)):
    """Prints coefficients of 1, x, x^2, ... and the largest error, weighted with `scale`."""
    low, high = mpf(low), mpf(high)
    nodes = [(low + high) / 2 + (high - low) / 2 * cos(pi * (2 * i + 1) / (2 * terms)) for i in range(terms)]
    vandermonde = matrix(terms, terms)
    for i, x in enumerate(nodes):
        for j in range(terms):
            vandermonde[i, j] = x**j
    c = list(lu_solve(vandermonde, matrix([function(x) for x in nodes])))
    points = [low + (high - low) * mpf(i) / 997 + mpf(10) ** -30 for i in range(997)]
    error = max(abs((polyval(c[::-1], x) - function(x)) * scale(x)) for x in points)
    print(f"// error {mp.nstr(error, 2)}")
    print(f"constexpr double {name}[] = {{" + ", ".join(repr(float(v)) for v in c) + "};")


def main():
    half = log(2) / 2
    # exp(r) = 1 + r + r^2 Q(r)
    tiny = mpf(10) ** -15

    def q(r):
        return (expm1(r) - r) / r**2 if abs(r) > tiny else mpf(1) / 2

    for name, terms in (("expF32", 5), ("expF64", 11)):
        fit(name, q, -half, half, terms, lambda r: r**2)

    # log(1 + f) = 2 atanh(s) = 2s + s z G(z), s = f/(2 + f), z = s^2, 1 + f in [sqrt(1/2), sqrt(2)]
    def g(z):
        return (2 * atanh(sqrt(z)) / sqrt(z) - 2) / z

    top = ((sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)) ** 2
    for name, terms in (("logF32", 3), ("logF64", 7)):
        fit(name, g, mpf(10) ** -12, top, terms, lambda z: z / 2)

    # log2(m) = 2/(3 log(2)) s (3 + z + z^2 L(z)), z = s^2, s = (m - 1)/(m + 1); twice double precision needs 2^-68
    def p(z):
        return 3 * (atanh(sqrt(z)) / sqrt(z) - 1 - z / 3) / z**2

    fit("log2F64", p, mpf(10) ** -10, top, 8, lambda z: z**2 / 3)

    # sin(r) = r + r z S(z), cos(r) = 1 - z/2 + z^2 C(z), z = r^2
    quarter = (pi / 4) ** 2
    fit("sinF64", lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z, mpf(10) ** -12, quarter, 7, lambda z: z)
    fit("cosF64", lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2, mpf(10) ** -10, quarter, 7, lambda z: z**2)

    # atan(t) = t + t z A(z), |t| <= tan(pi/8)
    fit("atanF64", lambda z: (atan(sqrt(z)) / sqrt(z) - 1) / z, mpf(10) ** -12, (sqrt(mpf(2)) - 1) ** 2, 12,
        lambda z: z)

    # erf(x) = x E(z), |x| <= 1; erfc(x) = exp(-x^2) C(u) / (1 + 2x), u = (x - 2)/(x + 2), x >= 1
    def e(z):
        return erf(sqrt(z)) / sqrt(z)

    for name, terms in (("erfF32", 7), ("erfF64", 13)):
        fit(name, e, mpf(10) ** -12, 1, terms)

    def c(u):
        x = 2 * (1 + u) / (1 - u)
        return erfc(x) * exp(x * x) * (1 + 2 * x)

    low = mpf(-1) / 3
    fit("erfcF32", c, low, mpf(9) / 13, 10)
    fit("erfcF64", c, low, mpf(25) / 29, 20)

    # 2^r = 1 + r E(r); Phi(-a) = exp(-a^2/2) t N(t), t = 1/(1 + 0.348 a)
    fit("exp2F32", lambda r: (mpf(2)**r - 1) / r, mpf(-1) / 2, mpf(1) / 2, 6, lambda r: r)

    def tail(a):
        return erfc(a / sqrt(mpf(2))) * exp(a * a / 2) / 2

    shrink = mpf("0.348")
    fit("normalF32", lambda t: tail((1 / t - 1) / shrink) / t, 1 / (1 + shrink * mpf("13.4")), 1, 9,
        lambda t: t / tail((1 / t - 1) / shrink))

    # 2/pi in words of 26 bits, the first after the binary point
    words = []
    mp.dps = 400
    rest = 2 / pi
    for _ in range(44):
        rest *= 2**26
        words.append(int(floor(rest)))
        rest -= words[-1]
    print("constexpr double twoOverPi[] = {" + ", ".join(map(str, words)) + "};")


if __name__ == "__main__":
    main()
