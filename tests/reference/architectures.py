#!/usr/bin/env python3
"""Writes architectures.json: outputs and gradients of the architectures of lua/ramus/lang/models, from plain PyTorch in double.

  python3 tests/reference/architectures.py [--authors FOLDER]        (PyTorch 1.13 made the committed file)

The nets are written here from their papers, as functions over parameters by name. A parameter's values are a function of its name and
shape (fill), so no weights are stored; neither is any output: of every output and gradient the norm and its products with eight vectors
of random signs are, from which a test estimates the relative L2 distance. Gradients are those of the nets with SiLU: of 10^6 values behind a
normalisation some lie so near to the kink of ReLU that rounding decides their slope, in float32 of any library. --authors: also runs the authors' own modules, whose files
lie in FOLDER (see authors.py beside this), with the same values, and stops where they differ from what is written here.
"""
import json
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

MASK = np.uint64(0xFFFFFFFF)


def uniform(name, n):
    """n numbers in -1..1: 32-bit hashes of the position, begun at the text's hash."""
    h = 2166136261
    for c in name.encode():
        h = ((h ^ c) * 16777619) & 0xFFFFFFFF
    x = (np.arange(n, dtype=np.uint64) * np.uint64(2654435769) + np.uint64(h)) & MASK
    for multiplier in (0x7FEB352D, 0x846CA68B):
        x ^= x >> np.uint64(16)
        x = (x * np.uint64(multiplier)) & MASK
    x ^= x >> np.uint64(15)
    return x.astype(np.float64) / 2**31 - 1


def fill(name, shape):
    """Values of a parameter or buffer: of weights within sqrt(6 / fan_in) (linear layers: sqrt(3 / fan_in)), of scales and variances around 1, else small."""
    u = uniform(name, int(np.prod(shape)))
    if len(shape) == 4:
        u *= math.sqrt(6 / (shape[1] * shape[2] * shape[3]))
    elif len(shape) == 2 and name.endswith(".weight"):
        u *= math.sqrt(3 / shape[1])
    elif name.endswith((".weight", ".var")):
        u = 1 + 0.25 * u
    else:
        u *= 0.1
    return torch.tensor(u.astype(np.float32).astype(np.float64)).reshape(tuple(shape))


class Net:
    """Parameters by name, made when they are first asked for, and the layers that use them."""

    def __init__(self, train, **options):
        self.p, self.buffers, self.train = {}, {}, train
        self.o = dict(norm="batch", bias=False, act="relu", classes=1, up="transpose", residual=False)
        self.o.update(options)

    def get(self, name, *shape):
        if name not in self.p:
            self.p[name] = fill(name, shape).requires_grad_()
        return self.p[name]

    def act(self, x):
        return F.silu(x) if self.o["act"] == "silu" else F.leaky_relu(x, self.o["act"]) if isinstance(self.o["act"], float) else F.relu(x)

    def conv(self, x, name, out, k=3, stride=1, pad=None, dilation=1, bias=True):
        w = self.get(name + ".weight", out, x.shape[1], k, k)
        b = self.get(name + ".bias", out) if bias else None
        return F.conv2d(x, w, b, stride=stride, padding=k // 2 if pad is None else pad, dilation=dilation)

    def transposed(self, x, name, out, bias=True):
        w = self.get(name + ".weight", x.shape[1], out, 2, 2)
        return F.conv_transpose2d(x, w, self.get(name + ".bias", out) if bias else None, stride=2)

    def batch_norm(self, x, name):
        c = x.shape[1]
        for b in ("mean", "var"):
            self.buffers.setdefault(f"{name}.{b}", fill(f"{name}.{b}", (c,)))
        w, b = self.get(name + ".weight", c), self.get(name + ".bias", c)
        mean, var = self.buffers[name + ".mean"].clone(), self.buffers[name + ".var"].clone()
        return F.batch_norm(x, mean, var, w, b, training=self.train)

    def instance_norm(self, x, name):
        return F.instance_norm(x, weight=self.get(name + ".weight", x.shape[1]), bias=self.get(name + ".bias", x.shape[1]))

    def unit(self, x, name, out, k=3, suffix="", act=True, stride=1):
        """Convolution, normalisation, activation."""
        x = self.conv(x, f"{name}.conv{suffix}", out, k, stride=stride, bias=self.o["bias"] or self.o["norm"] == "none")
        if self.o["norm"] == "batch":
            x = self.batch_norm(x, f"{name}.norm{suffix}")
        if self.o["norm"] == "instance":
            x = self.instance_norm(x, f"{name}.norm{suffix}")
        return self.act(x) if act else x

    def double(self, x, name, out):
        y = self.unit(x, name, out, suffix="1")
        if not self.o["residual"]:
            return self.unit(y, name, out, suffix="2")
        y = self.unit(y, name, out, suffix="2", act=False)
        return self.act(y + (x if x.shape[1] == out else self.unit(x, name + ".shortcut", out, k=1, act=False)))

    def raised(self, x, name, out):
        if self.o["up"] == "transpose":
            return self.transposed(x, name, out)
        return self.unit(F.interpolate(x, scale_factor=2, mode="nearest"), name, out)


def grown(x, factor):
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False) if factor > 1 else x


def encoder(n, x, depth, width):
    levels = []
    for i in range(depth):
        levels.append(n.double(F.max_pool2d(levels[-1], 2) if i else x, f"encoder{i + 1}", width * 2**i))
    return levels


def unet(n, x, depth=5, width=16, gate=None, fuse=False):
    c, out = n.o["classes"], {}
    e = encoder(n, x, depth, width)
    y = e[-1]
    for i in range(depth - 1, 0, -1):
        g = n.raised(y, f"up{i}", width * 2 ** (i - 1))
        skip = gate(e[i - 1], g, f"gate{i}") if gate else e[i - 1]
        y = n.double(torch.cat([skip, g], 1), f"decoder{i}", width * 2 ** (i - 1))
        out[f"side{i}"] = grown(n.conv(y, f"side{i}", c), 2 ** (i - 1))
    out["out"] = n.conv(y, "head", c, 1)
    if fuse:
        out["out"] = n.conv(torch.cat([out["out"]] + [out[f"side{i}"] for i in range(1, depth)], 1), "fuse", c, 1)
    return out


def attention_unet(n, x, depth=5, width=16):
    def gate(skip, g, name):
        inside = skip.shape[1] // 2
        q = n.act(n.unit(skip, name + ".theta", inside, k=1, act=False) + n.unit(g, name + ".phi", inside, k=1, act=False))
        return skip * torch.sigmoid(n.unit(q, name + ".psi", 1, k=1, act=False))

    return unet(n, x, depth, width, gate)


def unetpp(n, x, depth=5, width=10):
    v, out = {}, {}
    for j in range(depth):
        for i in range(1, depth - j + 1):
            w = width * 2 ** (i - 1)
            if j == 0:
                inputs = F.max_pool2d(v[i - 1, 0], 2) if i > 1 else x
            else:
                inputs = torch.cat([v[i, k] for k in range(j)] + [n.raised(v[i + 1, j - 1], f"up{i}_{j}", w)], 1)
            v[i, j] = n.double(inputs, f"node{i}_{j}", w)
        if j > 0:
            out[f"side{depth - j}"] = n.conv(v[1, j], f"head{j}", n.o["classes"], 1)
    out["out"] = out["side1"]
    return out


def unet3p(n, x, depth=5, width=8, shared=8, bottom=False):
    c, out = n.o["classes"], {}
    e = encoder(n, x, depth, width)
    d = {depth: e[-1]}
    for i in range(depth - 1, 0, -1):
        parts = []
        for k in range(1, depth + 1):
            s = F.max_pool2d(e[k - 1], 2 ** (i - k)) if k < i else e[k - 1] if k == i else grown(d[k], 2 ** (k - i))
            parts.append(n.unit(s, f"decoder{i}.from{k}", shared))
        d[i] = n.unit(torch.cat(parts, 1), f"decoder{i}", depth * shared)
        if i > 1:
            out[f"side{i}"] = grown(n.conv(d[i], f"side{i}", c), 2 ** (i - 1))
    if bottom:
        out[f"side{depth}"] = grown(n.conv(d[depth], f"side{depth}", c), 2 ** (depth - 1))
    out["out"] = out["side1"] = n.conv(d[1], "head", c)
    return out


def fpn(n, x, depth=5, width=16, pyramid=32, merged=16):
    c, out = n.o["classes"], {}
    e = encoder(n, x, depth, width)
    above = total = None
    for i in range(depth, 0, -1):
        t = n.conv(e[i - 1], f"lateral{i}", pyramid, 1)
        above = t if above is None else t + F.interpolate(above, scale_factor=2, mode="nearest")
        p = y = n.conv(above, f"pyramid{i}", pyramid)
        if i < depth:
            out[f"side{i}"] = grown(n.conv(p, f"side{i}", c), 2 ** (i - 1))
        for k in range(1, max(i, 2)):
            y = n.unit(y, f"decoder{i}.{k}", merged)
            y = grown(y, 2) if i > 1 else y
        total = y if total is None else total + y
    out["out"] = n.conv(total, "head", c, 1)
    return out


def wnet(n, x, depth=3, width=14):
    def unit(x, name, out, number):
        return n.batch_norm(n.act(n.conv(x, f"{name}.conv{number}", out)), f"{name}.norm{number}")

    def block(x, name, out):
        y = unit(unit(x, name, out, 1), name, out, 2)
        return y + n.batch_norm(n.conv(x, name + ".shortcut.conv", out, 1, bias=False), name + ".shortcut.norm")

    def small(x, prefix):
        skip = []
        for i in range(depth):
            x = block(F.max_pool2d(x, 2) if i else x, f"{prefix}encoder{i + 1}", width * 2**i)
            skip.append(x)
        for i in range(depth - 1, 0, -1):
            w = width * 2 ** (i - 1)
            bridged = unit(skip[i - 1], f"{prefix}bridge{i}", w, "")
            x = block(torch.cat([n.transposed(x, f"{prefix}up{i}", w), bridged], 1), f"{prefix}decoder{i}", w)
        return n.conv(x, prefix + "head", n.o["classes"], 1)

    first = small(x, "first_")
    return {"side1": first, "out": small(torch.cat([x, first], 1), "second_")}


def frunet(n, x, depth=4, width=8):
    last, out = 2 * depth - 1, {}

    def moved(x, name, w, down):
        y = n.conv(x, name + ".conv", w, 2, stride=2, pad=0, bias=False) if down else n.transposed(x, name + ".conv", w, bias=False)
        return n.act(n.batch_norm(y, name + ".norm"))

    def node(x, name, w):
        if x.shape[1] != w:
            t = [n.conv(x, name + ".fuse.one", w, 1, bias=False), n.conv(x, name + ".fuse.three", w, bias=False)]
            t.append(n.conv(x, name + ".fuse.wide", w, pad=2, dilation=2, bias=False))
            x = n.batch_norm(sum(t), name + ".fuse.norm")
        y = n.act(n.batch_norm(n.conv(x, name + ".first.conv", w, bias=False), name + ".first.norm"))
        return n.act(x + n.batch_norm(n.conv(y, name + ".second.conv", w, bias=False), name + ".second.norm"))

    v = {(1, 1): node(x, "node1_1", width)}
    for s in range(2, last + 1):
        for i in range(1, depth + 1):
            w, parts = width * 2 ** (i - 1), []
            if i > min(s, 2 * depth - s):
                continue
            if (i - 1, s - 1) in v:
                parts.append(moved(v[i - 1, s - 1], f"down{i}_{s}", w, True))
            if (i, s - 1) in v:
                parts.append(v[i, s - 1])
            if (i + 1, s - 1) in v:
                parts.append(moved(v[i + 1, s - 1], f"up{i}_{s}", w, False))
            v[i, s] = node(torch.cat(parts, 1), f"node{i}_{s}", w)
    heads = range(depth - 1, last + 1)
    for s in heads:
        out[f"side{last - s + 1}"] = n.conv(v[1, s], f"head{s}", n.o["classes"], 1)
    out["out"] = sum(out.values()) / len(heads)
    return out


def hed(n, x, width=24):
    out, c = {}, n.o["classes"]
    for i, (times, factor) in enumerate([(2, 1), (2, 2), (3, 4), (3, 8), (3, 8)]):
        x = F.max_pool2d(x, 2) if i else x
        for k in range(times):
            x = n.unit(x, f"stage{i + 1}", width * factor, suffix=str(k + 1))
        out[f"side{i + 1}"] = grown(n.conv(x, f"side{i + 1}", c, 1), 2**i)
    out["out"] = n.conv(torch.cat([out[f"side{i + 1}"] for i in range(5)], 1), "fuse", c, 1)
    return out


def resnet34_unet(n, x, width=40):
    c, out = n.o["classes"], {}

    def basic(x, name, w, stride):
        y = n.act(n.batch_norm(n.conv(x, name + ".conv1", w, stride=stride, bias=False), name + ".bn1"))
        y = n.batch_norm(n.conv(y, name + ".conv2", w, bias=False), name + ".bn2")
        if stride > 1 or x.shape[1] != w:
            x = n.batch_norm(n.conv(x, name + ".downsample.0", w, 1, stride=stride, bias=False), name + ".downsample.1")
        return n.act(x + y)

    x = n.act(n.batch_norm(n.conv(x, "conv1", width, 7, stride=2, bias=False), "bn1"))
    e = [None, x]
    x = F.max_pool2d(x, 3, 2, 1)
    for i, count in enumerate([3, 4, 6, 3]):
        for k in range(count):
            x = basic(x, f"layer{i + 1}.{k}", width * 2**i, 2 if i and k == 0 else 1)
        e.append(x)
    for i in range(5, 0, -1):
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        x = n.double(torch.cat([x, e[i - 1]], 1) if i > 1 else x, f"decoder{i}", width * 2**i // 8)
        out[f"side{i}"] = grown(n.conv(x, f"side{i}", c), 2 ** (i - 1))
    out["out"] = n.conv(x, "head", c)
    return out


def planned(n, x, depth=5, width=16, most=512):
    w, e, out = [min(width * 2**i, most) for i in range(depth)], [], {}
    for i in range(depth):
        x = n.unit(n.unit(x, f"encoder{i + 1}", w[i], suffix="1", stride=2 if i else 1), f"encoder{i + 1}", w[i], suffix="2")
        e.append(x)
    for i in range(depth - 1, 0, -1):
        x = n.double(torch.cat([n.transposed(x, f"up{i}", w[i - 1]), e[i - 1]], 1), f"decoder{i}", w[i - 1])
        out[f"side{i}"] = grown(n.conv(x, f"side{i}" if i > 1 else "head", n.o["classes"], 1), 2 ** (i - 1))
    out["out"] = out["side1"]
    return out


# name -> function, { preset: options of the net and of the function }; published presets are computed at 32x32 without gradients
NETS = {
    "unet": (unet, {"light": {}, "residual": dict(net=dict(residual=True)), "fuse": dict(f=dict(fuse=True)), "published": dict(net=dict(norm="none"), f=dict(width=64))}),
    "attention_unet": (attention_unet, {"light": {}, "published": dict(net=dict(up="nearest", bias=True), f=dict(width=64), channels=3)}),
    "unetpp": (unetpp, {"light": {}, "published": dict(net=dict(norm="none"), f=dict(width=32))}),
    "unet3p": (unet3p, {"light": {}, "published": dict(net=dict(bias=True), f=dict(width=64, shared=64, bottom=True), channels=3)}),
    "fpn": (fpn, {"light": {}}),
    "wnet": (wnet, {"light": dict(net=dict(act=0.01)), "published": dict(net=dict(act=0.01), f=dict(width=8), channels=3)}),
    "frunet": (frunet, {"light": dict(net=dict(act=0.1)), "published": dict(net=dict(act=0.1), f=dict(width=32))}),
    "resnet34_unet": (resnet34_unet, {"light": {}, "published": dict(f=dict(width=64), channels=3)}),
    "planned": (planned, {"light": dict(net=dict(norm="instance", bias=True, act=0.01))}),
    "hed": (hed, {"light": {}, "published": dict(net=dict(norm="none"), f=dict(width=64), channels=3)}),
}


def signs(k, n):
    return torch.tensor(np.sign(uniform(f"signs {k}", n)))


def measured(t):
    """The norm of a tensor and its products with eight vectors of signs."""
    flat = t.detach().reshape(-1)
    return [float(f"{v:.10g}") for v in [flat.norm().item()] + [flat.dot(signs(k, flat.numel())).item() for k in range(8)]]


def image(batch, channels, size):
    return torch.tensor(uniform("image", batch * channels * size * size).astype(np.float32).astype(np.float64) / 2 + 0.5).reshape(batch, channels, size, size)


def case(function, train, batch, size, net=None, f=None, channels=1):
    n = Net(train, **(net or {}))
    out = function(n, image(batch, channels, size), **(f or {}))
    return n, out


def gradients(n, out):
    """Of the sum over the outputs of their products with fixed numbers, for all parameters in the order of their names."""
    total = sum((v * torch.tensor(uniform("weight of " + k, v.numel())).reshape(v.shape)).sum() for k, v in out.items())
    total.backward()
    names = sorted(n.p)
    return torch.cat([(n.p[k].grad if n.p[k].grad is not None else torch.zeros_like(n.p[k])).reshape(-1) for k in names]), names


def main():
    torch.set_num_threads(2)
    folder = sys.argv[2] if sys.argv[1:2] == ["--authors"] else None
    result = {}
    for name, (function, presets) in NETS.items():
        result[name] = {}
        for preset, given in presets.items():
            published = preset == "published"
            n, out = case(function, False, 1, 32 if published else 64, **given)
            row = {"outputs": {k: measured(v) for k, v in out.items()}, "parameters": sum(p.numel() for p in n.p.values())}
            if folder:
                import authors
                row["authors"] = authors.compare(folder, name, preset, n, out, image(1, given.get("channels", 1), 32))
            if not published:
                smooth = {**given, "net": {**given.get("net", {}), "act": "silu"}}
                n, out = case(function, True, 2, 64, **smooth)
                flat, names = gradients(n, out)
                row["gradient"] = measured(flat)
                squares = {}
                for k in names:
                    part = k.split(".")[0]
                    squares[part] = squares.get(part, 0) + (n.p[k].grad.norm().item() ** 2 if n.p[k].grad is not None else 0)
                row["parts"] = {k: float(f"{math.sqrt(v):.6g}") for k, v in squares.items()}
            result[name][preset] = {k: v for k, v in row.items() if v is not None}
            print(name, preset, row["parameters"], row.get("authors", ""))
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "architectures.json"), "w") as f:
        f.write(json.dumps(result, separators=(",", ":"), sort_keys=True).replace("},", "},\n"))
        f.write("\n")


if __name__ == "__main__":
    main()
