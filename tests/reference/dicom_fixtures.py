#!/usr/bin/env python3
"""Makes tests/reference/dicom/: small made-up DICOM files of every kind that Ramus reads, and expected.json with pydicom's values.

    /usr/bin/python3 tests/reference/dicom_fixtures.py       (Debian: python3-pydicom, python3-gdcm, python3-pil, python3-numpy)

Numbers are pydicom's pixel_array after its apply_modality_lut; colours are those of its convert_color_space and apply_color_lut;
values in 0..1 are its apply_windowing. Compressed files are packed by
GDCM and pydicom, and their values are what pydicom unpacks. With the folder ../shared/cases/dicom (test files of pydicom) cases.json too. What pydicom 2.3 does not do (12 packed bits, a high bit that is not the last stored one, bytes in big endian words) is computed here.
"""
import json
import os

import gdcm
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended, generate_pixel_data_frame
from pydicom.pixel_data_handlers.util import apply_color_lut, apply_modality_lut, apply_voi_lut, convert_color_space
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dicom")
H, W = 6, 8
rng = np.random.RandomState(11)
expected = {}


def base(syntax=ExplicitVRLittleEndian):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.12.1"
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = "1.2.3.4"
    ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    ds.is_little_endian = syntax != ExplicitVRBigEndian
    ds.is_implicit_VR = syntax == ImplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, "1.2.3"
    ds.Modality = "XA"
    ds.PatientName = "Phantom^Made Up"
    ds.PatientID = "NOBODY-1"
    return ds


def set_pixels(ds, a, stored=None, photometric="MONOCHROME2", vr=None):
    """a [H,W], [F,H,W], or with a last axis of 3"""
    colour = a.shape[-1] == 3
    ds.SamplesPerPixel = 3 if colour else 1
    if colour:
        ds.PlanarConfiguration = 0
    ds.PhotometricInterpretation = photometric
    ds.Rows, ds.Columns = a.shape[-3:-1] if colour else a.shape[-2:]
    if a.ndim == 3 + colour:
        ds.NumberOfFrames = a.shape[0]
    ds.BitsAllocated = 8 * a.dtype.itemsize
    ds.BitsStored = stored or ds.BitsAllocated
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(a.dtype.kind == "i")
    raw = a if ds.is_little_endian else a.byteswap()
    raw = raw.tobytes() + b"\0" * (a.nbytes % 2)
    if not ds.is_little_endian and vr == "OW" and ds.BitsAllocated == 8:
        raw = np.frombuffer(raw, np.uint16).byteswap().tobytes()
    ds.PixelData = raw
    ds["PixelData"].VR = vr or ("OB" if ds.BitsAllocated == 8 else "OW")


def window(ds, c, w, function=None):
    ds.WindowCenter, ds.WindowWidth = c, w
    if function:
        ds.VOILUTFunction = function


def path_of(name):
    return os.path.join(HERE, name + ".dcm")


def save(name, ds):
    ds.save_as(path_of(name), write_like_original=False)


def expect(name, numbers, low=None, high=None, shown=None, spacing=None, top=255):
    """numbers [F,C,H,W] as the file means them; shown: 0..1; without it from low and high, or numbers / top"""
    n = np.asarray(numbers, float)
    if shown is None:
        shown = np.clip((n - low) / (high - low), 0, 1) if low is not None else n / top
    expected[name] = {"shape": list(n.shape), "numbers": [round(float(x), 6) for x in n.ravel()],
                      "shown": [round(float(x), 6) for x in np.asarray(shown, float).ravel()]}
    if low is not None:
        expected[name]["window"] = [low, high]
    if spacing:
        expected[name]["spacing"] = spacing


def read(name):
    return pydicom.dcmread(path_of(name), force=True)


def grey(name, **given):
    """What pydicom reads, as [F,1,H,W]"""
    ds = read(name)
    a = apply_modality_lut(ds.pixel_array, ds)
    a = a if a.ndim == 3 else a[None]
    if "shown" not in given and "WindowCenter" in ds:
        # apply_voi_lut gives the range that the stored bits have (after rescaling); here it is brought to 0..1
        v = np.asarray(apply_voi_lut(ds.pixel_array if "RescaleSlope" not in ds else a, ds, prefer_lut=False), float)
        low, high = 0.0, 2.0 ** ds.BitsStored - 1
        if ds.PixelRepresentation:
            low, high = -2.0 ** (ds.BitsStored - 1), 2.0 ** (ds.BitsStored - 1) - 1
        if "RescaleSlope" in ds:
            low, high = (x * float(ds.RescaleSlope) + float(ds.RescaleIntercept) for x in (low, high))
        v = (v - low) / (high - low)
        given["shown"] = (1 - v if ds.PhotometricInterpretation == "MONOCHROME1" else v).reshape(a[:, None].shape)
    expect(name, a[:, None], **given)


def colours(name, a=None, top=255):
    """What pydicom reads, or a [F,H,W,3]"""
    if a is None:
        a = read(name).pixel_array
    a = a if a.ndim == 4 else a[None]
    expect(name, a.transpose(0, 3, 1, 2), top=top)


os.makedirs(HERE, exist_ok=True)
for old in os.listdir(HERE):  # cases.json stays where its folder is missing
    if old != "cases.json":
        os.remove(os.path.join(HERE, old))

# ---- how the data set is written ----
twelve = rng.randint(0, 4096, (H, W)).astype(np.uint16)
for name, syntax in (("explicit", ExplicitVRLittleEndian), ("implicit", ImplicitVRLittleEndian), ("big", ExplicitVRBigEndian),
                     ("deflated", DeflatedExplicitVRLittleEndian)):
    ds = base(syntax)
    set_pixels(ds, twelve, 12)
    window(ds, 2000, 3000)
    ds.PixelSpacing = ["0.5", "0.25"]
    ds.ImagerPixelSpacing = [9, 9]
    save(name, ds)
    grey(name, low=500.0, high=3499.0, spacing=[0.5, 0.25])
with open(path_of("explicit"), "rb") as f:
    whole = f.read()
with open(path_of("no_preamble"), "wb") as f:  # group 2 at once
    f.write(whole[132:])
expected["no_preamble"] = expected["explicit"]
for name, skip_from in (("bare_explicit", "explicit"), ("bare_implicit", "implicit"), ("bare_big", "big")):
    with open(path_of(skip_from), "rb") as f:
        whole = f.read()
    length = int.from_bytes(whole[140:144], "little")  # of group 2 behind this element
    with open(path_of(name), "wb") as f:
        f.write(whole[144 + length:])
    expected[name] = expected[skip_from]

ds = base()
set_pixels(ds, twelve, 12)
window(ds, 2000, 3000)
inner = Dataset()
inner.ImageComments = "window of an item that is not ours"
inner.WindowCenter, inner.WindowWidth, inner.Rows = 1, 2, 3
nested = Dataset()
nested.ReferencedImageSequence = Sequence([inner, inner])
nested.ReferencedImageSequence.is_undefined_length = True
nested["ReferencedImageSequence"].is_undefined_length = True
nested.is_undefined_length_sequence_item = True
ds.ReferencedSeriesSequence = Sequence([nested])
ds["ReferencedSeriesSequence"].is_undefined_length = True
icon = Dataset()
icon.Rows, icon.Columns, icon.PixelData = 2, 2, b"\1\2\3\4"
icon["PixelData"].VR = "OB"
ds.IconImageSequence = Sequence([icon])
ds.add_new(0x00091001, "UN", b"\1\2\3\4")
ds.ImagerPixelSpacing = [0.3, 0.3]
save("sequences", ds)
grey("sequences", low=500.0, high=3499.0, spacing=[0.3, 0.3])

# ---- bits ----
signed = rng.randint(-2000, 2001, (H, W)).astype(np.int16)
ds = base()
set_pixels(ds, signed)
ds.RescaleSlope, ds.RescaleIntercept = "0.5", "-100"
window(ds, 40, 400)
save("signed_rescaled", ds)
grey("signed_rescaled", low=-160.0 + 0.0, high=239.0)

ds = base()
set_pixels(ds, (signed & 0xfff).astype(np.uint16), 12)
ds.PixelRepresentation = 1
save("signed12", ds)
expect("signed12", signed[None, None], low=-2048.0, high=2047.0)

ds = base()
set_pixels(ds, rng.randint(0, 256, (H, W)).astype(np.uint8), photometric="MONOCHROME1")
window(ds, 128, 256)
save("monochrome1", ds)
grey("monochrome1", low=0.0, high=255.0)

ds = base(ExplicitVRBigEndian)
eight = rng.randint(0, 256, (H, W)).astype(np.uint8)
set_pixels(ds, eight, vr="OW")
save("big_words", ds)
expect("big_words", eight[None, None], low=0.0, high=255.0)

wide = rng.randint(0, 1 << 24, (2, H, W)).astype(np.uint32)
ds = base()
set_pixels(ds, wide)
save("bits32", ds)
grey("bits32", low=0.0, high=4294967295.0)

bits = rng.randint(0, 2, (3, 5, 7)).astype(np.uint8)
ds = base()
set_pixels(ds, bits)
ds.BitsAllocated, ds.BitsStored, ds.HighBit = 1, 1, 0
packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
ds.PixelData = packed + b"\0" * (len(packed) % 2)
ds["PixelData"].VR = "OB"
save("bits1", ds)
grey("bits1", low=0.0, high=1.0)

ds = base()
set_pixels(ds, twelve, 12)
ds.BitsAllocated = 12
flat = ((twelve.ravel()[:, None] >> np.arange(12)) & 1).astype(np.uint8)
ds.PixelData = np.packbits(flat.ravel(), bitorder="little").tobytes()
save("bits12", ds)
expect("bits12", twelve[None, None], low=0.0, high=4095.0)

ds = base()
set_pixels(ds, ((twelve >> 2 << 4) | (rng.randint(0, 4, (H, W)) << 14) | rng.randint(0, 16, (H, W))).astype(np.uint16), 10)
ds.HighBit = 13
save("high_bit", ds)
expect("high_bit", (twelve >> 2)[None, None], low=0.0, high=1023.0)

# ---- frames and windows ----
film = rng.randint(0, 256, (3, H, W)).astype(np.uint8)
for name, function in (("linear_exact", "LINEAR_EXACT"), ("sigmoid", "SIGMOID")):
    ds = base()
    set_pixels(ds, film)
    window(ds, [100, 1], [80, 2], function)
    save(name, ds)
    given = {} if function == "LINEAR_EXACT" else {"shown": 1 / (1 + np.exp(-4 * (film[:, None] - 100.0) / 80))}
    grey(name, low=60.0, high=140.0, **given)

ds = base()
set_pixels(ds, film)
ds.Modality = "US"
regions = []
for units, dx, dy in ((4, 7.0, 7.0), (3, 0.01, 0.02), (3, 9.0, 9.0)):
    r = Dataset()
    r.RegionSpatialFormat, r.RegionDataType = 1, 1
    r.PhysicalUnitsXDirection = r.PhysicalUnitsYDirection = units
    r.PhysicalDeltaX, r.PhysicalDeltaY = dx, dy
    regions.append(r)
ds.SequenceOfUltrasoundRegions = Sequence(regions)
save("regions", ds)
grey("regions", low=0.0, high=255.0, spacing=[0.2, 0.1])

ds = base()
set_pixels(ds, film)
shared, measures = Dataset(), Dataset()
measures.PixelSpacing = [0.4, 0.4]
shared.PixelMeasuresSequence = Sequence([measures])
ds.SharedFunctionalGroupsSequence = Sequence([shared])
groups = []
for k in range(3):
    voi, values, group = Dataset(), Dataset(), Dataset()
    window(voi, 100 + 10 * k, 50)
    values.RescaleSlope, values.RescaleIntercept, values.RescaleType = str(k + 1), "5", "US"
    group.FrameVOILUTSequence = Sequence([voi])
    group.PixelValueTransformationSequence = Sequence([values])
    group.is_undefined_length_sequence_item = True
    groups.append(group)
ds.PerFrameFunctionalGroupsSequence = Sequence(groups)
ds["PerFrameFunctionalGroupsSequence"].is_undefined_length = True
save("enhanced", ds)
scaled = np.stack([film[k] * (k + 1.0) + 5 for k in range(3)])[:, None]
lows = np.array([100 + 10 * k - 25 for k in range(3)], float)[:, None, None, None]
expect("enhanced", scaled, low=75.0, high=124.0, shown=np.clip((scaled - lows) / 49, 0, 1), spacing=[0.4, 0.4])

ds = base()
set_pixels(ds, rng.randint(0, 16, (H, W)).astype(np.uint8))
lut = Dataset()
lut.LUTDescriptor, lut.ModalityLUTType, lut.LUTData = [12, 2, 16], "US", [int(x) for x in rng.randint(0, 65536, 12)]
lut["LUTDescriptor"].VR = lut["LUTData"].VR = "US"
ds.ModalityLUTSequence = Sequence([lut])
save("modality_lut", ds)
grey("modality_lut", low=0.0, high=65535.0)

# ---- colours ----
rgb = rng.randint(0, 256, (2, H, W, 3)).astype(np.uint8)
for name, syntax in (("rgb", ExplicitVRLittleEndian), ("rgb_big", ExplicitVRBigEndian)):
    ds = base(syntax)
    set_pixels(ds, rgb, photometric="RGB")
    save(name, ds)
    colours(name)
ds = base()
set_pixels(ds, rgb, photometric="RGB")
ds.PlanarConfiguration = 1
ds.PixelData = rgb.transpose(0, 3, 1, 2).tobytes()
save("rgb_planar", ds)
colours("rgb_planar")
ds = base()
set_pixels(ds, rng.randint(0, 65536, (H, W, 3)).astype(np.uint16), photometric="RGB")
save("rgb16", ds)
colours("rgb16", top=65535)

ds = base()
set_pixels(ds, rgb, photometric="YBR_FULL")
save("ybr_full", ds)
colours("ybr_full", convert_color_space(read("ybr_full").pixel_array, "YBR_FULL", "RGB"))
ds = base()
set_pixels(ds, rgb, photometric="YBR_FULL_422")
halved = np.stack([rgb[:, :, 0::2, 0], rgb[:, :, 1::2, 0], rgb[:, :, 0::2, 1], rgb[:, :, 0::2, 2]], -1)
ds.PixelData = np.ascontiguousarray(halved).tobytes()
save("ybr_422", ds)
colours("ybr_422", convert_color_space(read("ybr_422").pixel_array, "YBR_FULL_422", "RGB"))

for name, n, first, depth in (("palette8", 12, 0, 8), ("palette16", 300, 40, 16)):
    ds = base()
    set_pixels(ds, rng.randint(0, 360 if depth == 16 else 14, (H, W)).astype(np.uint16 if depth == 16 else np.uint8), photometric="PALETTE COLOR")
    for colour in ("Red", "Green", "Blue"):
        setattr(ds, colour + "PaletteColorLookupTableDescriptor", [n, first, depth])
        ds[colour + "PaletteColorLookupTableDescriptor"].VR = "US"
        entries = rng.randint(0, 1 << depth, n).astype(np.uint16 if depth == 16 else np.uint8)
        setattr(ds, colour + "PaletteColorLookupTableData", entries.tobytes())
    save(name, ds)
    colours(name, apply_color_lut(read(name).pixel_array, read(name)), top=65535 if depth == 16 else 255)

# ---- compressed ----
TS = gdcm.TransferSyntax


def packed(name, source, syntax, **given):
    """The file `source`, packed by GDCM."""
    reader = gdcm.ImageReader()
    reader.SetFileName(path_of(source))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(TS(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change(), name
    writer = gdcm.ImageWriter()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(path_of(name))
    assert writer.Write()
    (grey if expected[source]["shape"][1] == 1 else colours)(name, **given)


def smooth(*shape):
    y, x = np.mgrid[0:shape[-2], 0:shape[-1]] / 16.0
    waves = [np.sin(x * (k + 2)) * np.cos(y * (k + 3)) for k in range(shape[0])]
    return 0.5 + 0.5 * np.stack(waves)


for name, bits, pixels in (("plain8", 8, (255 * smooth(2, 12, 16)).astype(np.uint8)), ("plain12", 12, (4095 * smooth(2, 12, 16)).astype(np.uint16)),
                           ("plain16", 16, (60000 * smooth(1, 12, 16) - 30000).astype(np.int16)[0])):
    ds = base()
    set_pixels(ds, pixels, bits)
    window(ds, 2 ** bits / 2, 2 ** bits)
    save(name, ds)
    grey(name)
ds = base()
set_pixels(ds, np.ascontiguousarray((255 * smooth(3, 12, 16)).astype(np.uint8).transpose(1, 2, 0)), photometric="RGB")
save("plain_rgb", ds)
colours("plain_rgb")
for source in ("plain8", "plain12", "plain16", "plain_rgb"):
    packed(source + "_rle", source, TS.RLELossless)
    packed(source + "_ls", source, TS.JPEGLSLossless)
    packed(source + "_2000", source, TS.JPEG2000Lossless)
packed("plain8_jpeg", "plain8", TS.JPEGBaselineProcess1)
for source in ("plain8", "plain12", "plain16", "plain_rgb"):
    packed(source + "_lossless", source, TS.JPEGLosslessProcess14_1)
packed("plain12_jpeg", "plain12", TS.JPEGExtendedProcess2_4)
packed("plain12_14", "plain12", TS.JPEGLosslessProcess14)
packed("plain_rgb_jpeg", "plain_rgb", TS.JPEGBaselineProcess1)


frames = list(generate_pixel_data_frame(read("plain8_jpeg").PixelData, 2))
for name, pixels in (("fragments_table", encapsulate(frames, fragments_per_frame=3, has_bot=True)),
                     ("fragments_alone", encapsulate(frames, fragments_per_frame=3, has_bot=False)),
                     ("fragments_each", encapsulate(frames, fragments_per_frame=1, has_bot=False))):
    ds = read("plain8_jpeg")
    ds.PixelData = pixels
    save(name, ds)
    expected[name] = expected["plain8_jpeg"]
ds = read("plain8_jpeg")
ds.PixelData, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = encapsulate_extended(frames)
save("fragments_extended", ds)
expected["fragments_extended"] = expected["plain8_jpeg"]

CASES = os.path.join(HERE, "..", "..", "..", "..", "shared", "cases", "dicom")
if os.path.isdir(CASES):
    sums = {}
    for file in sorted(os.listdir(CASES)):
        try:
            ds = pydicom.dcmread(os.path.join(CASES, file), force=True)
            a = np.asarray(apply_modality_lut(ds.pixel_array, ds), float)
            if ds.PhotometricInterpretation == "YBR_FULL":
                a = convert_color_space(ds.pixel_array, "YBR_FULL", "RGB").astype(float)
        except Exception:  # what pydicom does not read is an error in Ramus too
            continue
        frames_in = int(ds.get("NumberOfFrames", 1) or 1)
        a = a.reshape(frames_in, ds.Rows, ds.Columns, ds.SamplesPerPixel).transpose(0, 3, 1, 2)
        a = a.reshape(frames_in, -1)
        weights = np.arange(a.shape[1]) % 251 + 1.0
        sums[file] = {"frames": frames_in, "sum": [float(x.sum()) for x in a], "weighted": [float((x * weights).sum()) for x in a]}
    with open(os.path.join(HERE, "cases.json"), "w") as f:
        json.dump(sums, f, indent=1, sort_keys=True)
        f.write("\n")

told = {}
for name, e in expected.items():  # values that several files have are written once
    text = json.dumps(e)
    expected[name] = {"same": told[text]} if text in told else e
    told.setdefault(text, name)
with open(os.path.join(HERE, "expected.json"), "w") as f:
    json.dump(expected, f, separators=(",", ":"))
    f.write("\n")
print(len(expected), "files,", sum(os.path.getsize(os.path.join(HERE, n)) for n in os.listdir(HERE)), "bytes")
