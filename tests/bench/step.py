"""One process of the training-step benchmark in PyTorch: prints the median step in ms.

    python3 tests/bench/step.py KIND WIDTH SIZE BATCH STEPS nchw|channels_last
KIND: unet (Dice) or dsd (the supervision of recipes/dsd_cimat80.lua after epoch 0).
U-Net of depth 5, batch norm, transposed-convolution upsampling, AdamW.
"""
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

kind, width, size, batch, steps, layout = sys.argv[1], *map(int, sys.argv[2:6]), sys.argv[6]
torch.set_num_threads(2)
torch.manual_seed(0)
DEPTH = 5
memory = torch.channels_last if layout == "channels_last" else torch.contiguous_format


def block(c, o):
    return nn.Sequential(nn.Conv2d(c, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True),
                         nn.Conv2d(o, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


class UNet(nn.Module):
    def __init__(self, sides):
        super().__init__()
        w = [width * 2 ** i for i in range(DEPTH)]
        self.encoder = nn.ModuleList(block(1 if i == 0 else w[i - 1], w[i]) for i in range(DEPTH))
        self.up = nn.ModuleList(nn.ConvTranspose2d(w[i + 1], w[i], 2, stride=2) for i in range(DEPTH - 1))
        self.decoder = nn.ModuleList(block(2 * w[i], w[i]) for i in range(DEPTH - 1))
        self.side = nn.ModuleList(nn.Conv2d(w[i], 1, 3, padding=1) for i in range(DEPTH - 1)) if sides else None
        self.head = nn.Conv2d(w[0], 1, 1)

    def forward(self, x):
        skip, side = [], [None] * (DEPTH - 1)
        for i in range(DEPTH):
            x = self.encoder[i](F.max_pool2d(x, 2) if i else x)
            skip.append(x)
        for i in range(DEPTH - 2, -1, -1):
            x = self.decoder[i](torch.cat([skip[i], self.up[i](x)], 1))
            if self.side is not None:
                s = self.side[i](x)
                side[i] = F.interpolate(s, scale_factor=2 ** i, mode="bilinear", align_corners=False) if i else s
        return self.head(x), side


def dice(logits, y):
    p = torch.sigmoid(logits)
    return 1 - (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)


def distribution(s, t, cells=16, tau=0.3):
    """KL of patch distributions by shares: cells x cells patches."""
    k = size // cells
    u_s = (2 * F.avg_pool2d(torch.sigmoid(s), k) - 1) / tau
    u_t = (2 * F.avg_pool2d(torch.sigmoid(t), k) - 1) / tau
    return (torch.sigmoid(u_s) * (u_s - u_t) + F.softplus(u_t) - F.softplus(u_s)).mean()


net = UNet(kind == "dsd").to(memory_format=memory)
teacher = UNet(True).to(memory_format=memory).eval() if kind == "dsd" else None
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-5)
x = torch.rand(batch, 1, size, size).to(memory_format=memory)
y = (torch.rand(batch, 1, size, size) > 0.9).float()


def step():
    optimizer.zero_grad(set_to_none=True)
    out, side = net(x)
    loss = dice(out, y)
    if teacher is not None:
        with torch.no_grad():
            t_out, t_side = teacher(x)
        q = 0.25 * torch.sigmoid(t_out) + 0.75 * y
        loss = loss + F.binary_cross_entropy_with_logits(out, q)
        for i, s in enumerate(side):
            loss = loss + F.binary_cross_entropy_with_logits(s, y) / 2 ** (i + 1) + 0.25 * distribution(s, t_side[i])
    loss.backward()
    if teacher is not None:
        nn.utils.clip_grad_norm_(net.parameters(), 1)
    optimizer.step()


times = []
for i in range(steps + 2):
    start = time.perf_counter()
    step()
    if i >= 2:
        times.append(time.perf_counter() - start)
print(f"{1e3 * statistics.median(times):.2f}")
