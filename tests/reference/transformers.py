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


# name -> function, presets: options of the function and channels
NETS = {
    "segformer": (segformer, {"light": {}, "published": dict(f=dict(width=32, stride=4, decoder=256), channels=3)}),
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
