#!/usr/bin/env python3
"""Makes tests/reference/image_filters.json: what SciPy, PyTorch and NumPy make of one small picture.

    python3 tests/reference/image_filters.py
Blur and the Hessian of the vesselness come from scipy.ndimage, bilinear and nearest resizing from torch, area resizing
from cumulative sums, and CLAHE from a NumPy transcription of its definition (padding by reflection, clip, spread, bilinear
mean of four mappings). scikit-image's own frangi and equalize_adapthist follow other conventions; the script prints how
well they correlate.
"""
import json
import os

import numpy as np
import scipy.ndimage as ndi
import torch
import torch.nn.functional as F
from skimage import exposure, filters

H, W = 37, 46
rng = np.random.RandomState(3)
yy, xx = np.mgrid[0:H, 0:W]
picture = 0.75 - 0.2 * yy / H + 0.05 * rng.randn(H, W)
for a, b, width, depth in ((0.4, 6, 1.2, 0.4), (-0.3, 30, 2.5, 0.35)):
    picture -= depth * np.exp(-0.5 * ((yy - a * xx - b) / width) ** 2)
picture = np.round(np.clip(picture, 0, 1) * 255) / 255
picture32 = torch.tensor(picture, dtype=torch.float32)[None, None]


def frangi(x, scales, beta=0.5, c=0.0):
    best = np.zeros_like(x)
    for s in scales:
        xx, xy, yy = (s * s * ndi.gaussian_filter(x, s, order=o, mode="nearest", truncate=4) for o in ((0, 2), (1, 1), (2, 0)))
        m = np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -2)
        l = np.linalg.eigvalsh(m)
        swap = np.abs(l[..., 0]) > np.abs(l[..., 1])
        l1, l2 = np.where(swap, l[..., 1], l[..., 0]), np.where(swap, l[..., 0], l[..., 1])
        s2 = l1 ** 2 + l2 ** 2
        half = c or np.sqrt(s2.max()) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            v = np.exp(-(l1 / l2) ** 2 / (2 * beta ** 2)) * (1 - np.exp(-s2 / (2 * half ** 2)))
        best = np.maximum(best, np.where(l2 > 0, v, 0))
    return best


def area_axis(x, n):
    edge = np.arange(x.shape[0] + 1)
    total = np.concatenate([np.zeros((1,) + x.shape[1:]), np.cumsum(x, 0)])
    at = np.arange(n + 1) * x.shape[0] / n
    sums = np.stack([np.interp(at, edge, total[:, j]) for j in range(x.shape[1])], 1)
    return np.diff(sums, axis=0) * n / x.shape[0]


def clahe(x, tiles, clip):
    h, w = -(-H // tiles), -(-W // tiles)
    level = np.round(x * 255).astype(int)
    padded = np.pad(level, ((0, h * tiles - H), (0, w * tiles - W)), mode="reflect")
    maps = np.zeros((tiles, tiles, 256))
    for i in range(tiles):
        for j in range(tiles):
            count = np.bincount(padded[i * h:(i + 1) * h, j * w:(j + 1) * w].ravel(), minlength=256)
            if clip > 0:
                limit = max(1, int(clip * h * w / 256))
                excess = int(np.maximum(count - limit, 0).sum())
                count = np.minimum(count, limit) + excess // 256
                rest = excess % 256
                if rest:
                    at = np.arange(0, 256, max(1, 256 // rest))[:rest]
                    count[at] += 1
            maps[i, j] = np.cumsum(count) / (h * w)
    out = np.zeros((H, W))
    for i in range(H):
        for j in range(W):
            fy, fx = i / h - 0.5, j / w - 0.5
            ty, tx = int(np.floor(fy)), int(np.floor(fx))
            for ky, wy in ((ty, 1 - (fy - ty)), (ty + 1, fy - ty)):
                for kx, wx in ((tx, 1 - (fx - tx)), (tx + 1, fx - tx)):
                    out[i, j] += wy * wx * maps[np.clip(ky, 0, tiles - 1), np.clip(kx, 0, tiles - 1), level[i, j]]
    return out


def flat(x):
    x = np.asarray(x, float)
    return {"shape": list(x.shape), "values": [round(float(v), 6) for v in x.ravel()]}


def torch_resize(h, w, **options):
    return F.interpolate(picture32, size=(h, w), **options)[0, 0].numpy()


vesselness = frangi(picture, (1.0, 2.0, 3.5))
out = {
    "picture": flat(picture),
    "blur_0.7": flat(ndi.gaussian_filter(picture, 0.7, mode="nearest", truncate=4)),
    "blur_3": flat(ndi.gaussian_filter(picture, 3, mode="nearest", truncate=4)),
    "frangi": flat(vesselness),
    "frangi_c": flat(frangi(picture, (1.5,), 0.8, 0.3)),
    "bilinear_up": flat(torch_resize(60, 71, mode="bilinear", align_corners=False)),
    "bilinear_down": flat(torch_resize(17, 30, mode="bilinear", align_corners=False)),
    "nearest": flat(torch_resize(50, 21, mode="nearest-exact")),
    "area": flat(area_axis(area_axis(picture, 15).T, 20).T),
    "clahe_4": flat(clahe(picture, 4, 2.0)),
    "clahe_3": flat(clahe(picture, 3, 0.0)),
}
skimage_frangi = filters.frangi(picture, sigmas=(1.0, 2.0, 3.5), black_ridges=True, beta=0.5, gamma=0.1)
print("correlation with scikit-image: frangi %.3f, clahe %.3f" % (
    np.corrcoef(vesselness.ravel(), skimage_frangi.ravel())[0, 1],
    np.corrcoef(clahe(picture, 4, 2.0).ravel(),
                exposure.equalize_adapthist(picture, kernel_size=(10, 12), clip_limit=2 / 256.0).ravel())[0, 1]))
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "image_filters.json"), "w") as f:
    json.dump(out, f, separators=(",", ":"))
    f.write("\n")
