#!/usr/bin/env python3
"""Writes loss.json: values and gradients of every loss, from PyTorch in double.

  python3 tests/reference/loss.py        (PyTorch 1.13 made the committed file)

The formulas are written here a second time, by way of softmax and autograd
where core/loss uses closed forms. Inputs are float32 numbers.
"""
import json
import math
import os

import torch
import torch.nn.functional as F

torch.manual_seed(7)
inputs = {}


def f32(t):
    return t.to(torch.float32).to(torch.float64)


def add_input(name, shape, kind="random", spread=2.0):
    x = torch.randn(shape, dtype=torch.float64) * spread
    t = x + torch.randn(shape, dtype=torch.float64)
    y = (torch.rand(shape) < 0.3).to(torch.float64)
    if kind == "extreme":
        some = [-100.0, 100.0, -30.0, 30.0, -8.0, 8.0, 0.0, -1.5, 1.5]
        n = math.prod(shape)
        x = torch.tensor([some[i % 9] for i in range(n)], dtype=torch.float64).reshape(shape)
        t = torch.tensor([some[(i * 5 + i // 9) % 9] for i in range(n)], dtype=torch.float64).reshape(shape)
        y = torch.tensor([float((i + i // 9) % 2) for i in range(n)], dtype=torch.float64).reshape(shape)
    elif kind == "empty":
        y = torch.zeros(shape, dtype=torch.float64)
    elif kind == "full":
        y = torch.ones(shape, dtype=torch.float64)
    elif kind == "prob":
        x, t = torch.sigmoid(x), torch.sigmoid(t)
    number = torch.arange(math.prod(shape), dtype=torch.float64).reshape(shape)
    i = torch.tensor([1.0, 0.6, 0.4, 1.0, 0.5, 1.0, 0.0])[(number % 7).long()].to(torch.float64)
    w = (number * 7 % 11) / 5  # 0 to 2, some 0
    if name == "holes":  # whole cells outside
        i[:, :, :4, :4] = 0
    inputs[name] = tuple(f32((v * 1e4).round() / 1e4) for v in (x, y, t, i, w))


add_input("small", (2, 1, 5, 7))
add_input("odd", (1, 1, 9, 13))
add_input("even", (2, 1, 8, 8))
add_input("three", (3, 2, 4, 6))
add_input("flat", (11,))
add_input("extreme", (1, 1, 6, 9), "extreme")
add_input("empty", (1, 1, 6, 6), "empty")
add_input("full", (1, 1, 6, 6), "full")
add_input("prob", (2, 1, 5, 6), "prob")
add_input("holes", (2, 1, 9, 11))
add_input("wide", (1, 1, 5, 150))

WEIGHTS = None  # the weights of the pixels of a case: weight where inside >= 0.5, else 0; None: neither is given


def mean(v):
    return v.mean() if WEIGHTS is None else (WEIGHTS * v).sum() / WEIGHTS.sum()


def logs(x, prob):
    """log p and log(1-p)"""
    return (torch.log(x), torch.log(1 - x)) if prob else (F.logsigmoid(x), F.logsigmoid(-x))


def p_of(x, o):
    return x if o.get("input") == "prob" else torch.sigmoid(x)


def smoothed(y, o):
    s = o.get("smoothing", 0)
    return y if s == 0 else (1 - s) * y + s / 2


def bce(x, y, t, o, target=None):
    h = smoothed(y, o) if target is None else target
    lp, lq = logs(x, o.get("input") == "prob")
    return mean(-o.get("weight", 1) * h * lp - (1 - h) * lq)


def soft_target(x, y, t, o):
    a = o.get("alpha", 0.5)
    return bce(x, y, t, o, None if a == 0 else a * p_of(t, o) + (1 - a) * smoothed(y, o))


def focal(x, y, t, o):
    g, a = o.get("gamma", 2), o.get("alpha", 0.25)
    p = p_of(x, o)
    lp, lq = logs(x, o.get("input") == "prob")
    ce = -y * lp - (1 - y) * lq
    m = 1 - (p * y + (1 - p) * (1 - y))
    w = 1 if a < 0 else a * y + (1 - a) * (1 - y)
    return mean(w * m ** g * ce)


def mse(x, y, t, o):
    return mean((p_of(x, o) - (y if t is None else p_of(t, o))) ** 2)


def overlap(f):
    def loss(x, y, t, o):
        p, s = p_of(x, o), o.get("smooth", 1)
        w = torch.ones_like(p) if WEIGHTS is None else WEIGHTS
        one = lambda a, b, c: f((c * a * b).sum(), (c * a).sum(), (c * b).sum(), s, o)
        if o.get("reduce") == "image":
            return torch.stack([one(p[i], y[i], w[i]) for i in range(p.shape[0])]).mean()
        return one(p, y, w)
    return loss


dice = overlap(lambda i, p, y, s, o: 1 - (2 * i + s) / (p + y + s))
jaccard = overlap(lambda i, p, y, s, o: 1 - (i + s) / (p + y - i + s))
tversky = overlap(lambda i, p, y, s, o: 1 - (i + s) / (
    i + o.get("alpha", 0.5) * (p - i) + o.get("beta", 0.5) * (y - i) + s))


def two(z, o):
    """log distribution over (vessel, background) at temperature tau"""
    if o.get("input") == "prob":
        z = torch.log(z) - torch.log(1 - z)
    return F.log_softmax(torch.stack([z, torch.zeros_like(z)]) / o.get("tau", 1), 0)


def divergence(ls, lt, direction):
    """of log distributions along dimension 0"""
    if direction == "student_teacher":
        return (ls.exp() * (ls - lt)).sum(0)
    if direction == "teacher_student":
        return (lt.exp() * (lt - ls)).sum(0)
    m = torch.logsumexp(torch.stack([ls, lt]), 0) - math.log(2)
    return ((ls.exp() * (ls - m)).sum(0) + (lt.exp() * (lt - m)).sum(0)) / 2


def kl_divergence(x, y, t, o):
    # a mask: log 0 as a number so small that its exp is 0
    lt = two(t, o) if t is not None else torch.stack([(1 - y) * -1e4, y * -1e4])
    d = mean(divergence(two(x, o), lt, o.get("direction", "teacher_student")))
    return d * o.get("tau", 1) ** 2 if o.get("tau_squared") else d


def deep_distribution(x, y, t, o):
    H, W = x.shape[2:]
    if "patch" in o:
        h = w = o["patch"]
    else:
        side = math.isqrt(o.get("patches", 16))
        h, w = -(-H // side), -(-W // side)
    s, q = p_of(x, o), (y if t is None else p_of(t, o))
    weights = torch.ones_like(s) if WEIGHTS is None else WEIGHTS
    terms = []
    for top in range(0, H, h):
        for left in range(0, W, w):
            cell = [v[:, :, top:top + h, left:left + w] for v in (s, q, weights)]
            if o.get("edge") == "drop" and tuple(cell[0].shape[2:]) != (h, w):
                continue
            area = cell[2].sum((2, 3))
            ls = []
            for v in cell[:2]:
                if o.get("count") == "hard":
                    v = v + ((v > 0.5).to(v.dtype) - v).detach()
                fg = (v * cell[2]).sum((2, 3))
                z = torch.stack([fg, area - fg])
                if o.get("scale") == "fraction":
                    z = z / area.clamp(min=1e-9)
                ls.append(F.log_softmax(z / o.get("tau", 3), 0))
            terms.append(divergence(*ls, o.get("direction", "student_teacher"))[area > 0])
    return torch.cat(terms).mean()


def erode(x):
    """the least of each pixel and its four neighbours"""
    return torch.min(-F.max_pool2d(-x, (3, 1), 1, (1, 0)), -F.max_pool2d(-x, (1, 3), 1, (0, 1)))


def soft_skeleton(x, n):
    def rest(v):
        return F.relu(v - F.max_pool2d(erode(v), 3, 1, 1))

    s = rest(x)
    for _ in range(n):
        x = erode(x)
        d = rest(x)
        s = s + F.relu(d - s * d)
    return s


def cldice(x, y, t, o):
    smooth, n = o.get("smooth", 1), o.get("iterations", 5)
    w = torch.ones_like(x) if WEIGHTS is None else WEIGHTS
    p, y = [torch.where(w > 0, v, torch.zeros_like(v)) for v in (p_of(x, o), y)]
    sp, sy = soft_skeleton(p, n), soft_skeleton(y, n)

    def one(k):
        tp = ((w * sp * y)[k].sum() + smooth) / ((w * sp)[k].sum() + smooth)
        ts = ((w * sy * p)[k].sum() + smooth) / ((w * sy)[k].sum() + smooth)
        return 1 - 2 * tp * ts / (tp + ts)

    if o.get("reduce") == "image":
        return torch.stack([one(k) for k in range(x.shape[0])]).mean()
    return one(slice(None))


cases = []


def case(loss, name, use, **options):
    global WEIGHTS
    x, y, t, i, w = inputs[name]
    WEIGHTS = None
    if "i" in use or "w" in use:
        WEIGHTS = (w if "w" in use else torch.ones_like(x)) * (i >= 0.5 if "i" in use else 1)
    x = x.clone().requires_grad_()
    value = globals()[loss](x, y if "y" in use else None, t if "t" in use else None, options)
    value.backward()
    cases.append({"loss": loss, "input": name, "use": use, "options": options, "value": float(value.detach()),
                  "grad": [float("%.7g" % g) for g in x.grad.flatten().tolist()]})


for name in ("small", "flat", "extreme", "empty", "full"):
    case("bce", name, "y")
    case("bce", name, "y", weight=4)
    case("soft_target", name, "yt", alpha=0.5)
    case("focal", name, "y")
    case("mse", name, "y")
    for loss in ("dice", "jaccard", "tversky"):
        case(loss, name, "y")
case("bce", "prob", "y", input="prob", weight=3)
case("soft_target", "odd", "yt", alpha=0.2)
case("soft_target", "odd", "y", alpha=0)
case("soft_target", "prob", "yt", alpha=1, input="prob")
case("focal", "odd", "y", gamma=0.5, alpha=-1)
case("focal", "small", "y", gamma=0, alpha=0.6)
case("focal", "small", "y", gamma=5, alpha=1)
case("focal", "prob", "y", input="prob", gamma=1.5)
case("mse", "extreme", "yt")
case("mse", "prob", "t", input="prob")
for loss in ("dice", "jaccard"):
    case(loss, "three", "y", reduce="image")
    case(loss, "three", "y", smooth=10)
    case(loss, "prob", "y", input="prob")
    case(loss, "prob", "y", input="prob", reduce="image", smooth=0.25)
case("tversky", "three", "y", reduce="image", alpha=0.3, beta=0.7)
case("tversky", "odd", "y", alpha=0.9, beta=0.2, smooth=0.1)
case("tversky", "prob", "y", input="prob", alpha=2, beta=1)
for direction in ("teacher_student", "student_teacher", "js"):
    case("kl_divergence", "small", "t", direction=direction)
    case("kl_divergence", "odd", "yt", direction=direction, tau=2.5, tau_squared=True)
    case("kl_divergence", "extreme", "t", direction=direction, tau=4)
    case("kl_divergence", "extreme", "t", direction=direction)
    case("kl_divergence", "prob", "t", direction=direction, tau=2, input="prob")
    case("deep_distribution", "even", "t", direction=direction)
    case("deep_distribution", "odd", "t", direction=direction, patches=9, tau=1)
    case("deep_distribution", "odd", "yt", direction=direction, patch=4, edge="drop")
    case("deep_distribution", "three", "t", direction=direction, patch=4, scale="fraction", tau=0.2)
    case("deep_distribution", "small", "y", direction=direction, patches=4, scale="fraction", tau=0.1)
    case("deep_distribution", "small", "t", direction=direction, patch=3, count="hard", tau=2)
    case("deep_distribution", "prob", "t", direction=direction, patches=4, tau=0.7, input="prob")
    case("deep_distribution", "extreme", "t", direction=direction, patch=3, tau=0.5)
case("kl_divergence", "flat", "y", direction="js")
case("kl_divergence", "flat", "y", tau=2)
case("deep_distribution", "empty", "y", patch=2)
case("deep_distribution", "full", "y", patch=2)
case("deep_distribution", "prob", "y", input="prob", count="hard", patch=2)

for use in ("yi", "yw", "yiw"):
    for name in ("small", "odd", "extreme"):
        case("bce", name, use, weight=3)
        case("focal", name, use)
        case("mse", name, use)
        case("soft_target", name, use + "t", alpha=0.3)
        case("kl_divergence", name, use, tau=2)
        for loss in ("dice", "jaccard", "tversky"):
            case(loss, name, use)
            case(loss, name, use, reduce="image", smooth=0.5)
    for direction in ("teacher_student", "student_teacher", "js"):
        case("kl_divergence", "odd", use[1:] + "t", direction=direction, tau=1.5)
        case("deep_distribution", "odd", use[1:] + "t", direction=direction, patch=4, tau=1)
        case("deep_distribution", "holes", use, direction=direction, patch=2, scale="fraction", tau=0.3)
        case("deep_distribution", "holes", use[1:] + "t", direction=direction, patch=4, edge="drop", count="hard")
    case("dice", "prob", use, input="prob")
    case("bce", "prob", use, input="prob")
    case("deep_distribution", "prob", use, input="prob", patch=3, tau=1)

for name in ("small", "odd", "three", "empty", "full"):
    case("cldice", name, "y")
    case("cldice", name, "y", reduce="image", smooth=0.5, iterations=2)
case("cldice", "prob", "y", input="prob", iterations=3)
for use in ("yi", "yw", "yiw"):
    case("cldice", "odd", use, iterations=3)
    case("cldice", "holes", use, reduce="image")

for name in ("small", "odd", "extreme", "empty"):
    case("bce", name, "y", smoothing=0.1, weight=2)
    case("soft_target", name, "yt", smoothing=0.2, alpha=0.4)
case("bce", "prob", "y", input="prob", smoothing=1)
case("bce", "odd", "yiw", smoothing=0.3)
case("soft_target", "odd", "y", smoothing=0.1, alpha=0)

case("cldice", "wide", "y", iterations=2)

out = {"inputs": {n: dict(shape=list(v[0].shape), **{k: [float("%.8g" % e) for e in a.flatten().tolist()]
                                                    for k, a in zip("xytiw", v)}) for n, v in inputs.items()},
       "cases": cases}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "loss.json")
with open(path, "w") as f:
    json.dump(out, f, separators=(",", ":"))
print(path, os.path.getsize(path), "bytes,", len(cases), "cases")
