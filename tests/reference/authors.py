"""The authors' own modules with the values of architectures.py: what `architectures.py --authors FOLDER` runs.

FOLDER holds, fetched from the repositories named here, the files that MODULES imports; none of them is part of this tree. Each entry lists
the names that Ramus gives to the authors' layers, in the order of their state_dict; None for layers that their forward pass does not use.
"""
import importlib
import sys

import torch


def unit(name, number=""):
    return [f"{name}.conv{number}", f"{name}.norm{number}"]


def attention_unet():
    names = [m for i in range(1, 6) for k in (1, 2) for m in unit(f"encoder{i}", k)]
    for i in (4, 3, 2, 1):
        names += unit(f"up{i}") + unit(f"gate{i}.phi") + unit(f"gate{i}.theta") + unit(f"gate{i}.psi")
        names += unit(f"decoder{i}", 1) + unit(f"decoder{i}", 2)
    return names + ["head"]


def wnet():
    names = []
    for p in ("first_", "second_"):
        def block(name):
            return unit(p + name + ".shortcut") + unit(p + name, 1) + unit(p + name, 2)
        names += block("encoder1") + block("encoder2") + block("encoder3")
        for i in (2, 1):
            names += [f"{p}up{i}"] + block(f"decoder{i}") + unit(f"{p}bridge{i}")
        names.append(p + "head")
    return names


def frunet():
    names = []
    # the authors' blocks in their order, as (row, step), and whether the sizes of input and output agree, which leaves the fusion unused
    for i, s in [(1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (1, 6), (1, 7), (2, 2), (2, 3), (2, 4), (2, 5), (2, 6), (3, 3), (3, 4), (3, 5), (4, 4)]:
        node, unused = f"node{i}_{s}", (i == s and i > 1) or (i, s) == (1, 2)
        names += [None] * 4 if unused else [f"{node}.fuse.one", f"{node}.fuse.three", f"{node}.fuse.wide", f"{node}.fuse.norm"]
        names += unit(node + ".first") + unit(node + ".second")
        names += unit(f"up{i - 1}_{s + 1}") if i > 1 else []
        names += unit(f"down{i + 1}_{s + 1}") if i < 4 and i + s < 7 else []
    return names + [f"head{s}" for s in range(3, 8)] + [None]


# name of the architecture -> file, class, names, output that it gives, repository and commit
MODULES = {
    "attention_unet": ("network", "AttU_Net", attention_unet, "out", "LeeJunHyun/Image_Segmentation 7a6e5f9"),
    "wnet": ("res_unet_adrian", "wnet", wnet, ("side1", "out"), "agaldran/lwnet 27f57f5, its wnet class from get_model.py 43aea24"),
    "frunet": ("fr_unet", "FR_UNet", frunet, "out", "lseventeen/FR-UNet 12ca964"),
}


def load(module, names, net):
    """Copies the values of net into the authors' module; every value of net is used."""
    layers, state = [], module.state_dict()
    for key in state:
        if key.rsplit(".", 1)[0] not in layers:
            layers.append(key.rsplit(".", 1)[0])
    assert len(layers) == len(names), (len(layers), len(names))
    field = {"running_mean": "mean", "running_var": "var"}
    used = set()
    for layer, name in zip(layers, names):
        for key in [k for k in state if k.rsplit(".", 1)[0] == layer]:
            last = key.rsplit(".", 1)[1]
            if name is None or last == "num_batches_tracked":
                continue
            ours = f"{name}.{field.get(last, last)}"
            value = net.buffers[ours] if ours in net.buffers else net.p[ours]
            assert value.shape == state[key].shape, (key, ours)
            state[key] = value.detach().clone()
            used.add(ours)
    missing = {k for k in list(net.p) + list(net.buffers) if k not in used and not k.startswith("side")}
    assert not missing, missing
    module.load_state_dict(state)


def compare(folder, name, preset, net, out, image):
    """Stops where the authors' module differs from what is written in architectures.py; says where it comes from."""
    if name not in MODULES or preset != "published":
        return None
    file, kind, names, output, source = MODULES[name]
    sys.path.insert(0, folder)
    module = getattr(importlib.import_module(file), kind)().double().eval()
    load(module, names(), net)
    with torch.no_grad():
        theirs = module(image)
    for key, value in zip(output, theirs) if isinstance(output, tuple) else [(output, theirs)]:
        distance = ((value - out[key]).norm() / value.norm()).item()
        assert distance < 1e-12, (name, key, distance)
    return source
