"""Reference scores of small pictures by scikit-image, scikit-learn and SciPy.

Writes metric.json (expected values) and metric.bin (for each case: probability
float32 [H,W], mask uint8, field of view uint8). Run: python3 tests/reference/metric.py
Versions that made the committed files: NumPy 1.24, SciPy 1.10, scikit-image 0.19, scikit-learn 1.2.
"""
import json
import os

import numpy as np
from scipy import ndimage
from skimage.measure import label
from skimage.morphology import skeletonize
from sklearn.metrics import (accuracy_score, average_precision_score, f1_score, jaccard_score, matthews_corrcoef,
                             precision_score, recall_score, roc_auc_score)

HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(7)


def vessels(H, W, count):
    """A mask of wandering lines of changing width."""
    mask = np.zeros((H, W), bool)
    yy, xx = np.mgrid[:H, :W]
    for _ in range(count):
        y, x, a = rng.uniform(0, H), rng.uniform(0, W), rng.uniform(0, 2 * np.pi)
        r = rng.uniform(0.7, 3.5)
        for _ in range(60):
            mask |= (yy - y) ** 2 + (xx - x) ** 2 <= r * r
            a += rng.normal(0, 0.25)
            y, x, r = y + np.sin(a), x + np.cos(a), max(0.6, r - 0.03)
    return mask


def guess(mask, blur, noise):
    p = ndimage.gaussian_filter(mask.astype(float), blur) + rng.normal(0, noise, mask.shape)
    return (1 / (1 + np.exp(-12 * (p - 0.4)))).astype(np.float32)


def hd95(a, b):
    """MedPy's definition: boundary = mask minus its 4-connected erosion, both directions pooled."""
    if not a.any() or not b.any():
        return 0.0 if a.any() == b.any() else float(np.hypot(*a.shape))
    cross = ndimage.generate_binary_structure(2, 1)
    ea, eb = a ^ ndimage.binary_erosion(a, cross), b ^ ndimage.binary_erosion(b, cross)
    pool = np.hstack([ndimage.distance_transform_edt(~eb)[ea], ndimage.distance_transform_edt(~ea)[eb]])
    return float(np.percentile(pool, 95))


def ece(p, y, bins=15):
    index = np.minimum((p.astype(np.float64) * bins).astype(int), bins - 1)
    return float(sum(abs(p[index == k].astype(np.float64).sum() - y[index == k].sum()) for k in range(bins)) / p.size)


def scores(prob, mask, fov, threshold):
    inside = fov > 0
    p, y = prob[inside], mask[inside] > 0
    h = p >= threshold
    P, M = (prob >= threshold) & inside, (mask > 0) & inside
    sp, sm = skeletonize(P), skeletonize(M)
    tprec, tsens = (sp & M).sum() / sp.sum(), (sm & P).sum() / sm.sum()
    return dict(
        tp=int((h & y).sum()), fp=int((h & ~y).sum()), fn=int((~h & y).sum()), tn=int((~h & ~y).sum()),
        dice=f1_score(y, h), iou=jaccard_score(y, h), accuracy=accuracy_score(y, h), sensitivity=recall_score(y, h),
        specificity=recall_score(~y, ~h), precision=precision_score(y, h), mcc=matthews_corrcoef(y, h),
        roc_auc=roc_auc_score(y, p), pr_auc=average_precision_score(y, p),
        cldice=2 * tprec * tsens / (tprec + tsens), hd95=hd95(P, M),
        component_error=abs(int(label(P, connectivity=2).max()) - int(label(M, connectivity=2).max())),
        ece=ece(p, y),
        skeleton_p=int(sp.sum()), skeleton_m=int(sm.sum()))


cases, blob, pooled = [], b"", []
for H, W, count, blur, noise, threshold, form in [
        (64, 56, 4, 1.2, 0.12, 0.5, "plain"), (61, 47, 5, 0.8, 0.25, 0.3, "ties"), (48, 72, 6, 1.5, 0.2, 0.5, "fov"),
        (72, 40, 3, 0.5, 0.45, 0.6, "noisy"), (40, 33, 5, 0.7, 0.1, 0.5, "saturated")]:
    mask = vessels(H, W, count)
    prob = guess(mask, blur, noise)
    fov = np.ones((H, W), bool)
    if form == "ties":
        prob = (np.round(prob * 8) / 8).astype(np.float32)
    if form == "fov":
        yy, xx = np.mgrid[:H, :W]
        fov = ((yy - H / 2) / (H / 2)) ** 2 + ((xx - W / 2) / (W / 2)) ** 2 <= 1
    if form == "saturated":
        prob = np.where(prob > 0.9, 1, np.where(prob < 0.1, 0, prob)).astype(np.float32)
    cases.append(dict(name=form, H=H, W=W, threshold=threshold, expected=scores(prob, mask, fov, threshold)))
    blob += prob.tobytes() + mask.astype(np.uint8).tobytes() + fov.astype(np.uint8).tobytes()
    pooled.append((prob[fov], mask[fov]))

p, y = np.concatenate([a for a, _ in pooled]), np.concatenate([b for _, b in pooled])
thresholds = np.unique(p)
mean_dice = [np.mean([2 * ((a >= t) & b).sum() / ((a >= t).sum() + b.sum()) for a, b in pooled]) for t in thresholds]
out = dict(cases=cases,
           pooled=dict(roc_auc=roc_auc_score(y, p), pr_auc=average_precision_score(y, p), ece=ece(p, y)),
           best_mean_dice=float(max(mean_dice)))

# Skeletons and distances of random pictures, as sums that a wrong pixel would change.
noise = rng.random((80, 90)) < 0.72
sk, dist = skeletonize(noise), ndimage.distance_transform_edt(noise)
weight = np.arange(noise.size).reshape(noise.shape) % 997
out["noise"] = dict(H=80, W=90, skeleton=int(sk.sum()), skeleton_weighted=int((sk * weight).sum()),
                    distance=float(dist.sum()), distance_weighted=float((dist * weight).sum()))
blob += noise.astype(np.uint8).tobytes()

with open(os.path.join(HERE, "metric.bin"), "wb") as f:
    f.write(blob)
with open(os.path.join(HERE, "metric.json"), "w") as f:
    json.dump(out, f, indent=1)
    f.write("\n")
print(len(blob), "bytes")
