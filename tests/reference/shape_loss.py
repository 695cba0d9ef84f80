#!/usr/bin/env python3
"""Writes shape_loss.json and line_loss.json: values and gradients of focal_tversky, generalised_dice, lovasz, and of boundary,
skeleton_recall and cldice against label maps, from PyTorch in double.

  python3 tests/reference/shape_loss.py        (PyTorch 1.13, SciPy 1.10, scikit-image 0.19 made the committed files)

Written from the formulas of the papers, with autograd where core/loss has closed forms. Each loss is one function of planes:
probabilities p and targets y [B,K,H,W], weights w [B,K,H,W]. Inputs are float32 numbers.
"""
import json
import os

import numpy as np
import scipy.ndimage
import torch
import torch.nn.functional as F
from skimage.morphology import skeletonize

torch.manual_seed(19)
inputs = {}


def f32(t):
    return t.to(torch.float32).to(torch.float64)


def add_input(name, shape, labels, kind="random"):
    """labels: y is a label map of the classes of the prediction, -1 void; else planes of 0 and 1."""
    B, K, H, W = shape
    x = torch.randn(shape, dtype=torch.float64) * 2
    flat = (B, 1, H, W) if labels else shape
    number = torch.arange(B * flat[1] * H * W, dtype=torch.float64).reshape(flat)
    if labels:
        y = torch.randint(0, K, flat).to(torch.float64)
    else:
        y = (torch.rand(flat) < 0.3).to(torch.float64)
    if kind == "void":
        y[number % 5 == 0] = -1
    if kind == "absent":
        y = y.clamp(max=K - 3)
    if kind == "empty":
        y = torch.zeros_like(y)
    if kind == "full":
        y = torch.ones_like(y)
    if kind == "tree":  # thick bands, a class each
        r, c = number // W % H, number % W
        y = ((r - c).abs() < 3).to(torch.float64)
        cross = ((r + c - W).abs() < 2).to(torch.float64)
        y = torch.where(cross > 0, torch.full_like(y, 2 if labels else 1), y)
        if labels:
            y[:, :, :2] = -1
    if kind == "prob":
        x = torch.softmax(x, 1) if labels else torch.sigmoid(x)
    i = torch.tensor([1.0, 0.6, 0.4, 1.0, 0.5, 1.0, 0.0])[(number % 7).long()].to(torch.float64)
    w = (number * 7 % 11) / 5  # 0 to 2, some 0
    inputs[name] = (labels,) + tuple(f32((v * 1e4).round() / 1e4) for v in (x, y, i, w))


add_input("small", (2, 1, 5, 7), False)
add_input("planes", (3, 2, 4, 6), False)
add_input("empty", (1, 1, 5, 6), False, "empty")
add_input("full", (1, 1, 5, 6), False, "full")
add_input("prob", (2, 1, 5, 6), False, "prob")
add_input("tree", (1, 1, 12, 11), False, "tree")
add_input("pair", (2, 2, 8, 7), False, "tree")
add_input("three", (2, 3, 5, 7), True)
add_input("void", (1, 4, 6, 7), True, "void")
add_input("absent", (2, 5, 3, 4), True, "absent")
add_input("class_prob", (2, 3, 5, 4), True, "prob")
add_input("class_tree", (1, 3, 11, 10), True, "tree")
add_input("class_two", (2, 4, 7, 6), True, "tree")


class Case:
    """p, y, w [B,K,H,W] as every loss sees them; logits where the prediction holds them; exclusive: K classes of a label map."""

    def __init__(self, name, use, options):
        self.exclusive, x, y, i, w = inputs[name]
        self.o, self.x, self.K = options, x.clone().requires_grad_(), x.shape[1]
        prob = options.get("input") == "prob"
        m = torch.ones_like(y)
        if "i" in use:
            m = m * (i >= 0.5)
        if "w" in use:
            m = m * w
        if self.exclusive:
            m = m * (y >= 0)
            self.p = self.x if prob else F.softmax(self.x, 1)
            label = torch.where(m > 0, y, torch.full_like(y, -1))
            self.y = torch.cat([(label == k).to(torch.float64) for k in range(self.K)], 1)
            self.w = m.expand_as(self.p)
        else:
            self.p = self.x if prob else torch.sigmoid(self.x)
            self.z = torch.log(self.x) - torch.log(1 - self.x) if prob else self.x
            self.y, self.w = torch.where(m > 0, y, torch.zeros_like(y)), m

    def classes(self, usual="all"):
        """The mean over classes: chosen(present) lists those that count; present: which classes the mask has."""
        average = self.o.get("average", usual)

        def chosen(present):
            names = {"all": range(self.K), "foreground": range(1, self.K), "occurring": [k for k in range(self.K) if present[k]],
                     "present": [k for k in range(1, self.K) if present[k]]}
            return list(names[average])
        return chosen

    def images(self):
        """Parts of the batch: the batch, or its images."""
        if self.o.get("reduce") == "image":
            return [slice(b, b + 1) for b in range(self.p.shape[0])]
        return [slice(None)]

    def mean(self, f, usual="all"):
        """The mean of f(p, y, w) over images and, for exclusive classes, classes."""
        values = []
        for b in self.images():
            p, y, w = self.p[b], self.y[b], self.w[b]
            if not self.exclusive:
                values.append(f(p, y, w))
                continue
            ks = self.classes(usual)([(w * y)[:, k].sum() > 0 for k in range(self.K)])
            each = [f(p[:, k], y[:, k], w[:, k]) for k in ks]
            values.append(torch.stack(each).mean() if each else (p * 0).sum())
        return torch.stack(values).mean()


def focal_tversky(c):
    o = c.o
    s, gamma = o.get("smooth", 1), 1 / o.get("gamma", 0.75)  # gamma as in the paper: 4/3

    def f(p, y, w):
        tp, fn, fp = (w * p * y).sum(), (w * (1 - p) * y).sum(), (w * p * (1 - y)).sum()
        ti = (tp + s) / (tp + o.get("beta", 0.7) * fn + o.get("alpha", 0.3) * fp + s)
        return (1 - ti) ** (1 / gamma)
    return c.mean(f)


def generalised_dice(c):
    values = []
    for b in c.images():
        p, y, w = c.p[b], c.y[b], c.w[b]
        # lists of labels [.., label, pixels] whose overlap is one number
        if c.exclusive:
            sets = [[(p[:, k], y[:, k], w[:, k]) for k in range(c.K)]]
        else:
            sets = [[(1 - p[:, k], 1 - y[:, k], w[:, k]), (p[:, k], y[:, k], w[:, k])] for k in range(c.K)]
        for labels in sets:
            volume = torch.stack([(w * y).sum() for _, y, w in labels])
            weight = torch.where(volume > 0, 1 / volume ** 2, torch.zeros_like(volume))
            weight = torch.where(volume > 0, weight, weight.max())
            above = torch.stack([(w * p * y).sum() for p, y, w in labels])
            below = torch.stack([(w * (p + y)).sum() for p, y, w in labels])
            values.append(1 - 2 * (weight * above).sum() / (weight * below).sum())
    return torch.stack(values).mean()


def lovasz_extension(m, y, w):
    """of 1 - Jaccard, for errors m of pixels whose truth is y; a weight of 2 is two pixels"""
    m, y, w = [v.reshape(-1) for v in (m, y, w)]
    order = torch.sort(m.detach(), descending=True, stable=True)[1]  # of equal errors the earlier pixel goes first
    m, y, w = m[order], y[order], w[order]
    front = (w * y).sum()
    jaccard = 1 - (front - (w * y).cumsum(0)) / (front + (w * (1 - y)).cumsum(0)).clamp(min=1e-300)
    return (m * (jaccard - torch.cat([jaccard.new_zeros(1), jaccard[:-1]])))[w > 0].sum()


def lovasz(c):
    values = []
    for b in c.images():
        p, y, w = c.p[b], c.y[b], c.w[b]
        if c.exclusive:
            ks = c.classes("occurring")([(w * y)[:, k].sum() > 0 for k in range(c.K)])
            each = [lovasz_extension((y - p)[:, k].abs(), y[:, k], w[:, k]) for k in ks]
            values.append(torch.stack(each).mean() if each else (p * 0).sum())
        else:
            hinge = F.relu(1 - c.z[b] * (2 * y - 1))
            values.append(torch.stack([lovasz_extension(hinge[:, k], y[:, k], w[:, k]) for k in range(c.K)]).mean())
    return torch.stack(values).mean()


def signed_distance(mask):
    """[H,W] in pixels: to the nearest pixel of the mask outside of it, 1 minus that to the nearest pixel outside within"""
    if mask.all() or not mask.any():
        return np.zeros(mask.shape)
    outside, inside = (scipy.ndimage.distance_transform_edt(m) for m in (~mask, mask))
    return np.where(mask, 1 - inside, outside)


def boundary(c):
    y = ((c.w > 0) & (c.y >= 0.5)).numpy()
    phi = torch.tensor(np.array([[signed_distance(plane) for plane in image] for image in y]))
    ks = c.classes("foreground")([bool(y[:, k].any()) for k in range(c.K)]) if c.exclusive else range(c.K)
    if not ks:
        return (c.p * 0).sum()
    each = [(c.w * phi * c.p)[:, k].sum() / c.w[:, k].sum() for k in ks]
    if not c.exclusive:
        return (c.w * phi * c.p).sum() / c.w.sum()
    return torch.stack(each).mean()


def tube_of(mask, radius):
    skeleton = skeletonize(mask)
    r, k = np.indices(mask.shape)
    near = np.zeros(mask.shape, bool)
    for a, b in zip(*np.nonzero(skeleton)):
        near |= abs(r - a) + abs(k - b) <= radius
    return near & mask


def skeleton_recall(c):
    s, radius = c.o.get("smooth", 1), c.o.get("radius", 2)
    front = (c.y[:, 1:].sum(1, keepdim=True).expand_as(c.y) if c.exclusive else c.y) > 0.5
    tube = torch.tensor(np.array([[tube_of(plane, radius) for plane in image] for image in (front & (c.w > 0)).numpy()]))
    c.y = c.y * tube
    return c.mean(lambda p, y, w: 1 - ((w * p * y).sum() + s) / ((w * y).sum() + s), "foreground")


def soft_skeleton(x, n):
    def erode(v):
        return torch.min(-F.max_pool2d(-v, (3, 1), 1, (1, 0)), -F.max_pool2d(-v, (1, 3), 1, (0, 1)))

    def rest(v):
        return F.relu(v - F.max_pool2d(erode(v), 3, 1, 1))

    s = rest(x)
    for _ in range(n):
        x = erode(x)
        s = s + F.relu(rest(x) * (1 - s))
    return s


def cldice(c):
    s, n = c.o.get("smooth", 1), c.o.get("iterations", 5)
    p = torch.where(c.w > 0, c.p, torch.zeros_like(c.p))
    c.p = torch.stack([p, soft_skeleton(p, n), soft_skeleton(c.y, n)], -1)  # rides along with p through mean

    def f(v, y, w):
        p, sp, sy = v.unbind(-1)
        tp, ts = ((w * sp * y).sum() + s) / ((w * sp).sum() + s), ((w * sy * p).sum() + s) / ((w * sy).sum() + s)
        return 1 - 2 * tp * ts / (tp + ts)
    return c.mean(f, "foreground")


cases = []


def case(loss, name, use="y", **options):
    c = Case(name, use, options)
    value = globals()[loss](c)
    value.backward()
    cases.append({"loss": loss, "input": name, "use": use, "options": options, "value": float(value.detach()),
                  "grad": [float("%.6g" % g) for g in c.x.grad.flatten().tolist()]})


for name in ("small", "planes", "full", "tree", "three", "void"):
    case("focal_tversky", name)
case("focal_tversky", "planes", reduce="image", gamma=2, alpha=0.6, beta=0.2)
case("focal_tversky", "prob", input="prob", smooth=0.1, gamma=1)
case("focal_tversky", "class_prob", input="prob", gamma=0.5)
case("focal_tversky", "absent", reduce="image", average="present")
for name in ("small", "planes", "void"):
    case("focal_tversky", name, "yi")
    case("focal_tversky", name, "yiw", reduce="image")

for loss in ("generalised_dice", "lovasz"):
    for name in ("small", "planes", "full", "empty", "tree", "three", "void", "absent"):
        case(loss, name)
    case(loss, "planes", "yw", reduce="image")
    case(loss, "absent", reduce="image")
    case(loss, "prob", input="prob")
    case(loss, "class_prob", input="prob")
    for name in ("small", "planes", "void"):
        case(loss, name, "yi")
        case(loss, name, "yiw", reduce="image")
case("lovasz", "absent", average="all")
case("lovasz", "absent", average="present", reduce="image")
case("lovasz", "void", average="foreground")

for loss in ("boundary", "skeleton_recall"):
    for name in ("small", "empty", "full", "tree", "pair", "class_tree", "class_two"):
        case(loss, name)
    case(loss, "prob", input="prob")
    case(loss, "class_prob", input="prob", average="present")
    case(loss, "pair", "yi")
    for name in ("pair", "class_tree", "class_two"):
        case(loss, name, "yiw")
case("boundary", "class_two", average="all")
case("skeleton_recall", "pair", reduce="image", radius=0, smooth=0.1)
case("skeleton_recall", "class_two", "yw", reduce="image", radius=1)
for name in ("void", "class_tree"):
    case("cldice", name, iterations=2)
case("cldice", "absent", average="occurring", reduce="image", iterations=1)
case("cldice", "class_prob", input="prob", average="all", iterations=1)
case("cldice", "class_tree", "yiw", iterations=3, average="present")


def write(file, losses):
    chosen = [c for c in cases if c["loss"] in losses]
    used = {c["input"] for c in chosen}
    out = {"inputs": {n: dict(shape=list(v[1].shape), labels=v[0], **{k: [float("%.8g" % e) for e in a.flatten().tolist()]
                                                                     for k, a in zip("xyiw", v[1:])})
                      for n, v in inputs.items() if n in used},
           "cases": chosen}
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), file)
    with open(path, "w") as f:
        json.dump(out, f, separators=(",", ":"))
    print(path, os.path.getsize(path), "bytes,", len(chosen), "cases")


write("shape_loss.json", ("focal_tversky", "generalised_dice", "lovasz"))
write("line_loss.json", ("boundary", "skeleton_recall", "cldice"))
