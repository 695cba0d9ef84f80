"""The architectures of ramus.models in PyTorch, in float32, for the benchmarks: the nets that tests/reference/architectures.py and
transformers.py write out as functions, with what a reference need not care for and a contender must: activations in place, attention
inside windows instead of a mask over all places, and no side output that the loss does not use.
"""
import os
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "reference"))
import architectures
import transformers


class Unused:
    """Stands for a side output that is not computed."""

    def __getitem__(self, _):
        return self


UNUSED, grown = Unused(), architectures.grown
architectures.grown = lambda x, factor: x if x is UNUSED else grown(x, factor)


def window_attention(n, x, window, shift, heads, name):
    """x [B,H,W,C]: the places of a window see each other, also after a cyclic move of the map by shift, but not over its border."""
    B, H, W, C = x.shape
    down, right = -H % window, -W % window
    moved = [shift if size > window else 0 for size in (H, W)]
    x = torch.roll(F.pad(x, (0, 0, 0, right, 0, down)), moved, (1, 2))
    h, w = (H + down) // window, (W + right) // window
    x = x.reshape(B, h, window, w, window, C).transpose(2, 3).reshape(B, h * w, window * window, C)
    table = n.get(name + ".positions.value", (2 * window - 1) ** 2, heads)
    key = (H, W, window, shift)
    if key not in n.hidden:
        n.hidden[key] = index_and_mask(H, W, h, w, window, moved)
    index, mask = n.hidden[key]
    x = n.attention(x, x, heads, name, table[index].permute(2, 0, 1) + mask)
    x = x.reshape(B, h, w, window, window, C).transpose(2, 3).reshape(B, h * window, w * window, C)
    return torch.roll(x, [-m for m in moved], (1, 2))[:, :H, :W].contiguous()


def index_and_mask(H, W, h, w, window, moved):
    """The row of the table of positions for every pair of places of a window, and what is added where a pair must not meet."""
    place = torch.arange(window)
    y, z = (place[:, None] + 0 * place).flatten(), (place + 0 * place[:, None]).flatten()
    index = (y[:, None] - y[None] + window - 1) * (2 * window - 1) + z[:, None] - z[None] + window - 1

    def parts(length, count, move):
        """0 or 1 for the two sides of the border after the move, 2 for padding."""
        i = (torch.arange(count * window) - move) % (count * window)
        return (i >= count * window - move).long() if length == count * window else torch.where(i < length, (i >= count * window - move).long(), 2)

    rows, columns = parts(H, h, moved[0]), parts(W, w, moved[1])
    group = (rows[:, None] * 3 + columns).reshape(h, window, w, window).transpose(1, 2).reshape(h * w, window * window)
    return index, torch.zeros(h * w, 1, *index.shape).masked_fill((group[:, :, None] != group[:, None])[:, None], -1e4)


transformers.window_attention = window_attention


class Architecture(nn.Module):
    """An architecture in its light preset; its logits at full size."""

    def __init__(self, name, layout):
        super().__init__()
        room = architectures if name in architectures.NETS else transformers
        self.function, presets = room.NETS[name]
        given = presets["light"]
        options = dict(given.get("net", {}))
        self.net, self.options = room.Net(True, **options), given.get("f", {})
        self.net.hidden, net = {}, self.net
        plain_conv = net.conv

        def conv(x, at, *more, **named):
            return UNUSED if at.startswith("side") and name != "hed" else plain_conv(x, at, *more, **named)

        net.conv, net.act = conv, lambda x: F.relu_(x) if options.get("act", "relu") == "relu" else F.leaky_relu_(x, options["act"])
        with torch.no_grad():
            self.function(net, torch.zeros(2, 1, 64, 64, dtype=torch.float64), **self.options)
        for key, value in net.p.items():
            value = value.detach().float()
            net.p[key] = nn.Parameter(value.contiguous(memory_format=layout) if value.dim() == 4 else value)
            self.register_parameter(key.replace(".", "/"), net.p[key])
        for key, value in net.buffers.items():
            net.buffers[key] = value.float()
        net.hidden.clear()

    def forward(self, x):
        self.net.train = self.training
        return self.function(self.net, x, **self.options)["out"]
