#!/usr/bin/env python3
"""Reference numbers for tests/test_ops.lua: forward values and gradients of the ops, by PyTorch.

    /usr/bin/python3 tests/reference/ops.py        (PyTorch 1.13; writes tests/reference/ops/*)

Inputs are not stored: both sides make them from the formula of number(). For each case the gradients are those of
sum(y * w), w made likewise. index.json lists the cases; GROUP.f32 holds y and then the gradients of the inputs that
have one, little-endian float32, in the order of the cases of that group.
"""
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ops")


def number(shape, seed, kind=""):
    """h = (1103515245 i + 1000003 (seed + 1)) mod 2^31, u = ((h div 2^11)^2 + h) mod 2^31 / 2^31: exact in doubles;
    then mapped to the range of its kind."""
    i = np.arange(int(np.prod(shape)), dtype=np.int64)
    h = (1103515245 * i + 1000003 * (seed + 1)) % 2147483648
    u = ((h // 2048) ** 2 + h) % 2147483648 / 2147483648.0
    if kind == "pos":
        u = 0.5 + 1.5 * u
    elif kind == "wide":
        u = 20 * u - 10
    elif kind == "far":  # a mean far from 0
        u = 1000 + 2 * u
    elif kind == "label":  # -1, 0, 1, 2
        u = np.floor(4 * u) - 1
    else:
        u = 2 * u - 1
    return u.astype(np.float32).reshape(shape)


def L(*dims):
    """A list that the test passes on as {d, d, ...}."""
    return list(dims)


CASES = []


def case(group, op, inputs, options, f):
    CASES.append((group, op, inputs, options, f))


# -- convolution-like -------------------------------------------------------
def deconv(**k):
    return lambda x, w, b=None: F.conv_transpose2d(x, w, b, **k)


case("conv", "conv2d", ["2,3,9,11", "8,3,3,3", "8"], {"pad": 1}, lambda x, w, b: F.conv2d(x, w, b, padding=1))
case("conv", "conv2d", ["1,4,10,7", "6,2,3,2", "6"], {"stride": L(2, 1), "pad": L(1, 0), "dilation": L(1, 2), "groups": 2},
     lambda x, w, b: F.conv2d(x, w, b, stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2))
case("conv", "conv_transpose2d", ["2,8,5,9", "8,6,2,2", "6"], {"stride": 2}, deconv(stride=2))
case("conv", "conv_transpose2d", ["1,16,8,16", "16,8,2,2", "8"], {"stride": 2}, deconv(stride=2))
case("conv", "conv_transpose2d", ["1,4,3,4", "4,3,3,2"], {"stride": L(3, 2)}, deconv(stride=(3, 2)))
case("conv", "conv_transpose2d", ["2,3,5,4", "3,4,3,3", "4"], {"stride": 2, "pad": 1, "output_pad": 1},
     deconv(stride=2, padding=1, output_padding=1))
case("conv", "conv_transpose2d", ["1,4,5,6", "4,2,3,3", "4"], {"groups": 2, "dilation": 2, "pad": 1},
     deconv(groups=2, dilation=2, padding=1))
case("conv", "conv_transpose2d", ["1,4,6,5", "4,3,4,4", "3"], {"stride": 2, "pad": 1}, deconv(stride=2, padding=1))

# -- pooling and resampling ---------------------------------------------------
case("pool", "max_pool2d", ["2,3,8,34"], {}, lambda x: F.max_pool2d(x, 2))
case("pool", "max_pool2d", ["2,2,7,9"], {}, lambda x: F.max_pool2d(x, 2))
case("pool", "max_pool2d", ["1,2,9,11"], {"k": 3, "stride": 2, "pad": 1}, lambda x: F.max_pool2d(x, 3, 2, 1))
case("pool", "max_pool2d", ["1,2,8,6"], {"k": L(3, 2), "stride": 1}, lambda x: F.max_pool2d(x, (3, 2), 1))
case("pool", "max_pool2d", ["1,1,20,21"], {"k": 17, "stride": 2}, lambda x: F.max_pool2d(x, 17, 2))
case("pool", "avg_pool2d", ["2,3,8,10"], {}, lambda x: F.avg_pool2d(x, 2))
case("pool", "avg_pool2d", ["1,2,9,7"], {"k": 3, "stride": 2, "pad": 1}, lambda x: F.avg_pool2d(x, 3, 2, 1))
case("pool", "avg_pool2d", ["1,2,9,7"], {"k": L(3, 2), "stride": L(2, 1), "pad": L(1, 0), "count_pad": False},
     lambda x: F.avg_pool2d(x, (3, 2), (2, 1), (1, 0), count_include_pad=False))
case("pool", "avg_pool2d", ["1,1,8,8"], {"k": 3, "stride": 3, "pad": 1}, lambda x: F.avg_pool2d(x, 3, 3, 1))


def up(mode, **k):
    return lambda x: F.interpolate(x, mode=mode, **k)


case("upsample", "upsample", ["2,2,5,7"], {"scale": 2}, up("nearest", scale_factor=2))
case("upsample", "upsample", ["1,1,5,7"], {"scale": 3}, up("nearest", scale_factor=3))
case("upsample", "upsample", ["1,2,5,7"], {"size": L(8, 13)}, up("nearest", size=(8, 13)))
case("upsample", "upsample", ["1,2,9,8"], {"size": L(4, 3)}, up("nearest", size=(4, 3)))
for scale, shape in ((2, "2,3,5,19"), (2, "1,1,1,1"), (2, "1,2,4,1"), (4, "1,2,5,3"), (8, "1,1,3,4"), (16, "1,1,2,3"), (1.5, "1,2,5,7")):
    case("upsample", "upsample", [shape], {"scale": scale, "mode": "bilinear"},
         up("bilinear", scale_factor=scale, align_corners=False))
case("upsample", "upsample", ["1,2,4,5"], {"scale": 2, "mode": "bilinear", "align_corners": True},
     up("bilinear", scale_factor=2, align_corners=True))
case("upsample", "upsample", ["1,2,9,10"], {"size": L(4, 7), "mode": "bilinear"}, up("bilinear", size=(4, 7), align_corners=False))
case("upsample", "upsample", ["1,2,3,5"], {"size": L(7, 1), "mode": "bilinear", "align_corners": True},
     up("bilinear", size=(7, 1), align_corners=True))

# -- normalisation --------------------------------------------------------------
for shape in ("4,3,9,13", "1,2,48,49", "2,20,3,3", "7,6"):
    C = shape.split(",")[1]
    case("norm", "batch_norm", [shape, C, C], {"train": True}, lambda x, g, b: F.batch_norm(x, None, None, g, b, True))
case("norm", "batch_norm", ["2,3,17,19:far", "3", "3"], {"train": True}, lambda x, g, b: F.batch_norm(x, None, None, g, b, True))
case("norm", "batch_norm", ["2,3,5,7", "3", "3", "3:fixed", "3:posfixed"], {}, lambda x, g, b, m, v: F.batch_norm(x, m, v, g, b))
case("norm", "group_norm", ["2,6,7,9", "6", "6"], {"groups": 3}, lambda x, g, b: F.group_norm(x, 3, g, b))
case("norm", "group_norm", ["3,4,5"], {"groups": 2, "eps": 1e-3}, lambda x: F.group_norm(x, 2, eps=1e-3))
case("norm", "instance_norm", ["2,3,8,11", "3", "3"], {}, lambda x, g, b: F.instance_norm(x, weight=g, bias=b))
case("norm", "layer_norm", ["5,7,33", "33", "33"], {}, lambda x, g, b: F.layer_norm(x, (33,), g, b))
case("norm", "layer_norm", ["40,3,5", "3,5", "3,5"], {"dims": 2}, lambda x, g, b: F.layer_norm(x, (3, 5), g, b))
case("norm", "layer_norm", ["3,17"], {}, lambda x: F.layer_norm(x, (17,)))

# -- elementwise -----------------------------------------------------------------
for name, f in (("relu", F.relu), ("gelu", F.gelu), ("silu", F.silu), ("sigmoid", torch.sigmoid), ("tanh", torch.tanh),
                ("exp", torch.exp), ("abs", torch.abs), ("softplus", lambda x: F.softplus(x, threshold=80))):
    case("pointwise", name, ["3,5,23:wide"], {}, f)
case("pointwise", "leaky_relu", ["3,77"], {"slope": 0.2}, lambda x: F.leaky_relu(x, 0.2))
case("pointwise", "leaky_relu", ["9"], {}, F.leaky_relu)
case("pointwise", "log", ["3,77:pos"], {}, torch.log)
case("pointwise", "sqrt", ["3,77:pos"], {}, torch.sqrt)
case("pointwise", "pow", ["3,77"], {}, lambda x: x ** 2)
case("pointwise", "pow", ["3,7"], {"p": 3}, lambda x: x ** 3)
case("pointwise", "pow", ["3,7:pos", "1:pos"], {}, lambda x, e: x ** e)
case("pointwise", "clamp", ["3,77"], {"min": -0.5, "max": 0.25}, lambda x: x.clamp(-0.5, 0.25))
case("pointwise", "clamp", ["3,7"], {"max": 0.25}, lambda x: x.clamp(max=0.25))
case("pointwise", "affine", ["3,77"], {"scale": -2.5, "shift": 0.75}, lambda x: -2.5 * x + 0.75)
for name, f in (("softmax", F.softmax), ("log_softmax", F.log_softmax)):
    case("pointwise", name, ["2,5,7,11:wide"], {}, lambda x, f=f: f(x, dim=1))
    case("pointwise", name, ["3,4,29:wide"], {"dim": 3}, lambda x, f=f: f(x, dim=2))
    case("pointwise", name, ["3,300"], {"dim": 1}, lambda x, f=f: f(x, dim=0))

# -- arithmetic, reductions ---------------------------------------------------------
for name, f in (("add", torch.add), ("sub", torch.sub), ("mul", torch.mul), ("div", torch.div)):
    for a, b in (("2,3,5,7", "2,3,5,7"), ("2,3,5,7", "1,3,1,1"), ("2,3,5,7", "2,1,5,7"), ("3,35", "1"), ("2,1,7", "5,1"), ("7", "2,3,7"),
                 ("2,3,4,5,6", "3,1,5,1")):
        case("arith", name, [a, b + (":pos" if name == "div" else "")], {}, f)
for name, f in (("sum", torch.sum), ("mean", torch.mean), ("max", torch.amax)):
    case("reduce", name, ["3,5,7"], {}, lambda x, f=f: f(x))
    case("reduce", name, ["3,5,7"], {"dim": 2}, lambda x, f=f: f(x, 1))
    case("reduce", name, ["3,5,70"], {"dim": 3, "keepdim": True}, lambda x, f=f: f(x, 2, keepdim=True))
    case("reduce", name, ["2,3,4,5"], {"dim": L(1, 3)}, lambda x, f=f: f(x, (0, 2)))
    case("reduce", name, ["2,3,4,5"], {"dim": L(2, 4)}, lambda x, f=f: f(x, (1, 3)))
case("reduce", "sum", ["2,3,61,67"], {"dim": L(1, 3, 4)}, lambda x: x.sum((0, 2, 3)))
for a, b in (("5,7", "7,9"), ("3,5,7", "3,7,4"), ("2,3,5,7", "7,4"), ("5,7", "3,7,2"), ("2,1,5,7", "3,7,4"), ("9", "9"), ("5", "2,5,3"),
             ("2,5,7", "7"), ("33,70", "70,41")):
    case("reduce", "matmul", [a, b], {}, torch.matmul)

# -- shapes --------------------------------------------------------------------------
case("shape", "concat", ["2,3,4,5", "2,2,4,5", "2,1,4,5"], {}, lambda *x: torch.cat(x, 1))
case("shape", "concat", ["2,3,4", "2,3,2"], {"dim": 3}, lambda *x: torch.cat(x, 2))
case("shape", "narrow", ["2,5,3"], {"dim": 2, "first": 2, "count": 3}, lambda x: x.narrow(1, 1, 3))
case("shape", "narrow", ["4,3"], {"dim": 1, "first": 4, "count": 1}, lambda x: x.narrow(0, 3, 1))
case("shape", "permute", ["2,3,4,5"], {"dims": L(1, 3, 4, 2)}, lambda x: x.permute(0, 2, 3, 1))
case("shape", "permute", ["19,35"], {"dims": L(2, 1)}, lambda x: x.permute(1, 0))
case("shape", "permute", ["2,3,2,4,3"], {"dims": L(4, 2, 5, 1, 3)}, lambda x: x.permute(3, 1, 4, 0, 2))
case("shape", "reshape", ["2,3,4"], {"shape": L(0, -1)}, lambda x: x.reshape(2, -1))
case("shape", "pad", ["2,3,4,5"], {"pad": L(1, 2, 0, 3)}, lambda x: F.pad(x, (1, 2, 0, 3)))
case("shape", "pad", ["1,2,4,5"], {"pad": L(1, 0, 2, 1), "value": 1.5}, lambda x: F.pad(x, (1, 0, 2, 1), value=1.5))
case("shape", "pad", ["1,2,4,5"], {"pad": L(4, 7, 2, 3), "mode": "edge"}, lambda x: F.pad(x, (4, 7, 2, 3), mode="replicate"))
case("shape", "pad", ["1,2,4,5"], {"pad": L(4, 0, 3, 2), "mode": "reflect"}, lambda x: F.pad(x, (4, 0, 3, 2), mode="reflect"))
case("shape", "pad_to", ["1,2,5,6"], {"multiple": 4}, lambda x: F.pad(x, (0, 2, 0, 3), mode="replicate"))
case("shape", "pad_to", ["1,2,5,9"], {"multiple": L(8, 3), "mode": "constant"}, lambda x: F.pad(x, (0, 0, 0, 3)))
case("shape", "crop_like", ["2,3,6,7", "1,1,4,5:fixed"], {}, lambda x, r: x[:, :, :4, :5])

# -- choices -------------------------------------------------------------------------
for options, f in (({}, torch.amin), ({"dim": 2}, lambda x: x.amin(1)), ({"dim": L(1, 3), "keepdim": True}, lambda x: x.amin((0, 2), True))):
    case("choice", "min", ["3,5,7"], options, f)
case("choice", "argmax", ["2,3,5,7:fixed"], {}, lambda x: x.argmax(1))
case("choice", "argmax", ["3,29:fixed"], {"dim": 2, "keepdim": True}, lambda x: x.argmax(1, keepdim=True))
case("choice", "eq", ["3,5,7:labelfixed", "5,1:labelfixed"], {}, torch.eq)
for c, a, b in (("3,5,7", "3,5,7", "3,5,7"), ("3,1,7", "5,1", "3,5,7"), ("7", "1", "2,3,7"), ("3,5,7,2", "7,2", "5,1,1")):
    case("choice", "where", [c + ":labelfixed", a, b], {}, lambda c, a, b: torch.where(c != 0, a, b))
case("choice", "arange", ["3,5,7:fixed"], {"dim": 3, "start": 2, "step": -0.5}, lambda x: 2 - 0.5 * torch.arange(7))
for x, w, b in (("5,7", "9,7", "9"), ("2,3,5,33", "70,33", "70"), ("300,20", "6,20", None), ("7", "4,7", "4"), ("2,1,3,2,5", "1,5", "1")):
    case("linear", "linear", [x, w] + ([b] if b else []), {}, F.linear)


# -- attention, windows ----------------------------------------------------------------
def attend(q, k, v, bias=None, scale=None):
    scores = q @ k.transpose(-1, -2) * (scale or q.shape[-1] ** -0.5)
    return (scores if bias is None else scores + bias).softmax(-1) @ v


def by_heads(heads):
    """Attention of q, k, v [..,N,heads*D]."""
    def f(q, k, v, bias=None, scale=None):
        q, k, v = (x.unflatten(-1, (heads, -1)).transpose(-2, -3) for x in (q, k, v))
        return attend(q, k, v, bias, scale).transpose(-2, -3).flatten(-2)
    return f


def rolled(x, window, shift):
    """[B,H,W,C] padded to multiples of the window and moved; a dimension of one window is not moved."""
    H, W = x.shape[1:3]
    x = F.pad(x, (0, 0, 0, -W % window, 0, -H % window))
    return torch.roll(x, (-shift * (H > window), -shift * (W > window)), (1, 2))


def windows(x, window, shift=0):
    x = rolled(x, window, shift)
    B, H, W, C = x.shape
    return x.reshape(B, H // window, window, W // window, window, C).permute(0, 1, 3, 2, 4, 5).reshape(
        B, H // window, W // window, window * window, C)


def merged(y, ref, window, shift=0):
    (B, h, w, _, C), (H, W) = y.shape, ref.shape[1:3]
    x = y.reshape(B, h, w, window, window, C).permute(0, 1, 3, 2, 4, 5).reshape(B, h * window, w * window, C)
    return torch.roll(x, (shift * (H > window), shift * (W > window)), (1, 2))[:, :H, :W]


def window_bias(table, ref, window, shift=0):
    """Places see each other where their numbers agree: 0 is padding, the moved map's last rows and columns have their own."""
    H, W = ref.shape[1:3]
    number = torch.zeros(1, H, W, 1, dtype=torch.float64) + 1
    Hp, Wp = H + -H % window, W + -W % window
    area = torch.zeros(1, Hp, Wp, 1, dtype=torch.float64)
    rows = (slice(0, -window), slice(-window, -shift), slice(-shift, None)) if shift and H > window else (slice(None),)
    columns = (slice(0, -window), slice(-window, -shift), slice(-shift, None)) if shift and W > window else (slice(None),)
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            area[:, r, c] = 1 + 3 * i + j
    area = windows(area, window)[0, ..., 0]
    area = area * windows(rolled(number, window, shift), window)[0, ..., 0]
    query, key = area[..., :, None], area[..., None, :]
    mask = ((key == 0) | ((query != 0) & (query != key))).double() * -100
    p = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
    d = p[:, :, None] - p[:, None, :] + window - 1
    position = table[d[0] * (2 * window - 1) + d[1]].permute(2, 0, 1)
    masked = (shift and (H > window or W > window)) or Hp > H or Wp > W
    return position + mask[:, :, None] if masked else position[None, None]


case("attention", "attention", ["2,2,15,8", "2,2,20,8", "2,2,20,6"], {}, attend)
case("attention", "attention", ["2,2,15,8:wide", "2,2,20,8", "2,2,20,6", "2,15,20"], {}, attend)
case("attention", "attention", ["2,2,5,4", "2,2,7,4", "2,2,7,4", "2,1,5,7"], {"scale": 1.5}, lambda q, k, v, b: attend(q, k, v, b, 1.5))
case("attention", "attention", ["37,5", "41,5", "41,3"], {}, attend)
case("attention", "attention", ["2,33,24", "2,33,24", "2,33,24", "1,33,33"], {"heads": 3}, by_heads(3))
case("attention", "attention", ["2,2,3,9,8", "2,2,3,9,8", "2,2,3,9,8", "2,3,4,9,9"], {"heads": 4}, by_heads(4))
case("attention", "attention", ["1,110,4", "1,20,4", "1,20,4"], {"heads": 1}, by_heads(1))
for shape, options in (("2,6,9,3", {"window": 3}), ("1,7,11,2", {"window": 4, "shift": 2}), ("1,3,10,2", {"window": 4, "shift": 1}),
                       ("1,8,9,2", {"shift": 3})):
    w, s = options.get("window", 7), options.get("shift", 0)
    B, H, W, C = (int(d) for d in shape.split(","))
    cut = "%d,%d,%d,%d,%d" % (B, -(-H // w), -(-W // w), w * w, C)
    case("window", "window_partition", [shape], options, lambda x, w=w, s=s: windows(x, w, s))
    case("window", "window_merge", [cut, shape + ":fixed"], options, lambda x, r, w=w, s=s: merged(x, r, w, s))
    case("window", "window_bias", ["%d,%d" % ((2 * w - 1) ** 2, 1 if w == 7 else 2), shape + ":fixed"], options, lambda t, r, w=w, s=s: window_bias(t, r, w, s))
case("attention", "reshape_like", ["2,3,20", "1,1,4,5:fixed"], {}, lambda x, r: x.reshape(2, 3, 4, 5))
case("attention", "reshape_like", ["2,20,3", "2,7,5,4:fixed"], {"dim": 2}, lambda x, r: x.reshape(2, 5, 4, 3))
case("shape", "upsample_like", ["2,3,4,5", "1,1,9,7:fixed"], {"mode": "bilinear"}, lambda x, r: F.interpolate(x, (9, 7), mode="bilinear"))
case("shape", "upsample_like", ["1,2,7,9", "3,4:fixed"], {}, lambda x, r: F.interpolate(x, (3, 4)))


def main():
    os.makedirs(HERE, exist_ok=True)
    index, blobs = [], {}
    for n, (group, op, inputs, options, f) in enumerate(CASES):
        leaves, specs = [], []
        for k, text in enumerate(inputs):
            dims, _, kind = text.partition(":")
            shape = [int(d) for d in dims.split(",")]
            fixed = kind.endswith("fixed")
            kind = kind.replace("fixed", "")
            # in double: the numbers that float32 kernels are held to
            leaf = torch.tensor(number(shape, 17 * n + k, kind).astype(np.float64), requires_grad=not fixed)
            leaves.append(leaf)
            specs.append({"shape": shape, "kind": kind, "fixed": fixed})
        y = f(*leaves).double()
        w = torch.tensor(number(y.shape, 17 * n + 16).astype(np.float64))
        if y.requires_grad:
            (y * w).sum().backward()
        arrays = [y.detach()] + [leaf.grad for leaf in leaves if leaf.requires_grad]
        blobs.setdefault(group, []).extend(np.ascontiguousarray(a.numpy(), dtype="<f4").tobytes() for a in arrays)
        index.append({"group": group, "op": op, "inputs": specs, "options": options, "seed": 17 * n, "shape": list(y.shape)})
    for group, parts in blobs.items():
        with open(os.path.join(HERE, group + ".f32"), "wb") as out:
            out.write(b"".join(parts))
    with open(os.path.join(HERE, "index.json"), "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(c) for c in index) + "\n]\n")
    print(len(index), "cases;", {g: sum(map(len, p)) for g, p in blobs.items()})


if __name__ == "__main__":
    main()
