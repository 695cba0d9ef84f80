#!/usr/bin/env python3
"""Makes tests/reference/gif/, bmp/ and webp/: small files of every kind that Ramus reads, and expected.json with what they hold.

GIF and WebP are written and read by Pillow; BMP is written by the few lines below, so that every header, depth and run occurs, and
checked against Pillow where Pillow reads the kind.
    python3 tests/reference/gif_bmp_webp.py
"""
import json
import os
import struct

import numpy as np
from PIL import Image

ROOT = os.path.dirname(os.path.abspath(__file__))
W, H = 11, 9
rng = np.random.RandomState(13)
expected = {"gif": {}, "bmp": {}, "webp": {}}


def path_of(name):
    folder = os.path.join(ROOT, name.split(".")[-1])
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, name)


def expect(name, rgb, bits=8, **more):
    v = np.asarray(rgb).transpose(2, 0, 1)
    lists = {k: [int(x) for x in np.asarray(a).ravel()] if k in ("entry", "alpha") else a for k, a in more.items()}
    expected[name.split(".")[-1]][name] = dict(bits=bits, shape=list(v.shape), white=255, **lists, numbers=[int(x) for x in v.ravel()])


# ---- BMP ----

def scanlines(rows, flip=True):
    rows = [r + b"\0" * (-len(r) % 4) for r in rows]
    return b"".join(rows[::-1] if flip else rows)


def packed(a, bits):
    rows = []
    for row in a:
        text = "".join(format(int(v), "0%db" % bits) for v in row)
        text += "0" * (-len(text) % 8)
        rows.append(bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8)))
    return rows


def write_bmp(name, bits, data, head=40, compression=0, palette=b"", masks=(), used=0, down=False, w=W, h=H):
    high = -h if down else h
    if head == 12:
        second = struct.pack("<IHHHH", 12, w, h, 1, bits)
    else:
        second = struct.pack("<IiiHHIIiiII", head, w, high, 1, bits, compression, len(data), 5000, 10000, used, 0)
        tail = b"".join(struct.pack("<I", m) for m in masks)
        if head == 40:
            second += tail
        else:
            second = (second + tail).ljust(head, b"\0")
    start = 14 + len(second) + len(palette)
    with open(path_of(name), "wb") as f:
        f.write(b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + second + palette + data)


def palette_of(colours, size=4):
    return b"".join(bytes([int(b), int(g), int(r)]) + b"\0" * (size - 3) for r, g, b in colours)


def check_bmp(name, rgb):
    got = np.asarray(Image.open(path_of(name)).convert("RGB"))
    assert (got == rgb).all(), name


for bits in (1, 2, 4, 8):
    colours = rng.randint(0, 256, (1 << bits, 3))
    a = rng.randint(0, 1 << bits, (H, W))
    for name, options in (("palette%d.bmp" % bits, {}), ("palette%d_down.bmp" % bits, dict(down=True)), ("palette%d_os2.bmp" % bits, dict(head=12)),
                          ("palette%d_os2_2.bmp" % bits, dict(head=64))):
        if bits in (2, 8) or "os2" not in name:
            size = 3 if options.get("head") == 12 else 4
            write_bmp(name, bits, scanlines(packed(a, bits), not options.get("down")), palette=palette_of(colours, size), **options)
            expect(name, colours[a], bits, entry=a)
            if bits != 2:
                check_bmp(name, colours[a])
a = rng.randint(0, 20, (H, W))
write_bmp("palette8_short.bmp", 8, scanlines(packed(a, 8)), palette=palette_of(colours[:20]), used=20)
expect("palette8_short.bmp", colours[:20][a], entry=a)
check_bmp("palette8_short.bmp", colours[:20][a])

a = rng.randint(0, 256, (H, W, 3))
rows = [r[:, ::-1].astype("u1").tobytes() for r in a]
for name, options in (("rgb24.bmp", {}), ("rgb24_down.bmp", dict(down=True)), ("rgb24_os2.bmp", dict(head=12)), ("rgb24_v5.bmp", dict(head=124))):
    write_bmp(name, 24, scanlines(rows, not options.get("down")), **options)
    expect(name, a)
    check_bmp(name, a)
wide = np.concatenate([a[:, :, ::-1], rng.randint(0, 256, (H, W, 1))], 2).astype("u1")
rows = [r.tobytes() for r in wide]
write_bmp("rgb32.bmp", 32, scanlines(rows))
expect("rgb32.bmp", a)
check_bmp("rgb32.bmp", a)
full = (255 << 16, 255 << 8, 255, 255 << 24)
write_bmp("rgba32.bmp", 32, scanlines(rows), head=108, compression=3, masks=full)
expect("rgba32.bmp", a, alpha=wide[:, :, 3])
check_bmp("rgba32.bmp", a)
write_bmp("rgba32_masks_4.bmp", 32, scanlines(rows), compression=6, masks=full)
expect("rgba32_masks_4.bmp", a, alpha=wide[:, :, 3])
write_bmp("bgr32_masks.bmp", 32, scanlines(rows), compression=3, masks=(255, 255 << 8, 255 << 16))
expect("bgr32_masks.bmp", a[:, :, ::-1])
tens = rng.randint(0, 1024, (H, W, 3))
value = (tens[:, :, 0] << 20 | tens[:, :, 1] << 10 | tens[:, :, 2]).astype("<u4")
write_bmp("tens32_masks.bmp", 32, scanlines([r.tobytes() for r in value]), compression=3, masks=(1023 << 20, 1023 << 10, 1023))
expect("tens32_masks.bmp", tens * 255 // 1023)
for name, bits, options in (("rgb16.bmp", (5, 5, 5), {}), ("rgb16_masks.bmp", (5, 6, 5), dict(compression=3, masks=(31 << 11, 63 << 5, 31)))):
    v = np.stack([rng.randint(0, 1 << n, (H, W)) for n in bits], 2)
    value = (v[:, :, 0] << (bits[1] + bits[2]) | v[:, :, 1] << bits[2] | v[:, :, 2]).astype("<u2")
    write_bmp(name, 16, scanlines([r.tobytes() for r in value]), **options)
    rgb = np.stack([v[:, :, k] * 255 // ((1 << bits[k]) - 1) for k in range(3)], 2)
    expect(name, rgb)
    check_bmp(name, rgb)

colours = rng.randint(0, 256, (256, 3))
a = np.zeros((4, 10), int)
a[0, :6], a[0, 6:9] = 7, (1, 2, 3)      # a run, three single pixels (padded to an even number of bytes), one left out
a[1, 2:5] = 200                         # a step of two to the right; Pillow 9.4 reads steps wrongly
a[3, :10] = 9                           # a step of a row
runs = bytes([6, 7, 0, 3, 1, 2, 3, 0, 0, 0, 0, 2, 2, 0, 3, 200, 0, 0, 0, 2, 0, 1, 10, 9, 0, 1])
write_bmp("runs8.bmp", 8, runs, compression=1, palette=palette_of(colours), w=10, h=4)
expect("runs8.bmp", colours[a[::-1]], entry=a[::-1])
a = np.zeros((3, 9), int)
a[0, :5], a[0, 5:8] = (1, 2, 1, 2, 1), (4, 5, 6)
a[2, 4:9] = (15, 0, 15, 0, 15)
runs = bytes([5, 0x12, 0, 3, 0x45, 0x60, 0, 0, 0, 2, 4, 1, 5, 0xf0, 0, 1])
write_bmp("runs4.bmp", 4, runs, compression=2, palette=palette_of(colours[:16]), w=9, h=3)
expect("runs4.bmp", colours[a[::-1]], 4, entry=a[::-1])

# ---- GIF ----

def expect_gif(name, transparent=None, frames=1):
    picture = Image.open(path_of(name))
    entry = np.asarray(picture)
    rgb = np.asarray(picture.convert("RGBA").convert("RGB"))
    more = {} if transparent is None else dict(alpha=np.where(entry == transparent, 0, 255))
    expect(name, rgb, entry=entry, frames=frames, **more)


def gif_of(a, colours):
    picture = Image.fromarray(a.astype(np.uint8), "P")
    picture.putpalette(colours.astype(np.uint8).ravel().tolist())
    return picture


for n in (2, 16, 256):
    colours = rng.randint(0, 256, (n, 3))
    picture = gif_of(rng.randint(0, n, (H, W)), colours)
    for interlaced in (0, 1):
        name = "palette%d%s.gif" % (n, "_interlaced" * interlaced)
        picture.save(path_of(name), interlace=interlaced)
        expect_gif(name)
picture.save(path_of("transparent.gif"), transparency=int(np.asarray(picture)[4, 4]), optimize=False)
expect_gif("transparent.gif", Image.open(path_of("transparent.gif")).info["transparency"])
others = [gif_of(rng.randint(0, 256, (H, W)), rng.randint(0, 256, (256, 3))) for _ in range(2)]
picture.save(path_of("frames.gif"), save_all=True, append_images=others)
expect_gif("frames.gif", frames=3)
bytes_of = bytearray(open(path_of("palette16.gif"), "rb").read())
at = 13 + (6 << (bytes_of[10] & 7)) if bytes_of[10] & 128 else 13
at = bytes_of.index(b",", at)
for name, screen, left, top in (("inset.gif", (15, 14), 3, 2), ("beyond.gif", (5, 5), 2, 1)):
    b = bytearray(bytes_of)
    b[6:10] = struct.pack("<HH", *screen)
    b[at + 1:at + 5] = struct.pack("<HH", left, top)
    open(path_of(name), "wb").write(b)
    expect_gif(name)

# ---- WebP ----

ramp = np.linspace(0, 255, 21)[None, :] * np.linspace(0.3, 1, 14)[:, None]
rgba = np.stack([ramp, ramp[::-1], ramp[:, ::-1], 255 - ramp], 2).astype(np.uint8)
for name, picture, options in (("lossless.webp", rgba[:, :, :3], dict(lossless=True)), ("lossy.webp", rgba[:, :, :3], dict(quality=80)),
                               ("lossless_alpha.webp", rgba, dict(lossless=True, exact=True)), ("lossy_alpha.webp", rgba, dict(quality=80))):
    Image.fromarray(picture).save(path_of(name), **options)
    back = np.asarray(Image.open(path_of(name)))
    expect(name, back[:, :, :3], **(dict(alpha=back[:, :, 3]) if back.shape[2] == 4 else {}))
exif = Image.Exif()
exif[0x0112] = 6
Image.fromarray(rgba[:, :, :3]).save(path_of("turned6.webp"), lossless=True, exif=exif)
expect("turned6.webp", np.rot90(rgba[:, :, :3], -1), orientation=6)
Image.fromarray(rgba).save(path_of("animation.webp"), save_all=True, append_images=[Image.fromarray(rgba[::-1].copy())], lossless=True)

for folder in expected:
    with open(os.path.join(ROOT, folder, "expected.json"), "w") as f:
        json.dump(expected[folder], f, separators=(",", ":"))
        f.write("\n")
    print(len(expected[folder]), "pictures in", folder)
