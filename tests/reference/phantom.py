"""Statistics of real angiograms that the synthetic ones (core/phantom/phantom.c) are held to.

usage: python3 tests/reference/phantom.py CIMAT80_FOLDER [OTHER_FOLDER]
CIMAT80_FOLDER holds Angios_40_*/N.png and N_gt.png; writes phantom.json with
quantiles over its 80 pictures. OTHER_FOLDER (ID_image.png, ID_mask.png, or N.png and N_gt.png as `ramus fetch phantom` makes them): prints the
same statistics, for comparison.
Grey values in 0..1, masks > 127. Per picture:
  fraction    vessel pixels / pixels
  width       mean over the skeleton (skimage skeletonize) of 2 x distance to the background
  contrast    mean over the skeleton of (mean background within 31x31) - (mean vessel within 5x5)
  length      skeleton pixels / pixels
  ends        ends of the skeleton            forks   places where it branches
  uneven      standard deviation / mean of the contrast over the skeleton
  clutter     99th percentile of the Laplacian of Gaussian (sigma 2), 6 pixels and more from vessels / its median over the skeleton
  mean, sd    of grey values          noise   deviation of the picture minus its 3x3 median, background only
"""
import glob
import json
import os
import sys

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.morphology import skeletonize

HERE = os.path.dirname(os.path.abspath(__file__))


def window_mean(value, where, size):
    total = ndimage.uniform_filter(np.where(where, value, 0).astype(float), size, mode="constant")
    return total / np.maximum(ndimage.uniform_filter(where.astype(float), size, mode="constant"), 1e-9)


def statistics(image, mask):
    skeleton = skeletonize(mask)
    contrast = window_mean(image, ~mask, 31) - window_mean(image, mask, 5)
    neighbours = ndimage.convolve(skeleton.astype(int), np.ones((3, 3)), mode="constant") - 1
    line = ndimage.gaussian_laplace(image, 2.0)
    away = ndimage.distance_transform_edt(~mask) > 6
    rough = (image - ndimage.median_filter(image, 3))[~mask]
    return dict(fraction=mask.mean(), width=2 * ndimage.distance_transform_edt(mask)[skeleton].mean(),
                contrast=contrast[skeleton].mean(), length=skeleton.mean(), mean=image.mean(), sd=image.std(),
                noise=rough.std(), ends=((neighbours == 1) & skeleton).sum(),
                forks=ndimage.label((neighbours >= 3) & skeleton, np.ones((3, 3)))[1],
                uneven=contrast[skeleton].std() / contrast[skeleton].mean(),
                clutter=np.percentile(line[away], 99) / np.median(line[skeleton]))


def load(path):
    return np.asarray(Image.open(path).convert("L"))


def collect(pairs):
    rows = [statistics(load(i) / 255.0, load(m) > 127) for i, m in pairs]
    table = {}
    for key in rows[0]:
        values = [r[key] for r in rows]
        table[key] = {"p%02d" % q: round(float(np.percentile(values, q)), 5) for q in (5, 10, 50, 90, 95)}
    return dict(pictures=len(rows), statistics=table)


if __name__ == "__main__":
    masks = sorted(glob.glob(os.path.join(sys.argv[1], "*", "*_gt.png")))
    real = collect([(m.replace("_gt", ""), m) for m in masks])
    one = os.path.join(sys.argv[1], "Angios_40_training", "1")
    first = statistics(load(one + ".png") / 255.0, load(one + "_gt.png") > 127)
    real["first"] = {k: float(v) for k, v in first.items()}  # training picture 1: the test computes it too
    with open(os.path.join(HERE, "phantom.json"), "w") as f:
        json.dump(real, f, indent=1)
        f.write("\n")
    print(json.dumps(real["statistics"]))
    if len(sys.argv) > 2:
        other = os.path.join(sys.argv[2], "**")
        masks = sorted(glob.glob(os.path.join(other, "*_mask.png"), recursive=True))
        pairs = [(m.replace("_mask", "_image"), m) for m in masks]
        pairs += [(m.replace("_gt", ""), m) for m in sorted(glob.glob(os.path.join(other, "*_gt.png"), recursive=True))]
        for k, v in collect(pairs)["statistics"].items():
            print(k.ljust(9), v, "real", real["statistics"][k])
