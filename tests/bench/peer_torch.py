"""One process of a benchmark in PyTorch; prints {"ms": median, "memory_mb": peak, "steps": timed} as JSON.

    python3 tests/bench/peer_torch.py train|dsd|infer WIDTH|NAME SIZE BATCH STEPS nchw|channels_last THREADS
WIDTH of a U-Net, or the NAME of an architecture in its light preset. THREADS 0: as many as PyTorch takes by itself. The cases are those of `ramus bench`. Two steps warm up, or as many as
two seconds allow; then STEPS are timed, or as many as three seconds allow.
"""
import json
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

case, which = sys.argv[1:3]
size, batch, steps = map(int, sys.argv[3:6])
layout, threads = sys.argv[6], int(sys.argv[7])
if threads:
    torch.set_num_threads(threads)
torch.manual_seed(0)
memory = torch.channels_last if layout == "channels_last" else torch.contiguous_format


def network(sides):
    if which.isdigit():
        from unet import UNet
        return UNet(int(which), sides)
    from nets import Architecture
    return Architecture(which, memory)


def dice(logits, y):
    p = torch.sigmoid(logits)
    return 1 - (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)


def distribution(s, t, cells=16, tau=0.3):
    """KL of patch distributions by shares: cells x cells patches."""
    k = size // cells
    u_s = (2 * F.avg_pool2d(torch.sigmoid(s), k) - 1) / tau
    u_t = (2 * F.avg_pool2d(torch.sigmoid(t), k) - 1) / tau
    return (torch.sigmoid(u_s) * (u_s - u_t) + F.softplus(u_t) - F.softplus(u_s)).mean()


x = torch.rand(batch, 1, size, size).to(memory_format=memory)
y = (torch.rand(batch, 1, size, size) > 0.9).float()
net = network(case == "dsd").to(memory_format=memory)


def infer():
    with torch.inference_mode():
        net(x)


def trainer():
    teacher = network(True).to(memory_format=memory).eval() if case == "dsd" else None
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-5)

    def step():
        optimizer.zero_grad(set_to_none=True)
        if teacher is None:
            loss = dice(net(x), y)
        else:
            out, side = net(x)
            with torch.no_grad():
                t_out, t_side = teacher(x)
            loss = dice(out, y) + F.binary_cross_entropy_with_logits(out, 0.25 * torch.sigmoid(t_out) + 0.75 * y)
            for i, s in enumerate(side):
                loss = loss + F.binary_cross_entropy_with_logits(s, y) / 2 ** (i + 1) + 0.25 * distribution(s, t_side[i])
        loss.backward()
        if teacher is not None:
            nn.utils.clip_grad_norm_(net.parameters(), 1)
        optimizer.step()
    return step


def repeat(step, count, seconds):
    times, began = [], time.perf_counter()
    while len(times) < count and (not times or time.perf_counter() - began < seconds):
        start = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - start))
    return times


if case == "infer":
    net.eval()
run = infer if case == "infer" else trainer()
repeat(run, 2, 2)
times = repeat(run, steps, 3)
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
print(json.dumps({"ms": statistics.median(times), "memory_mb": peak, "steps": len(times), "version": torch.__version__}))
