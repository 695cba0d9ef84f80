"""The U-Net of ramus.models.unet in PyTorch, for the benchmarks: depth 5, batch norm, transposed-convolution upsampling."""
import torch
import torch.nn as nn
import torch.nn.functional as F

DEPTH = 5


def block(c, o):
    return nn.Sequential(nn.Conv2d(c, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True),
                         nn.Conv2d(o, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


class UNet(nn.Module):
    def __init__(self, width, sides=False):
        super().__init__()
        w = [width * 2 ** i for i in range(DEPTH)]
        self.encoder = nn.ModuleList(block(1 if i == 0 else w[i - 1], w[i]) for i in range(DEPTH))
        self.up = nn.ModuleList(nn.ConvTranspose2d(w[i + 1], w[i], 2, stride=2) for i in range(DEPTH - 1))
        self.decoder = nn.ModuleList(block(2 * w[i], w[i]) for i in range(DEPTH - 1))
        self.side = nn.ModuleList(nn.Conv2d(w[i], 1, 3, padding=1) for i in range(DEPTH - 1)) if sides else None
        self.head = nn.Conv2d(w[0], 1, 1)

    def forward(self, x):
        """Logits; with sides, also the list of side logits, at full size."""
        skip, side = [], [None] * (DEPTH - 1)
        for i in range(DEPTH):
            x = self.encoder[i](F.max_pool2d(x, 2) if i else x)
            skip.append(x)
        for i in range(DEPTH - 2, -1, -1):
            x = self.decoder[i](torch.cat([skip[i], self.up[i](x)], 1))
            if self.side is not None:
                s = self.side[i](x)
                side[i] = F.interpolate(s, scale_factor=2 ** i, mode="bilinear", align_corners=False) if i else s
        return (self.head(x), side) if self.side is not None else self.head(x)
