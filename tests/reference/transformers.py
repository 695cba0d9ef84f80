#!/usr/bin/env python3
"""Writes transformers.json: outputs and gradients of the transformers of lua/ramus/lang/models, from plain PyTorch in double.

  python3 tests/reference/transformers.py        (PyTorch 1.13 made the committed file)

As architectures.py beside this, whose values of parameters, image and measures it uses: the nets are written here from their papers, as
functions over parameters by name. Attention, windows and relative positions are written out as the papers define them, without any fused
operation, with padding and masks as index arithmetic on whole maps.
"""
import json
import math
import os

import torch
import torch.nn.functional as F

import architectures as a


class Net(a.Net):
    def linear(self, x, name, out, bias=True):
        return F.linear(x, self.get(name + ".weight", out, x.shape[-1]), self.get(name + ".bias", out) if bias else None)

    def norm(self, x, name, eps=1e-5):
        c = x.shape[-1]
        return F.layer_norm(x, (c,), self.get(name + ".weight", c), self.get(name + ".bias", c), eps)

    def attention(self, q, kv, heads, name, bias=0):
        """q [..,N,C], kv [..,M,C], bias [..,heads,N,M]."""
        c = q.shape[-1]
        split = [self.linear(x, f"{name}.{part}", c).unflatten(-1, (heads, c // heads)).transpose(-2, -3)
                 for x, part in ((q, "query"), (kv, "key"), (kv, "value"))]
        p = (split[0] @ split[1].transpose(-1, -2) / math.sqrt(c // heads) + bias).softmax(-1)
        return self.linear((p @ split[2]).transpose(-2, -3).flatten(-2), name + ".out", c)


def tokens(image):
    return image.flatten(2).transpose(1, 2)


def image_of(x, H, W):
    return x.transpose(1, 2).unflatten(2, (H, W))


# -- SegFormer ----------------------------------------------------------------------------

def segformer(n, x, width=24, stride=2, decoder=96, multiples=(1, 2, 5, 8), heads=(1, 2, 5, 8), depths=(2, 2, 2, 2), reduction=(8, 4, 2, 1)):
    out, projected = {}, []
    for i in range(4):
        c, level, s = width * multiples[i], f"encoder{i + 1}", stride if i == 0 else 2
        x = n.conv(x, level + ".patches", c, 2 * s - 1, stride=s)
        H, W = x.shape[2:]
        x = n.norm(tokens(x), level + ".patches_norm")
        for b in range(depths[i]):
            name = f"{level}.block{b + 1}"
            y = n.norm(x, name + ".norm1", 1e-6)
            kv = y
            if reduction[i] > 1:
                kv = n.conv(image_of(y, H, W), name + ".attention.reduce", c, reduction[i], stride=reduction[i], pad=0)
                kv = n.norm(tokens(kv), name + ".attention.norm")
            x = x + n.attention(y, kv, heads[i], name + ".attention")
            y = n.linear(n.norm(x, name + ".norm2", 1e-6), name + ".mix.first", 4 * c)
            w, v = n.get(name + ".mix.near.weight", 4 * c, 1, 3, 3), n.get(name + ".mix.near.bias", 4 * c)
            y = tokens(F.conv2d(image_of(y, H, W), w, v, padding=1, groups=4 * c))
            x = x + n.linear(F.gelu(y), name + ".mix.second", c)
        x = image_of(n.norm(x, level + ".norm", 1e-6), H, W)
        projected.append(n.conv(x, f"decoder.level{i + 1}", decoder, 1))
        out[f"side{i + 1}"] = a.grown(n.conv(projected[i], f"side{i + 1}", n.o["classes"]), stride * 2**i)
    y = torch.cat([a.grown(projected[i], 2**i) for i in (3, 2, 1, 0)], 1)
    y = n.act(n.batch_norm(n.conv(y, "decoder.fuse", decoder, 1, bias=False), "decoder.norm"))
    out["out"] = a.grown(n.conv(y, "head", n.o["classes"], 1), stride)
    return out


# -- Swin-Unet ----------------------------------------------------------------------------

def window_places(length, window, shift):
    """For the places of one direction: which window, which part of it after the cyclic move, and where in the window."""
    padded = length + -length % window
    shift = shift if length > window else 0
    i = (torch.arange(length) - shift) % padded
    part = torch.zeros(length) if shift == 0 else (i >= padded - shift).long()  # only the last window has two parts
    return i // window, part, i % window


def window_attention(n, x, window, shift, heads, name):
    """x [B,H,W,C]: every place sees those of its window and part; written as attention of all places with a mask."""
    B, H, W, C = x.shape
    rows, columns = window_places(H, window, shift), window_places(W, window, shift)
    group = torch.stack([v for r, c in zip(rows[:2], columns[:2]) for v in ((r[:, None] + 0 * c).flatten(), (c + 0 * r[:, None]).flatten())], 1)
    same = (group[:, None] == group[None]).all(2)
    y, z = (rows[2][:, None] + 0 * columns[2]).flatten(), (columns[2] + 0 * rows[2][:, None]).flatten()
    index = (y[:, None] - y[None] + window - 1) * (2 * window - 1) + z[:, None] - z[None] + window - 1
    index = torch.where(same, index, torch.zeros_like(index))  # others are hidden, and may lie beyond the table
    table = n.get(name + ".positions.value", (2 * window - 1) ** 2, heads)
    bias = table[index].permute(2, 0, 1).masked_fill(~same, -math.inf)
    flat = x.reshape(B, H * W, C)
    return n.attention(flat, flat, heads, name, bias).reshape(B, H, W, C)


def swin_unet(n, x, width=28, patch=2, window=8, heads=(1, 2, 4, 8), depths=(2, 2, 2, 2)):
    out = {}

    def level(x, i, name):
        for b in range(depths[i]):
            at, c = f"{name}{i + 1}.block{b + 1}", x.shape[-1]
            x = x + window_attention(n, n.norm(x, at + ".norm1"), window, window // 2 if b % 2 else 0, heads[i], at + ".attention")
            x = x + n.linear(F.gelu(n.linear(n.norm(x, at + ".norm2"), at + ".mlp.first", 4 * c)), at + ".mlp.second", c)
        return x

    def expanded(x, c, f, name, H, W):
        B, h, w, _ = x.shape
        x = n.linear(x, name + ".expand", f * f * c, bias=False).reshape(B, h, w, f, f, c).transpose(2, 3).reshape(B, h * f, w * f, c)
        return n.norm(x[:, :H, :W], name + ".norm")

    H, W = x.shape[2:]
    x = n.norm(n.conv(x, "patches", width, patch, stride=patch, pad=0).permute(0, 2, 3, 1), "patches_norm")
    skip = []
    for i in range(4):
        skip.append(x)
        x = level(x, i, "encoder")
        if i < 3:
            c = x.shape[-1]
            x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
            x = torch.cat([x[:, r::2, s::2] for r in (0, 1) for s in (0, 1)], -1)
            x = n.linear(n.norm(x, f"merge{i + 1}.norm"), f"merge{i + 1}.reduce", 2 * c, bias=False)
    x = n.norm(x, "deepest_norm")
    for i in (2, 1, 0):
        c = width * 2**i
        x = torch.cat([expanded(x, c, 2, f"expand{i + 1}", *skip[i].shape[1:3]), skip[i]], -1)
        x = level(n.linear(x, f"join{i + 1}", c), i, "decoder")
        side = n.conv(x.permute(0, 3, 1, 2), f"side{i + 1}", n.o["classes"])
        out[f"side{i + 1}"] = a.grown(side, patch * 2**i)[:, :, :H, :W]
    x = expanded(n.norm(x, "last_norm"), width, patch, "full", H, W)
    out["out"] = n.conv(x.permute(0, 3, 1, 2), "head", n.o["classes"], 1, bias=False)
    return out


# -- TransUNet ----------------------------------------------------------------------------

def transunet(n, x, width=16, layers=(2, 2, 2), dim=192, depth=4, heads=6, grid=16, decoder=(128, 96, 64, 32, 24), groups=8):
    out = {}

    def conv(x, name, c, k=1, stride=1):
        w = n.get(name + ".value", c, x.shape[1], k, k)
        v, m = torch.var_mean(w, (1, 2, 3), unbiased=False, keepdim=True)
        return F.conv2d(x, (w - m) / (v + 1e-5).sqrt(), stride=stride, padding=k // 2)

    def norm(x, name, g=groups, eps=1e-6):
        c = x.shape[1]
        return F.group_norm(x, g, n.get(name + ".weight", c), n.get(name + ".bias", c), eps)

    def unit(x, c, stride, name):
        y = n.act(norm(conv(x, name + ".conv1", c), name + ".norm1"))
        y = n.act(norm(conv(y, name + ".conv2", c, 3, stride), name + ".norm2"))
        y = norm(conv(y, name + ".conv3", 4 * c), name + ".norm3")
        if x.shape[1] != 4 * c or stride > 1:
            x = norm(conv(x, name + ".shortcut", 4 * c, 1, stride), name + ".shortcut_norm", 4 * c, 1e-5)
        return n.act(x + y)

    H, W = x.shape[2:]
    x = n.act(norm(conv(x, "encoder1.conv", width, 7, 2), "encoder1.norm"))
    skips = [x]
    x = F.max_pool2d(x, 3, 2)
    for i in range(3):
        for k in range(layers[i]):
            x = unit(x, width * 2**i, 2 if k == 0 and i > 0 else 1, f"encoder{i + 2}.unit{k + 1}")
        full = torch.zeros(x.shape[0], x.shape[1], H >> (i + 2), W >> (i + 2), dtype=x.dtype)
        full[:, :, : x.shape[2], : x.shape[3]] = x
        skips.append(full)
    h, w = x.shape[2:]
    x = n.conv(x, "embed", dim, 1)
    position = n.get("positions.value", 1, dim, grid, grid)
    x = tokens(x + F.interpolate(position, size=(h, w), mode="bilinear", align_corners=False))
    for b in range(depth):
        name = f"transformer.block{b + 1}"
        y = n.norm(x, name + ".norm1", 1e-6)
        x = x + n.attention(y, y, heads, name + ".attention")
        y = F.gelu(n.linear(n.norm(x, name + ".norm2", 1e-6), name + ".mlp.first", 4 * dim))
        x = x + n.linear(y, name + ".mlp.second", dim)
    x = n.unit(image_of(n.norm(x, "transformer.norm", 1e-6), h, w), "bridge", decoder[0])
    for i in (4, 3, 2, 1):
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        if i > 1:
            x = torch.cat([x, skips[i - 2]], 1)
        for k in (1, 2):
            x = n.unit(x, f"decoder{i}", decoder[5 - i], suffix=str(k))
        out[f"side{i}"] = a.grown(n.conv(x, f"side{i}", n.o["classes"]), 2 ** (i - 1))
    out["out"] = n.conv(x, "head", n.o["classes"])
    return out


# name -> function, presets: options of the function and channels
NETS = {
    "segformer": (segformer, {"light": {}, "published": dict(f=dict(width=32, stride=4, decoder=256), channels=3)}),
    "swin_unet": (swin_unet, {"light": {}, "published": dict(f=dict(width=96, patch=4, window=7, heads=(3, 6, 12, 24)), channels=3)}),
    "transunet": (transunet, {"light": {}, "published": dict(f=dict(
        width=64, layers=(3, 4, 9), dim=768, depth=12, heads=12, grid=14, decoder=(512, 256, 128, 64, 16), groups=32), channels=3)}),
}


def case(function, train, batch, size, f=None, channels=1, act="relu"):
    n = Net(train, act=act)
    return n, function(n, a.image(batch, channels, size), **(f or {}))


def gradient(function, given):
    n, out = case(function, True, 2, 64, act="silu", **given)
    flat, names = a.gradients(n, out)
    squares = {}
    for k in names:
        square = n.p[k].grad.norm().item() ** 2 if n.p[k].grad is not None else 0
        squares[k.split(".")[0]] = squares.get(k.split(".")[0], 0) + square
    return {"gradient": a.measured(flat), "parts": {k: float(f"{math.sqrt(v):.6g}") for k, v in squares.items()}}


def main():
    torch.set_num_threads(2)
    result = {}
    for name, (function, presets) in NETS.items():
        result[name] = {}
        for preset, given in presets.items():
            n, out = case(function, False, 1, 32 if preset == "published" else 64, **given)
            row = {"outputs": {k: a.measured(v) for k, v in out.items()}, "parameters": sum(p.numel() for p in n.p.values())}
            if preset != "published":
                row.update(gradient(function, given))
            result[name][preset] = row
            print(name, preset, row["parameters"])
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "transformers.json"), "w") as f:
        f.write(json.dumps(result, separators=(",", ":"), sort_keys=True).replace("},", "},\n"))
        f.write("\n")


if __name__ == "__main__":
    main()
