#!/usr/bin/env python3
"""Two U-Nets of PyTorch's world under their published key names and shapes, written here in plain PyTorch from their descriptions.

  python3 tests/reference/torch_unets.py                                  writes torch_unets.json (PyTorch 1.13 made the committed file)
  python3 tests/reference/torch_unets.py write NET FILE INPUT OUTPUT      random weights as safetensors, an image and the logits as .npy
  python3 tests/reference/torch_unets.py check NET FILE INPUT OUTPUT      loads FILE strictly; status 1 where its logits differ from OUTPUT

NET: smp (segmentation_models.pytorch's Unet("resnet34"), RGB, one class) or milesial (milesial/Pytorch-UNet, RGB, two classes). torch_unets.json has the names and
shapes of both, and of nets an eighth as wide, whose values are a function of their names (fill in architectures.py), the logits' measure.
"""
import json
import os
import struct
import sys

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

from architectures import fill, uniform


def conv_norm(a, b, k=3, stride=1):
    return [nn.Conv2d(a, b, k, stride, k // 2, bias=False), nn.BatchNorm2d(b)]


class Residual(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.conv1, self.bn1 = conv_norm(a, b, 3, stride)
        self.conv2, self.bn2 = conv_norm(b, b)
        self.downsample = nn.Sequential(*conv_norm(a, b, 1, stride)) if stride > 1 or a != b else None

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (self.downsample(x) if self.downsample else x))


class Encoder(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1, self.bn1 = conv_norm(3, width, 7, 2)
        a = width
        for i, count in enumerate((3, 4, 6, 3)):
            b = width * 2**i
            setattr(self, f"layer{i + 1}", nn.Sequential(*[Residual(a if k == 0 else b, b, 2 if k == 0 and i else 1) for k in range(count)]))
            a = b

    def forward(self, x):
        levels = [F.relu(self.bn1(self.conv1(x)))]
        levels.append(self.layer1(F.max_pool2d(levels[0], 3, 2, 1)))
        for i in (2, 3, 4):
            levels.append(getattr(self, f"layer{i}")(levels[-1]))
        return levels


class DecoderBlock(nn.Module):
    def __init__(self, a, skip, b):
        super().__init__()
        self.conv1 = nn.Sequential(*conv_norm(a + skip, b), nn.ReLU())
        self.conv2 = nn.Sequential(*conv_norm(b, b), nn.ReLU())

    def forward(self, x, skip):
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        return self.conv2(self.conv1(x if skip is None else torch.cat([x, skip], 1)))


class Smp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.encoder = Encoder(width)
        self.decoder = nn.Module()
        skips = (4, 2, 1, 1, 0)
        self.decoder.blocks = nn.ModuleList(
            [DecoderBlock(int(b * width), int(s * width), int(b * width / 2)) for b, s in zip((8, 4, 2, 1, 0.5), skips)])
        self.segmentation_head = nn.Sequential(nn.Conv2d(width // 4, 1, 3, padding=1))

    def forward(self, x):
        levels = self.encoder(x)
        y = levels[-1]
        for block, skip in zip(self.decoder.blocks, levels[-2::-1] + [None]):
            y = block(y, skip)
        return self.segmentation_head(y)


class Double(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.double_conv = nn.Sequential(*conv_norm(a, b), nn.ReLU(), *conv_norm(b, b), nn.ReLU())

    def forward(self, x):
        return self.double_conv(x)


class Down(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), Double(a, b))

    def forward(self, x):
        return self.maxpool_conv(x)


class Up(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.up, self.conv = nn.ConvTranspose2d(a, a // 2, 2, 2), Double(a, b)

    def forward(self, x, skip):
        return self.conv(torch.cat([skip, self.up(x)], 1))


class Out(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.conv = nn.Conv2d(a, b, 1)

    def forward(self, x):
        return self.conv(x)


class Milesial(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.inc = Double(3, width)
        for i in range(4):
            setattr(self, f"down{i + 1}", Down(width * 2**i, width * 2 ** (i + 1)))
            setattr(self, f"up{i + 1}", Up(width * 2 ** (4 - i), width * 2 ** (3 - i)))
        self.outc = Out(width, 2)

    def forward(self, x):
        levels = [self.inc(x)]
        for i in range(4):
            levels.append(getattr(self, f"down{i + 1}")(levels[-1]))
        y = levels[4]
        for i in range(4):
            y = getattr(self, f"up{i + 1}")(y, levels[3 - i])
        return self.outc(y)


NETS = {"smp": Smp, "milesial": Milesial}


def save(path, state):
    """A safetensors file: length of the header, header, values."""
    header, at = {}, 0
    for name, t in state.items():
        size = t.numel() * t.element_size()
        header[name] = {"dtype": {torch.float32: "F32", torch.int64: "I64"}[t.dtype], "shape": list(t.shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for t in state.values():
            f.write(t.contiguous().numpy().tobytes())


def load(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    header.pop("__metadata__", None)
    return {name: torch.from_numpy(np.frombuffer(data[h["data_offsets"][0]:h["data_offsets"][1]], np.float32).copy()).reshape(h["shape"])
            for name, h in header.items()}


def random_net(kind):
    torch.manual_seed(1)
    net = NETS[kind](64)
    for name, t in net.state_dict().items():
        if name.endswith("running_var") or "bn" in name and name.endswith("weight"):
            t.uniform_(0.5, 1.5)
        elif name.endswith(("running_mean", "bias")):
            t.uniform_(-0.2, 0.2)
    return net.eval()


def reference():
    table = {}
    for kind, make in NETS.items():
        net = make(8).double().eval()
        with torch.no_grad():
            for name, t in net.state_dict().items():
                if t.dtype == torch.float64:
                    t.copy_(fill(name.replace("running_var", "var"), t.shape))
            image = torch.tensor(uniform("image", 3 * 64 * 64).astype(np.float32).astype(np.float64) / 2 + 0.5).reshape(1, 3, 64, 64)
            y = net(image).flatten().numpy()
        measured = [float(np.linalg.norm(y))]
        for k in range(8):
            measured.append(float(np.sign(uniform(f"signs {k}", y.size)) @ y))
        table[kind] = {"keys": {n: list(t.shape) for n, t in make(64).state_dict().items()}, "measured": measured}
    with open(os.path.join(os.path.dirname(__file__), "torch_unets.json"), "w") as f:
        json.dump(table, f, separators=(",", ":"))
        f.write("\n")


def main(words):
    if not words:
        return reference()
    what, kind, path, image, output = words
    net = random_net(kind)
    if what == "write":
        save(path, net.state_dict())
        x = torch.rand(1, 3, 64, 96)
        np.save(image, x.numpy())
        with torch.no_grad():
            np.save(output, net(x).numpy())
        return 0
    net.load_state_dict(load(path), strict=True)
    with torch.no_grad():
        y = net(torch.from_numpy(np.load(image))).numpy()
    worst, top = np.abs(y - np.load(output)).max(), np.abs(y).max()
    print(f"{worst:.3g} of {top:.3g}")
    return 0 if worst <= 1e-5 * max(top, 1) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
