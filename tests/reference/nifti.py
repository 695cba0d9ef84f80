#!/usr/bin/env python3
"""Makes tests/reference/nifti/: small NIfTI-1 files of every type, PNM and NIfTI in gzip, and expected.json with what they hold.
    python3 tests/reference/nifti.py
"""
import gzip
import json
import os
import struct

import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nifti")
W, H = 7, 5
rng = np.random.RandomState(17)
expected = {}
TYPES = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256, "u2": 512, "u4": 768, "i8": 1024, "u8": 1280}
WHITE = {"u1": 255, "u2": 65535, "i1": 127, "i2": 32767}


def volume(a, order="<", code=None, slope=0.0, intercept=0.0, units=2, window=(0, 0), dims=None):
    """a [.., H, W] or, of colours, [H, W, n] with a code."""
    shape = dims or (a.shape[::-1] if code is None else a.shape[1::-1])
    dim = [len(shape)] + list(shape) + [1] * (7 - len(shape))
    head = bytearray(352)
    struct.pack_into(order + "i", head, 0, 348)
    struct.pack_into(order + "8h", head, 40, *dim)
    struct.pack_into(order + "hh", head, 70, code or TYPES[a.dtype.str[1:]], a.dtype.itemsize * 8)
    struct.pack_into(order + "8f", head, 76, 1, 0.25, 0.5, 1, 1, 1, 1, 1)
    struct.pack_into(order + "3f", head, 108, 352, slope, intercept)
    head[123] = units
    struct.pack_into(order + "2f", head, 124, window[1], window[0])
    head[344:348] = b"n+1\0"
    return bytes(head) + a.astype(a.dtype.newbyteorder(order)).tobytes()


def write(name, data):
    with open(os.path.join(HERE, name), "wb") as f:
        f.write(data)


def expect(name, numbers, white, bits, **more):
    """numbers [H, W] or [H, W, C]; Ramus gives them divided by white"""
    v = np.asarray(numbers)
    v = v[None] if v.ndim == 2 else v.transpose(2, 0, 1)
    expected[name] = dict(bits=bits, shape=list(v.shape), white=white, **more,
                          numbers=[float("%.9g" % x) if v.dtype.kind == "f" else int(x) for x in v.ravel()])


os.makedirs(HERE, exist_ok=True)
for kind in TYPES:
    if kind[0] == "f":
        a = (rng.randn(H, W) * 50).astype(kind)
    else:
        low, high = np.iinfo(kind).min, min(np.iinfo(kind).max, 2 ** 50)
        a = rng.randint(max(low, -2 ** 50), high, (H, W), dtype=np.int64).astype(kind)
    for order, tail in (("<", "le"), (">", "be")):
        name = "%s_%s.nii" % (kind, tail)
        write(name, volume(a, order))
        expect(name, a, WHITE.get(kind, 1), int(kind[1]) * 8, spacing=[0.5, 0.25])
a = rng.randint(0, 4096, (H, W)).astype("i2")
for name, slope, intercept, v in (("slope.nii", 0.5, -100.0, a * 0.5 - 100), ("slope_1.nii", 1.0, 0.0, a), ("slope_nan.nii", float("nan"), 0.0, a),
                                  ("intercept.nii", 1.0, -1024.0, a - 1024.0)):
    write(name, volume(a, ">", slope=slope, intercept=intercept))
    expect(name, v, 32767 if v.dtype.kind == "i" else 1, 16, spacing=[0.5, 0.25])
write("one_slice.nii", volume(a, dims=(W, H, 1, 1, 1), units=3, window=(40, 400)))
expect("one_slice.nii", a, 32767, 16, spacing=[0.0005, 0.00025], window=[40, 400])
a = rng.randint(0, 256, (3, 2, H, W)).astype("u1")  # 3 times, 2 slices each
write("slices.nii", volume(a, ">"))
for k in range(6):
    expect("slices.nii" if k == 0 else "slices.nii#%d" % k, a[k // 2, k % 2], 255, 8, frames=6, spacing=[0.5, 0.25])
for n, code in ((3, 128), (4, 2304)):
    a = rng.randint(0, 256, (H, W, n)).astype("u1")
    name = "rgb%s.nii" % ("a" * (n - 3))
    write(name, volume(a, code=code))
    expect(name, a[:, :, :3], 255, 8, spacing=[0.5, 0.25], **(dict(alpha=[int(x) for x in a[:, :, 3].ravel()]) if n == 4 else {}))

a = rng.randint(0, 4096, (H, W)).astype("u2")
write("u2.nii.gz", gzip.compress(volume(a), mtime=0))
expect("u2.nii.gz", a, 65535, 16, spacing=[0.5, 0.25])
write("slices.nii.gz", gzip.compress(volume(np.stack([a, a + 1])), mtime=0))
expect("slices.nii.gz", a, 65535, 16, frames=2, spacing=[0.5, 0.25])
expect("slices.nii.gz#1", a + 1, 65535, 16, frames=2)
a = rng.randint(0, 256, (H, W, 3)).astype("u1")
ppm = b"P6\n# %s\n%d %d\n255\n" % (b"a remark", W, H) + a.tobytes()
for name, data in (("rgb.ppm.gz", gzip.compress(ppm, mtime=0)),
                   ("members.ppm.gz", gzip.compress(ppm[:40], mtime=0) + gzip.compress(ppm[40:], mtime=0) + b"\0\0")):
    write(name, data)
    expect(name, a, 255, 8)
g = a[:, :, 0] > 127
write("bits.pbm.gz", gzip.compress(b"P4\n%d %d\n" % (W, H) + np.packbits(~g, axis=1).tobytes(), mtime=0))
expect("bits.pbm.gz", g.astype(int), 1, 1)
write("plain.pgm.gz", gzip.compress(b"P2\n%d %d\n255\n" % (W, H) + b" ".join(b"%d" % x for x in a[:, :, 0].ravel()) + b"\n", mtime=0))
expect("plain.pgm.gz", a[:, :, 0], 255, 8)

with open(os.path.join(HERE, "expected.json"), "w") as f:
    json.dump(expected, f, separators=(",", ":"))
    f.write("\n")
print(len(expected), "pictures")
