#!/usr/bin/env python3
"""Reference numbers for tests/test_optim.lua: weights after steps of PyTorch's optimizers, in double.

    /usr/bin/python3 tests/reference/optim.py      (PyTorch 1.13; writes tests/reference/optim.json)

Weights start at w[i] = sin(i); the gradient of step t is g[i] = cos(0.5 i + t) + 0.1 w[i]. Clipping is
torch.nn.utils.clip_grad_norm_.
"""
import json
import os

import torch

N, STEPS = 37, 6
CASES = [
    ("sgd", dict(lr=0.1)),
    ("sgd", dict(lr=0.1, weight_decay=0.05)),
    ("sgd", dict(lr=0.1, momentum=0.9, weight_decay=0.05)),
    ("sgd", dict(lr=0.1, momentum=0.9, weight_decay=0.05, nesterov=True)),
    ("sgd", dict(lr=0.1, momentum=0.9, clip=1.0)),
    ("adam", dict(lr=0.01)),
    ("adam", dict(lr=0.01, weight_decay=0.1, betas=(0.8, 0.95), eps=1e-3)),
    ("adamw", dict(lr=0.01, weight_decay=0.1)),
    ("adamw", dict(lr=0.01, weight_decay=0.1, clip=1.0)),
    ("adamw", dict(lr=0.01, weight_decay=0.1, clip=100.0)),
]
KINDS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def main():
    out = []
    i = torch.arange(N, dtype=torch.float64)
    for kind, options in CASES:
        options = dict(options)
        clip = options.pop("clip", 0)
        w = torch.sin(i).requires_grad_()
        o = KINDS[kind]([w], **options)
        norms = []
        for t in range(STEPS):
            w.grad = torch.cos(0.5 * i + t) + 0.1 * w.detach()
            norms.append(float(torch.nn.utils.clip_grad_norm_([w], clip if clip else 1e30)))
            o.step()
        out.append({"kind": kind, "options": options, "clip": clip, "steps": STEPS, "norms": norms, "weights": w.detach().tolist()})
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "optim.json")
    with open(path, "w") as f:
        json.dump(out, f, indent=0)
        f.write("\n")


if __name__ == "__main__":
    main()
