"""Ten AdamW steps of a small U-Net in PyTorch: initial weights, data and losses.

    python3 tests/reference/unet_steps.py     writes tests/reference/unet_steps.npz

The net is ra.models.unet { depth = 3, width = 4, sides = true } with the same
names of parameters; odd picture size, so padding and cropping take part.
"""
import os

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

DEPTH, WIDTH = 3, 4


class Block(nn.Module):
    def __init__(self, c, o):
        super().__init__()
        self.conv1 = nn.Conv2d(c, o, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(o)
        self.conv2 = nn.Conv2d(o, o, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(o)

    def forward(self, x):
        x = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(x)))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        w = [WIDTH * 2 ** i for i in range(DEPTH)]
        for i in range(DEPTH):
            setattr(self, f"encoder{i + 1}", Block(1 if i == 0 else w[i - 1], w[i]))
        for i in range(DEPTH - 1):
            setattr(self, f"up{i + 1}", nn.ConvTranspose2d(w[i + 1], w[i], 2, stride=2))
            setattr(self, f"decoder{i + 1}", Block(2 * w[i], w[i]))
            setattr(self, f"side{i + 1}", nn.Conv2d(w[i], 1, 3, padding=1))
        self.head = nn.Conv2d(w[0], 1, 1)

    def forward(self, image):
        h, w = image.shape[2:]
        m = 2 ** (DEPTH - 1)
        x = F.pad(image, (0, -w % m, 0, -h % m), mode="replicate")
        skip, out = [], {}
        for i in range(DEPTH):
            if i > 0:
                x = F.max_pool2d(x, 2)
            x = getattr(self, f"encoder{i + 1}")(x)
            skip.append(x)
        for i in range(DEPTH - 2, -1, -1):
            x = getattr(self, f"up{i + 1}")(x)
            x = getattr(self, f"decoder{i + 1}")(torch.cat([skip[i], x], 1))
            s = getattr(self, f"side{i + 1}")(x)
            if i > 0:
                s = F.interpolate(s, scale_factor=2 ** i, mode="bilinear", align_corners=False)
            out[f"side{i + 1}"] = s[:, :, :h, :w]
        out["out"] = self.head(x)[:, :, :h, :w]
        return out


def dice(logits, y):
    p = torch.sigmoid(logits)
    return 1 - (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)


torch.manual_seed(3)
torch.use_deterministic_algorithms(True)
net = UNet()
arrays = {"p." + k: v.detach().clone().numpy() for k, v in net.state_dict().items() if "num_batches" not in k}
g = torch.Generator().manual_seed(5)
x = torch.rand(2, 1, 29, 38, generator=g)
y = (F.avg_pool2d(torch.rand(2, 1, 29, 38, generator=g), 3, 1, 1) > 0.52).float()
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-2)
losses = []
for _ in range(10):
    optimizer.zero_grad()
    o = net(x)
    loss = dice(o["out"], y) + 0.5 * F.binary_cross_entropy_with_logits(o["side2"], y) + F.binary_cross_entropy_with_logits(o["side1"], y)
    loss.backward()
    losses.append(loss.item())
    optimizer.step()
arrays.update(x=x.numpy(), y=y.numpy(), losses=np.array(losses, np.float32))
net.eval()
with torch.no_grad():
    arrays["out"] = net(x)["out"].numpy()
here = os.path.dirname(os.path.abspath(__file__))
np.savez_compressed(os.path.join(here, "unet_steps.npz"), **arrays)
print(losses)
