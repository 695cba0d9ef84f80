#!/usr/bin/env python3
"""Makes tests/reference/tiff/: small TIFF files of every kind that Ramus reads, and expected.json with what they hold.

Most are written by the few lines below, so that every depth, layout and byte order occurs, and checked against Pillow where
Pillow reads the kind without loss; compressed ones are written and read by Pillow.
    python3 tests/reference/tiff.py
"""
import json
import os
import struct
import zlib

import numpy as np
from PIL import Image

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tiff")
W, H = 7, 5
rng = np.random.RandomState(11)
expected = {}
GREY0, GREY, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6


def pack(samples, bits, order):
    """samples [h, n] -> bytes, each row on whole bytes."""
    if samples.dtype.kind in "fi" or bits in (8, 16, 32, 64):
        return samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    if bits == 24:
        full = np.ascontiguousarray(samples.astype(order + "u4")).view(np.uint8).reshape(len(samples), -1, 4)
        return (full[:, :, :3] if order == "<" else full[:, :, 1:]).tobytes()
    out = b""
    for row in samples:
        text = "".join(format(int(v), "0%db" % bits) for v in row)
        text += "0" * (-len(text) % 8)
        out += bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))
    return out


def packbits(data):
    return b"".join(bytes([len(data[i:i + 128]) - 1]) + data[i:i + 128] for i in range(0, len(data), 128))


def blocks(a, tile, rows, separate):
    """a [h, w, s] -> list of [h, n]."""
    h, w, s = a.shape
    planes = [a[:, :, k:k + 1] for k in range(s)] if separate else [a]
    out = []
    for p in planes:
        if tile:
            for y in range(0, h, 16):
                for x in range(0, w, 16):
                    t = np.zeros((16, 16, p.shape[2]), a.dtype)
                    part = p[y:y + 16, x:x + 16]
                    t[:part.shape[0], :part.shape[1]] = part
                    out.append(t.reshape(16, -1))
        else:
            out += [p[y:y + rows].reshape(len(p[y:y + rows]), -1) for y in range(0, h, rows)]
    return out


def page(a, bits, photometric, at, order, big, tile=False, rows=2, separate=False, compression=1, extra=(), colours=None, fill=1,
         turned=None, form=None, size=None, more=()):
    """-> bytes of one page that begin at `at` of the file: data, values of tags, the directory; the place of its link to the next."""
    h, w, s = a.shape
    body, offsets, counts = b"", [], []
    height, width = size or (h, w)
    for b in blocks(a, tile, rows, separate):
        d = pack(b, bits, order)
        if fill == 2:
            d = bytes(int(format(v, "08b")[::-1], 2) for v in d)
        d = {1: lambda v: v, 8: zlib.compress, 32773: packbits}[compression](d)
        offsets.append(at + len(body))
        counts.append(len(d))
        body += d
    form = form or {"u": 1, "i": 2, "f": 3}[a.dtype.kind]
    tags = [(256, "I", [width]), (257, "I", [height]), (258, "H", [bits] * s), (259, "H", [compression]), (262, "H", [photometric]),
            (277, "H", [s]), (282, "II", [254, 1]), (283, "II", [127, 1]), (284, "H", [1 + separate]), (296, "H", [2]),
            (339, "H", [form] * s)]
    tags += [(322, "H", [16]), (323, "H", [16]), (324, "I", offsets), (325, "I", counts)] if tile else \
            [(273, "I", offsets), (278, "I", [rows if not size else height]), (279, "I", counts)]
    if extra:
        tags.append((338, "H", list(extra)))
    if colours is not None:
        tags.append((320, "H", [int(v) for v in colours.T.ravel()]))
    if fill == 2:
        tags.append((266, "H", [2]))
    if turned:
        tags.append((274, "H", [turned]))
    tags = sorted(tags + list(more))
    kinds = {"H": 3, "I": 4, "II": 5}
    word, small = ("Q", 8) if big else ("I", 4)
    entries = b""
    for tag, kind, values in tags:
        data = struct.pack(order + kind[0] * len(values), *values)
        if len(data) > small:
            body += b"\0" * (len(body) % 2)
            place = struct.pack(order + word, at + len(body))
            body += data
        else:
            place = data.ljust(small, b"\0")
        entries += struct.pack(order + "HH" + word, tag, kinds[kind], len(values) // len(kind)) + place
    body += b"\0" * (len(body) % 2)
    start = at + len(body)
    body += struct.pack(order + ("Q" if big else "H"), len(tags)) + entries
    return body, start, at + len(body)


def write(name, pages, order="<", big=False):
    """pages: list of (array, bits, photometric, options)."""
    word = "Q" if big else "I"
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    if big:
        head += struct.pack(order + "HH", 8, 0)
    file, link = head + b"\0" * (8 if big else 4), len(head)
    for a, bits, photometric, options in pages:
        body, start, next_link = page(a, bits, photometric, len(file), order, big, **options)
        file = file[:link] + struct.pack(order + word, start) + file[link + (8 if big else 4):] + body + b"\0" * (8 if big else 4)
        link = next_link
    with open(os.path.join(HERE, name), "wb") as f:
        f.write(file)


def expect(name, numbers, white, bits, **more):
    """numbers [h, w, c]; Ramus gives them divided by white"""
    v = np.asarray(numbers).transpose(2, 0, 1)
    expected[name] = dict(bits=bits, shape=list(v.shape), white=white, **more,
                          numbers=[float("%.8g" % x) if v.dtype.kind == "f" else int(x) for x in v.ravel()])


def check_with_pillow(name, values, mode):
    picture = Image.open(os.path.join(HERE, name))
    got = np.asarray(picture.convert(mode), float)
    got = got[:, :, None] if got.ndim == 2 else got
    assert np.abs(got - values).max() < 0.51, (name, np.abs(got - values).max())


def ints(bits, channels=1, signed=False, h=H, w=W):
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    a = rng.randint(low, high + 1, (h, w, channels), dtype=np.int64)
    a.flat[0], a.flat[1] = high, low
    size = 8 if bits <= 8 else 16 if bits <= 16 else 32
    return a.astype(("i" if signed else "u") + str(size // 8))


os.makedirs(HERE, exist_ok=True)
for bits in (1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 24, 27, 32):
    a = ints(bits)
    white = (1 << bits) - 1 if bits <= 16 else 1
    for order, tail in (("<", "le"), (">", "be")):
        name = "grey%d_%s.tif" % (bits, tail)
        write(name, [(a, bits, GREY, {})], order)
        expect(name, a, white, bits)
        if bits in (1, 2, 4, 8):
            check_with_pillow(name, a * 255.0 / white, "L")
        if bits == 16 or (bits == 12 and order == "<"):
            got = np.asarray(Image.open(os.path.join(HERE, name))).astype(int)
            assert (got == a[:, :, 0]).all(), name
    if bits in (1, 4, 8, 16):
        name = "white_is_zero%d.tif" % bits
        write(name, [(a, bits, GREY0, {})])
        expect(name, white - a.astype(int), white, bits)
        if bits < 16:
            check_with_pillow(name, 255 - a * 255.0 / white, "L")
for bits in (8, 12, 16, 32):
    a = ints(bits, signed=True)
    white = (1 << (bits - 1)) - 1 if bits <= 16 else 1
    for order, tail in (("<", "le"), (">", "be")):
        name = "signed%d_%s.tif" % (bits, tail)
        write(name, [((a & ((1 << bits) - 1)).astype("u2") if bits == 12 else a, bits, GREY, dict(form=2))], order)
        expect(name, a, white, bits)
for kind in ("f2", "f4", "f8", "i8", "u8"):
    a = (rng.randn(H, W, 1) * 50).astype(kind) if kind[0] != "u" else rng.randint(0, 1000, (H, W, 1)).astype(kind)
    for order, tail in (("<", "le"), (">", "be")):
        name = "%s_%s.tif" % (kind, tail)
        write(name, [(a, int(kind[1]) * 8, GREY, {})], order)
        expect(name, a, 1, int(kind[1]) * 8)
    if kind == "f4":
        assert (np.asarray(Image.open(os.path.join(HERE, name))) == a[:, :, 0]).all()
a = ints(8, 3, h=17, w=18)
for name, options in (("rgb8.tif", {}), ("rgb8_planes.tif", dict(separate=True)), ("rgb8_tiles.tif", dict(tile=True)),
                      ("rgb8_tiled_planes.tif", dict(tile=True, separate=True)), ("rgb8_deflate.tif", dict(compression=8)),
                      ("rgb8_packbits.tif", dict(compression=32773)), ("rgb8_strip.tif", dict(rows=100))):
    write(name, [(a, 8, RGB, options)])
    expect(name, a, 255, 8)
    if name not in ("rgb8_planes.tif", "rgb8_tiled_planes.tif"):
        check_with_pillow(name, a, "RGB")
a = ints(16, 3)
for name, options in (("rgb16.tif", {}), ("rgb16_planes_deflate.tif", dict(separate=True, compression=8))):
    write(name, [(a, 16, RGB, options)], ">")
    expect(name, a, 65535, 16)
a = rng.rand(H, W, 3).astype("f4")
write("rgb_f4_planes.tif", [(a, 32, RGB, dict(separate=True))])
expect("rgb_f4_planes.tif", a, 1, 32)

a = ints(8, 4)
a[:, :, 3] = rng.choice([0, 1, 100, 254, 255], (H, W))
for name, extra in (("rgba8.tif", (2,)), ("rgba8_untold.tif", ()), ("rgbx8.tif", (0,)), ("rgba8_associated.tif", (1,))):
    b = a.copy()
    if extra == (1,):
        b[:, :, :3] = np.minimum(b[:, :, :3], b[:, :, 3:])
    write(name, [(b, 8, RGB, dict(extra=extra))])
    v = b[:, :, :3].astype(int)
    if extra == (1,):
        alpha = b[:, :, 3:].astype(int)
        v = np.where(alpha == 0, 0, np.minimum(255, v * 255 // np.maximum(alpha, 1)))
    expect(name, v, 255, 8, **({} if extra == (0,) else dict(alpha=[int(x) for x in b[:, :, 3].ravel()])))
    check_with_pillow(name, v, "RGB")
a = ints(16, 2)
write("grey_alpha16.tif", [(a, 16, GREY, dict(extra=(2,)))])
expect("grey_alpha16.tif", a[:, :, :1], 65535, 16, alpha=[int(x) for x in a[:, :, 1].ravel()])

for bits in (1, 2, 4, 8):
    colours = rng.randint(0, 256, (1 << bits, 3))
    a = ints(bits)
    name = "palette%d.tif" % bits
    write(name, [(a, bits, PALETTE, dict(colours=colours * 257))])
    expect(name, colours[a[:, :, 0]], 255, bits, entry=[int(x) for x in a.ravel()])
    check_with_pillow(name, colours[a[:, :, 0]], "RGB")
write("palette8_narrow.tif", [(a, 8, PALETTE, dict(colours=colours))])  # colours of 8 bits where 16 belong
expect("palette8_narrow.tif", colours[a[:, :, 0]], 255, 8, entry=[int(x) for x in a.ravel()])

for bits in (8, 16):
    a = ints(bits, 4)
    white = (1 << bits) - 1
    name = "cmyk%d.tif" % bits
    write(name, [(a, bits, CMYK, {})])
    light = white - a[:, :, 3:].astype(int)
    v = light - (a[:, :, :3].astype(int) * light + white // 2) // white
    expect(name, v, white, bits)
    if bits == 8:
        check_with_pillow(name, v, "RGB")

a = ints(1, w=13)
write("fill_order.tif", [(a, 1, GREY, dict(fill=2))])
expect("fill_order.tif", a, 1, 1)
check_with_pillow("fill_order.tif", a * 255.0, "L")
a = ints(8)
write("turned6.tif", [(a, 8, GREY, dict(turned=6))])
expect("turned6.tif", np.rot90(a, -1), 255, 8, orientation=6)
write("big.tif", [(a, 8, GREY, {})], "<", True)
expect("big.tif", a, 255, 8)
pages = [ints(8), ints(16, 3, h=3, w=4), ints(1, h=2, w=9)]
write("pages.tif", [(pages[0], 8, GREY, {}), (pages[1], 16, RGB, {}), (pages[2], 1, GREY, {})], ">")
for k, white in enumerate((255, 65535, 1)):
    expect("pages.tif" if k == 0 else "pages.tif#%d" % k, pages[k], white, (8, 16, 1)[k], frames=3)

colour = np.stack([np.linspace(0, 255, 17)[None, :] * np.linspace(0.3, 1, 9)[:, None]] * 3, 2)
colour[:, :, 1] = colour[::-1, :, 1]
colour = Image.fromarray(colour.astype(np.uint8))
for name, picture, options in (
        ("lzw.tif", colour, dict(compression="tiff_lzw")),
        ("lzw_predictor.tif", colour, dict(compression="tiff_lzw", tiffinfo={317: 2})),
        ("lzma.tif", colour, dict(compression="lzma")),
        ("zstd.tif", colour, dict(compression="zstd")),
        ("jpeg.tif", colour, dict(compression="jpeg")),
        ("jpeg_grey.tif", colour.convert("L"), dict(compression="jpeg")),
        ("group3.tif", colour.convert("1"), dict(compression="group3")),
        ("group4.tif", colour.convert("1"), dict(compression="group4")),
        ("ccitt.tif", colour.convert("1"), dict(compression="tiff_ccitt"))):
    picture.save(os.path.join(HERE, name), **options)
    back = np.asarray(Image.open(os.path.join(HERE, name)))
    back = back[:, :, None] if back.ndim == 2 else back
    expect(name, back, *((1, 1) if picture.mode == "1" else (255, 8)))
# colours halved in both directions: blocks of four Y, one Cb, one Cr; libtiff's own conversion, which Pillow uses too
a = np.concatenate([rng.randint(16, 236, (4, 4, 4)), rng.randint(100, 150, (4, 4, 2))], 2).astype("u1")
write("ycbcr.tif", [(a.reshape(4, 8, 3), 8, YCBCR, dict(rows=4, size=(8, 8), compression=8, more=[(530, "H", [2, 2])]))])
back = np.asarray(Image.open(os.path.join(HERE, "ycbcr.tif")))
expect("ycbcr.tif", back, 255, 8)

with open(os.path.join(HERE, "expected.json"), "w") as f:
    json.dump(expected, f, separators=(",", ":"))
    f.write("\n")
print(len(expected), "pictures")
