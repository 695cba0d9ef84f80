#!/usr/bin/env python3
"""Pillow's pixels of picture files, for tests/test_codecs.lua.
    python3 tests/reference/pillow.py OUT FILE...
OUT/NAME.npy: [C,H,W] of the first page or frame in 0..1 (real numbers as they are), colours where the file has a palette or inks.
OUT/NAME.alpha.npy: [H,W] in 0..1, where colours were multiplied by it: Pillow divides in steps of 1/255.
OUT/NAME.error: why Pillow does not read the file.
"""
import os
import sys
import warnings

import numpy as np
from PIL import Image

warnings.simplefilter("ignore")
WHITE = {"I;16": 65535, "I;16B": 65535, "I;16L": 65535, "I": 32767, "F": 1}
GREY = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F")


def pixels(path):
    with Image.open(path) as picture:
        if picture.mode == "LAB":
            raise OSError("L*a*b* is no RGB")
        picture.load()
        alpha = np.asarray(picture)[:, :, 3] / 255.0 if picture.mode == "RGBA" else None
        if picture.mode not in GREY or picture.format in ("GIF", "BMP"):  # Pillow makes grey ones of some palettes
            picture = picture.convert("RGBA" if picture.mode == "P" else "RGB").convert("RGB")
        elif picture.mode in ("1", "LA"):
            picture = picture.convert("L")
        a = np.asarray(picture).astype(np.float64) / WHITE.get(picture.mode, 255)
        return (a[None] if a.ndim == 2 else a.transpose(2, 0, 1)).astype(np.float32), alpha


out = sys.argv[1]
for path in sys.argv[2:]:
    name = os.path.join(out, os.path.basename(path))
    try:
        a, alpha = pixels(path)
        np.save(name + ".npy", a)
        with Image.open(path) as p:
            tags = getattr(p, "tag_v2", {})
        if 1 in (tags.get(338) or ()):
            np.save(name + ".alpha.npy", alpha.astype(np.float32))
    except Exception as error:
        with open(name + ".error", "w") as f:
            f.write("%s: %s\n" % (type(error).__name__, error))
