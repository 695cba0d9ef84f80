"""Writes the U-Net of a width as an ONNX file for any batch and size: python3 tests/bench/export_onnx.py WIDTH FILE"""
import os
import sys

import torch

from unet import UNet

width, path = int(sys.argv[1]), sys.argv[2]
torch.manual_seed(0)
free = {0: "batch", 2: "height", 3: "width"}
torch.onnx.export(UNet(width).eval(), torch.rand(1, 1, 64, 64), path + ".new", input_names=["x"], output_names=["logits"],
                  dynamic_axes={"x": free, "logits": free}, opset_version=13)
os.replace(path + ".new", path)
