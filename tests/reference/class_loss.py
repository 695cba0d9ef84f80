#!/usr/bin/env python3
"""Writes class_loss.json: values and gradients of the losses for K exclusive classes, from PyTorch in double.

  python3 tests/reference/class_loss.py        (PyTorch 1.13 made the committed file)

cross_entropy is PyTorch's own; the others are written here from their formulas with log_softmax and autograd. Labels of -1
are void. Inputs are float32 numbers.
"""
import json
import math
import os

import torch
import torch.nn.functional as F

torch.manual_seed(11)
inputs = {}


def f32(t):
    return t.to(torch.float32).to(torch.float64)


def add_input(name, shape, kind="random"):
    B, K, H, W = shape
    x = torch.randn(shape, dtype=torch.float64) * 2
    t = x + torch.randn(shape, dtype=torch.float64)
    y = torch.randint(0, K, (B, 1, H, W)).to(torch.float64)
    number = torch.arange(B * H * W, dtype=torch.float64).reshape(B, 1, H, W)
    if kind == "void":
        y[number % 5 == 0] = -1
        y[:, :, :3, :3] = -1  # a whole cell
    if kind == "absent":  # two classes have no pixel
        y = y.clamp(max=K - 3)
    if kind == "prob":
        x, t = torch.softmax(x, 1), torch.softmax(t, 1)
    if kind == "extreme":
        some = [-100.0, 100.0, -30.0, 30.0, 8.0, 0.0, 1.5]
        n = math.prod(shape)
        x = torch.tensor([some[i % 7] for i in range(n)], dtype=torch.float64).reshape(shape)
        t = torch.tensor([some[(i * 5 + i // 7) % 7] for i in range(n)], dtype=torch.float64).reshape(shape)
    i = torch.tensor([1.0, 0.6, 0.4, 1.0, 0.5, 1.0, 0.0])[(number % 7).long()].to(torch.float64)
    w = (number * 7 % 11) / 5
    inputs[name] = tuple(f32((v * 1e4).round() / 1e4) for v in (x, y, t, i, w))


add_input("three", (2, 3, 5, 7))
add_input("void", (1, 4, 7, 9), "void")
add_input("absent", (2, 6, 5, 6), "absent")
add_input("prob", (2, 3, 6, 5), "prob")
add_input("extreme", (1, 3, 6, 9), "extreme")
add_input("two", (2, 2, 8, 8))
add_input("wide", (1, 5, 3, 70))  # more than a tile


class Case:
    """The tensors of a case: label y [B,H,W], weight of each pixel m [B,H,W] (0 where void)."""

    def __init__(self, name, use, options):
        x, y, t, i, w = inputs[name]
        self.o, self.x = options, x.clone().requires_grad_()
        self.m = (y[:, 0] >= 0).to(torch.float64)
        if "i" in use:
            self.m = self.m * (i[:, 0] >= 0.5)
        if "w" in use:
            self.m = self.m * w[:, 0]
        self.y = torch.where(self.m > 0, y[:, 0], torch.zeros_like(self.m)).long()
        self.t = t if "t" in use else None
        self.K = x.shape[1]
        self.hot = F.one_hot(self.y, self.K).permute(0, 3, 1, 2).to(torch.float64)

    def prob(self):
        return self.o.get("input") == "prob"

    def log(self, z):
        return torch.log(z) if self.prob() else F.log_softmax(z, 1)

    def soft(self, z):
        """log distribution at temperature tau"""
        return F.log_softmax((torch.log(z) if self.prob() else z) / self.o.get("tau", 1), 1)

    def mean(self, v):
        return (self.m * v).sum() / self.m.sum()


def cross_entropy(c):
    weight = torch.tensor(c.o["class_weights"], dtype=torch.float64) if "class_weights" in c.o else torch.ones(c.K, dtype=torch.float64)
    s = c.o.get("smoothing", 0)
    if not c.prob() and bool(((c.m == 0) | (c.m == 1)).all()):  # PyTorch's own
        y = torch.where(c.m > 0, c.y, torch.full_like(c.y, -100))
        return F.cross_entropy(c.x, y, weight=weight, ignore_index=-100, label_smoothing=s)
    l, wk = c.log(c.x), weight.reshape(1, -1, 1, 1)
    per = (1 - s) * -(wk * c.hot * l).sum(1) + s / c.K * -(wk * l).sum(1)
    return (c.m * per).sum() / (c.m * weight[c.y]).sum()


def soft_target(c):
    a = c.o.get("alpha", 0.5)
    s = c.o.get("smoothing", 0)
    hot = (1 - s) * c.hot + s / c.K
    h = hot if c.t is None else a * c.log(c.t).exp() + (1 - a) * hot
    return c.mean(-(h * c.log(c.x)).sum(1))


def focal(c):
    g, a = c.o.get("gamma", 2), c.o.get("alpha", 0.25)
    l = (c.hot * c.log(c.x)).sum(1)
    w = 1 if a < 0 else torch.where(c.y > 0, a, 1 - a)
    return c.mean(-w * (1 - l.exp()) ** g * l)


def mse(c):
    target = c.hot if c.t is None else c.log(c.t).exp()
    return c.mean(((c.log(c.x).exp() - target) ** 2).mean(1))


def overlap(f):
    def loss(c):
        p, s = c.log(c.x).exp(), c.o.get("smooth", 1)

        def group(p, hot, m):
            m = m.unsqueeze(1)
            both, P, Y = ((m * v).sum((0, 2, 3)) for v in (p * hot, p, hot))
            each = f(both, P, Y, s, c.o)
            average = c.o.get("average", "all")
            chosen = torch.ones(c.K, dtype=torch.bool)
            if average != "all":
                chosen[0] = False
            if average == "present":
                chosen &= Y > 0
            return each[chosen].mean() if chosen.any() else (each * 0).sum()

        if c.o.get("reduce") == "image":
            return torch.stack([group(p[b:b + 1], c.hot[b:b + 1], c.m[b:b + 1]) for b in range(p.shape[0])]).mean()
        return group(p, c.hot, c.m)
    return loss


dice = overlap(lambda i, p, y, s, o: 1 - (2 * i + s) / (p + y + s))
jaccard = overlap(lambda i, p, y, s, o: 1 - (i + s) / (p + y - i + s))
tversky = overlap(lambda i, p, y, s, o: 1 - (i + s) / (
    i + o.get("alpha", 0.5) * (p - i) + o.get("beta", 0.5) * (y - i) + s))


def divergence(ls, lt, direction):
    """of log distributions along dimension 1"""
    if direction == "student_teacher":
        return (ls.exp() * (ls - lt)).sum(1)
    if direction == "teacher_student":
        return (lt.exp() * (lt - ls)).sum(1)
    m = torch.logsumexp(torch.stack([ls, lt]), 0) - math.log(2)
    return ((ls.exp() * (ls - m)).sum(1) + (lt.exp() * (lt - m)).sum(1)) / 2


def kl_divergence(c):
    lt = c.soft(c.t) if c.t is not None else (1 - c.hot) * -1e4
    d = c.mean(divergence(c.soft(c.x), lt, c.o.get("direction", "teacher_student")))
    return d * c.o.get("tau", 1) ** 2 if c.o.get("tau_squared") else d


def deep_distribution(c):
    H, W = c.x.shape[2:]
    if "patch" in c.o:
        h = w = c.o["patch"]
    else:
        side = math.isqrt(c.o.get("patches", 16))
        h, w = -(-H // side), -(-W // side)
    s, q = c.log(c.x).exp(), (c.hot if c.t is None else c.log(c.t).exp())
    m, terms = c.m.unsqueeze(1), []
    for top in range(0, H, h):
        for left in range(0, W, w):
            cell = [v[:, :, top:top + h, left:left + w] for v in (s, q, m)]
            if c.o.get("edge") == "drop" and tuple(cell[0].shape[2:]) != (h, w):
                continue
            area, ls = cell[2].sum((1, 2, 3)), []
            for v in cell[:2]:
                if c.o.get("count") == "hard":
                    hard = F.one_hot(v.argmax(1), c.K).permute(0, 3, 1, 2).to(v.dtype)
                    v = v + (hard - v).detach()
                n = (v * cell[2]).sum((2, 3))
                if c.o.get("scale") == "fraction":
                    n = n / area.clamp(min=1e-9).unsqueeze(1)
                ls.append(F.log_softmax(n / c.o.get("tau", 3), 1))
            terms.append(divergence(*ls, c.o.get("direction", "student_teacher"))[area > 0])
    return torch.cat(terms).mean()


cases = []


def case(loss, name, use="y", **options):
    c = Case(name, use, options)
    value = globals()[loss](c)
    value.backward()
    cases.append({"loss": loss, "input": name, "use": use, "options": options, "value": float(value.detach()),
                  "grad": [float("%.6g" % g) for g in c.x.grad.flatten().tolist()]})


for name in ("three", "void", "absent", "extreme"):
    case("cross_entropy", name)
    case("cross_entropy", name, smoothing=0.1)
    case("soft_target", name, "yt", alpha=0.3)
    case("focal", name)
    case("mse", name)
    case("mse", name, "yt")
    for loss in ("dice", "jaccard", "tversky"):
        case(loss, name)
        case(loss, name, reduce="image", average="present", smooth=0.5)
case("cross_entropy", "wide", smoothing=0.1)
case("dice", "wide", average="foreground")
case("focal", "wide")
case("cross_entropy", "three", class_weights=[0.2, 1, 3])
case("cross_entropy", "void", class_weights=[0, 1, 3, 0.5], smoothing=0.2)
case("cross_entropy", "prob", input="prob", class_weights=[1, 2, 3], smoothing=0.1)
case("focal", "three", gamma=0.5, alpha=-1)
case("focal", "void", gamma=3, alpha=0.7)
case("focal", "prob", input="prob")
case("soft_target", "three", alpha=0)
case("soft_target", "prob", "yt", input="prob", alpha=0.6)
case("tversky", "void", alpha=0.3, beta=0.7, average="foreground")
case("dice", "prob", input="prob", average="foreground")
for direction in ("teacher_student", "student_teacher", "js"):
    case("deep_distribution", "wide", "yt", direction=direction, patch=3, tau=1)
    for name in ("three", "void"):
        case("kl_divergence", name, "yt", direction=direction, tau=2, tau_squared=True)
        case("deep_distribution", name, "yt", direction=direction, patch=3, tau=1)
        case("deep_distribution", name, "y", direction=direction, patch=4, edge="drop", scale="fraction", tau=0.3)
    case("kl_divergence", "prob", "yt", direction=direction, tau=1.5, input="prob")
    case("deep_distribution", "prob", "yt", direction=direction, patches=4, input="prob", tau=0.5)
    case("deep_distribution", "two", "yt", direction=direction)
    case("deep_distribution", "three", "yt", direction=direction, patch=3, count="hard", tau=2)
    case("deep_distribution", "extreme", "yt", direction=direction, patch=3, tau=2)
case("kl_divergence", "void", "y", tau=2)
case("kl_divergence", "void", "y", direction="js")
for use in ("yi", "yw", "yiw"):
    for name in ("three", "void"):
        case("cross_entropy", name, use, smoothing=0.1)
        case("focal", name, use)
        case("mse", name, use)
        case("soft_target", name, use + "t", alpha=0.3)
        case("kl_divergence", name, use + "t", tau=2)
        case("deep_distribution", name, use + "t", patch=3, tau=1)
        for loss in ("dice", "jaccard", "tversky"):
            case(loss, name, use)

case("soft_target", "three", "yt", smoothing=0.1)
case("soft_target", "void", "yt", smoothing=0.3, alpha=0.6)
case("soft_target", "void", smoothing=0.1, alpha=0)
case("soft_target", "prob", "yt", input="prob", smoothing=0.2, alpha=0.3)

out = {"inputs": {n: dict(shape=list(v[0].shape), **{k: [float("%.8g" % e) for e in a.flatten().tolist()]
                                                    for k, a in zip("xytiw", v)}) for n, v in inputs.items()},
       "cases": cases}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "class_loss.json")
with open(path, "w") as f:
    json.dump(out, f, separators=(",", ":"))
print(path, os.path.getsize(path), "bytes,", len(cases), "cases")
