#!/usr/bin/env python3
"""Makes tests/reference/image/: small pictures of every kind that Ramus reads, and expected.json with what they hold.

PNG files are written by the few lines below (so that every bit depth, colour type and interlacing occurs) and checked
against Pillow where Pillow reads the kind without loss; JPEG files are written and read by Pillow.
    python3 tests/reference/image_fixtures.py
"""
import json
import os
import struct
import zlib

import numpy as np
from PIL import Image

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "image")
W, H = 11, 9
rng = np.random.RandomState(7)
expected = {}


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack_rows(samples, bits):
    """samples [h, w, channels] -> filtered scanlines; the five filters take turns."""
    h, w, c = samples.shape
    flat = samples.reshape(h, w * c)
    if bits == 16:
        rows = flat.astype(">u2").view(np.uint8).reshape(h, -1)
    elif bits == 8:
        rows = flat.astype(np.uint8)
    else:
        per = 8 // bits
        padded = np.zeros((h, (w * c + per - 1) // per * per), np.uint8)
        padded[:, :w * c] = flat
        rows = np.zeros((h, padded.shape[1] // per), np.uint8)
        for k in range(per):
            rows |= (padded[:, k::per] << (8 - bits * (k + 1))).astype(np.uint8)
    step = max(1, c * bits // 8)
    out = b""
    before = np.zeros(rows.shape[1], int)
    for y in range(h):
        row = rows[y].astype(int)
        left = np.concatenate([np.zeros(step, int), row[:-step]])[:len(row)]
        corner = np.concatenate([np.zeros(step, int), before[:-step]])[:len(row)]
        kind = y % 5
        if kind == 4:
            p = left + before - corner
            a, b, d = abs(p - left), abs(p - before), abs(p - corner)
            guess = np.where((a <= b) & (a <= d), left, np.where(b <= d, before, corner))
        else:
            guess = [0, left, before, (left + before) // 2][kind]
        out += bytes([kind]) + ((row - guess) & 255).astype(np.uint8).tobytes()
        before = row
    return out


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def write_png(name, samples, bits, colour, interlaced=False, extra=b""):
    h, w, _ = samples.shape
    if interlaced:
        raw = b"".join(pack_rows(samples[y0::dy, x0::dx], bits) for x0, y0, dx, dy in ADAM7 if samples[y0::dy, x0::dx].size)
    else:
        raw = pack_rows(samples, bits)
    with open(os.path.join(HERE, name), "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, bits, colour, 0, 0, int(interlaced)))
                + extra + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))


def expect(name, values, bits):
    """values [H, W, C] in 0..1"""
    v = np.asarray(values, float)
    expected[name] = {"bits": bits, "shape": [v.shape[2], v.shape[0], v.shape[1]],
                      "values": [round(float(x), 7) for x in v.transpose(2, 0, 1).ravel()]}


def check_with_pillow(name, values):
    got = np.asarray(Image.open(os.path.join(HERE, name)).convert("RGB"), float) / 255
    assert np.abs(got - np.broadcast_to(values, got.shape)).max() < 0.5 / 255, name


os.makedirs(HERE, exist_ok=True)
for interlaced in (False, True):
    tail = "_interlaced.png" if interlaced else ".png"
    for bits in (1, 2, 4, 8, 16):
        s = rng.randint(0, 1 << bits, (H, W, 1))
        write_png("grey%d" % bits + tail, s, bits, 0, interlaced)
        expect("grey%d" % bits + tail, s / ((1 << bits) - 1), bits)
        if bits < 16:
            check_with_pillow("grey%d" % bits + tail, s / ((1 << bits) - 1))
    for bits in (1, 2, 4, 8):
        n = 1 << bits if bits < 8 else 200
        palette = rng.randint(0, 256, (n, 3)).astype(np.uint8)
        s = rng.randint(0, n, (H, W, 1))
        extra = chunk(b"PLTE", palette.tobytes()) + (chunk(b"tRNS", bytes([0, 128][:n])) if bits in (2, 8) else b"")
        write_png("palette%d" % bits + tail, s, bits, 3, interlaced, extra)
        expect("palette%d" % bits + tail, palette[s[:, :, 0]] / 255.0, bits)
        check_with_pillow("palette%d" % bits + tail, palette[s[:, :, 0]] / 255.0)
    for colour, channels, keep, kind in ((2, 3, 3, "rgb"), (4, 2, 1, "grey_alpha"), (6, 4, 3, "rgb_alpha")):
        for bits in (8, 16):
            s = rng.randint(0, 1 << bits, (H, W, channels))
            write_png("%s%d" % (kind, bits) + tail, s, bits, colour, interlaced)
            expect("%s%d" % (kind, bits) + tail, s[:, :, :keep] / ((1 << bits) - 1), bits)
s = rng.randint(0, 256, (H, W, 1))
write_png("grey8_transparent.png", s, 8, 0, False, chunk(b"tRNS", struct.pack(">H", int(s[0, 0, 0]))))
expect("grey8_transparent.png", s / 255.0, 8)

ramp = np.linspace(0, 255, W * 3)[None, :] * np.linspace(0.3, 1, H * 3)[:, None]
colour = np.stack([ramp, ramp[::-1], ramp[:, ::-1]], 2).astype(np.uint8)
for name, picture, options in (
        ("grey.jpg", Image.fromarray(colour[:, :, 0]), {}),
        ("grey_progressive.jpg", Image.fromarray(colour[:, :, 0]), {"progressive": True}),
        ("rgb.jpg", Image.fromarray(colour), {"subsampling": 0}),
        ("rgb_progressive_halved.jpg", Image.fromarray(colour), {"progressive": True, "subsampling": 2})):
    picture.save(os.path.join(HERE, name), quality=90, **options)
    back = np.asarray(Image.open(os.path.join(HERE, name)))
    expect(name, back.reshape(H * 3, W * 3, -1) / 255.0, 8)
Image.fromarray(colour).convert("CMYK").save(os.path.join(HERE, "cmyk.jpg"))
inks = open(os.path.join(HERE, "cmyk.jpg"), "rb").read()
adobe = inks.index(b"\xff\xee\x00\x0eAdobe")  # the last byte of this segment: 0 CMYK, 2 YCCK
for name, text in (("cmyk.jpg", inks), ("ycck.jpg", inks[:adobe + 15] + b"\x02" + inks[adobe + 16:]),
                   ("cmyk_plain.jpg", inks[:adobe] + inks[adobe + 16:])):
    open(os.path.join(HERE, name), "wb").write(text)
    expect(name, np.asarray(Image.open(os.path.join(HERE, name)).convert("RGB")) / 255.0, 8)

for name, a in (("u8.npy", rng.randint(0, 256, (H, W)).astype(np.uint8)),
                ("u16.npy", rng.randint(0, 65536, (3, H, W)).astype(np.uint16)),
                ("last.npy", rng.randint(0, 256, (H, W, 3)).astype(np.uint8)),
                ("float.npy", rng.rand(1, H, W).astype(np.float32))):
    np.save(os.path.join(HERE, name), a)
    v = a[:, :, None] if a.ndim == 2 else a if name == "last.npy" else a.transpose(1, 2, 0)
    expect(name, v / {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}[a.dtype.name], a.dtype.itemsize * 8)
np.savez_compressed(os.path.join(HERE, "one.npz"), picture=(ramp[:H, :W]).astype(np.uint8))
expect("one.npz", ramp[:H, :W].astype(np.uint8)[:, :, None] / 255.0, 8)

with open(os.path.join(HERE, "expected.json"), "w") as f:
    json.dump(expected, f, separators=(",", ":"))
    f.write("\n")
print(len(expected), "pictures")
