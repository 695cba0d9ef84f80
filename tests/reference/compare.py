"""Reference numbers for comparisons of experiments: Wilcoxon's signed-rank test by SciPy, Holm's correction by its definition, and the nested
bootstrap (seeds with replacement, pictures with replacement in each, or whole groups of them) in NumPy.

Writes compare.json. Run: python3 tests/reference/compare.py
Versions that made the committed file: NumPy 1.24, SciPy 1.10.
"""
import json
import os
import warnings

import numpy as np
from scipy.stats import wilcoxon

HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(11)
warnings.simplefilter("ignore")

tests = []


def add(name, d):
    d = np.asarray(d, float)
    used = d[(d != 0) & ~np.isnan(d)]
    plain = len(used) == len(d[~np.isnan(d)]) and len(set(np.abs(used))) == len(used)
    mode = "exact" if plain and len(used) <= 50 else "approx"
    w, p = wilcoxon(used, mode=mode, correction=False)
    tests.append({"name": name, "d": [None if v != v else v for v in d.tolist()], "w": float(w), "p": float(p), "n": len(used)})


for n in (1, 2, 5, 6, 12, 25, 40, 50, 51, 80, 200):
    add(f"normal {n}", rng.normal(0.2, 1, n))
add("all above", np.arange(1, 21) / 7)
add("ties", np.round(rng.normal(0.3, 1, 30), 1))
add("zeros", np.concatenate([np.zeros(5), rng.normal(0.5, 1, 20)]))
add("ties of both signs", [1, -1, 1, -1, 2, -2, 3, 3])
add("not a number", [0.3, float("nan"), 0.5, -0.1, 0.2, 0.7])


def nested(values, resamples):
    values = np.asarray(values)
    seeds, pictures = values.shape
    means = np.empty(resamples)
    for r in range(resamples):
        rows = rng.integers(0, seeds, seeds)
        means[r] = np.mean([values[s, rng.integers(0, pictures, pictures)].mean() for s in rows])
    return np.quantile(means, [0.025, 0.975])


boots = []
for seeds, pictures in ((1, 40), (5, 40), (3, 7)):
    v = rng.normal(0.75, 0.02, (seeds, 1)) + rng.normal(0, 0.08, (seeds, pictures))
    low, high = nested(v, 200000)
    boots.append({"values": v.tolist(), "mean": float(v.mean()), "low": float(low), "high": float(high)})


def grouped(values, group, resamples):
    values, group = np.asarray(values), np.asarray(group)
    members = [np.flatnonzero(group == g) for g in np.unique(group)]
    means = np.empty(resamples)
    for r in range(resamples):
        rows = rng.integers(0, len(values), len(values))
        means[r] = np.mean([values[s, np.concatenate([members[g] for g in rng.integers(0, len(members), len(members))])].mean() for s in rows])
    return np.quantile(means, [0.025, 0.975])


clusters = []
for seeds, sizes in ((1, (1, 2, 3, 4, 5, 6, 7)), (3, (2,) * 12)):
    group = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    v = rng.normal(0.75, 0.02, (seeds, 1)) + rng.normal(0, 0.06, len(sizes))[group] + rng.normal(0, 0.04, (seeds, len(group)))
    low, high = grouped(v, group, 100000)
    clusters.append({"values": v.tolist(), "group": [f"g{g}" for g in group], "mean": float(v.mean()), "low": float(low), "high": float(high)})


def holm(p):
    order, worst, out = np.argsort(p, kind="stable"), 0.0, np.empty(len(p))
    for i, k in enumerate(order):
        worst = max(worst, (len(p) - i) * p[k])
        out[k] = min(1.0, worst)
    return out


p = [0.01, 0.04, 0.03, 0.005, 0.5, 0.04]
json.dump({"wilcoxon": tests, "nested": boots, "clusters": clusters, "holm": {"p": p, "adjusted": holm(np.array(p)).tolist()}},
          open(os.path.join(HERE, "compare.json"), "w"), indent=None, separators=(",", ":"))
