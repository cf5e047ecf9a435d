"""Writes exports/<file>.json: curvature of the exported models along a fixed vector, and exact Gauss-Newton traces.

The models are small and many, and their weights random; so there is one vector for each, and no rows of the Hessian.
"""

import argparse
import json
import pathlib
import time

import numpy
import torch
import torch.nn.functional as F

from interpreter import Model, tensor
from trained import rounded, signs

HERE = pathlib.Path(__file__).parent
FIXTURES = HERE.parent / "fixtures" / "exports"

# Constants that nobody trains: frequencies of a rotary embedding; ones and zeros where a normalization over groups needs
# a scale and a bias; zeros that messages are added to.
SETTINGS = {
    "gcn_fixed_legacy17": ["/Constant_1_output_0", "/Constant_4_output_0"],
    "llama_positions_dynamo23": ["unsqueeze_13"],
    "unet_dynamo20": ["val_20", "val_23", "val_50", "val_53"],
}


def logits_and_labels(outputs, data):
    """One row for each position. Classes lie along the channels of an image and along the last axis otherwise."""
    axis = 1 if outputs.dim() == 4 else outputs.dim() - 1
    return outputs.movedim(axis, -1).flatten(0, -2), tensor(data["labels"]).flatten()


def loss_of(outputs, data):
    if "targets" in data:
        return F.mse_loss(outputs, tensor(data["targets"]))
    return F.cross_entropy(*logits_and_labels(outputs, data))


def factor_of(outputs, data):
    """Scalars whose squared gradients add up to the Gauss-Newton matrix of the mean loss: the rows of its root."""
    if "targets" in data:
        return (outputs * (2 / outputs.numel()) ** 0.5).flatten()
    logits, _ = logits_and_labels(outputs, data)
    p = torch.softmax(logits, 1).detach()
    return ((logits - (p * logits).sum(1, keepdim=True)) * (p / len(logits)).sqrt()).flatten()


def gradients(scalar, parameters):
    """By name; zero where the scalar does not depend on a parameter."""
    found = torch.autograd.grad(scalar, list(parameters.values()), retain_graph=True, allow_unused=True)
    return {n: torch.zeros_like(p) if g is None else g for (n, p), g in zip(parameters.items(), found)}


def golden(model_path, data_path):
    model = Model(model_path)
    data = dict(numpy.load(data_path))
    settings = SETTINGS.get(model_path.stem, [])
    parameters = {n: p.clone().requires_grad_() for n, p in model.parameters.items() if n not in settings}
    outputs = model({n: tensor(data[n]) for n in model.inputs}, parameters)
    loss = loss_of(outputs, data)
    first = torch.autograd.grad(loss, list(parameters.values()), create_graph=True, allow_unused=True)
    # Constants of a graph that the output does not depend on smoothly are no parameters.
    first = {n: g for n, g in zip(parameters, first) if g is not None}
    parameters = {n: parameters[n] for n in first}

    slopes = {n: (g * signs(g.shape)).sum() for n, g in first.items()}
    joint = gradients(sum(slopes.values()), parameters)
    traces = dict.fromkeys(parameters, 0)
    for row in factor_of(outputs, data):
        for name, gradient in gradients(row, parameters).items():
            traces[name] += gradient.square().sum()

    tensors = {}
    for name, slope in slopes.items():
        # A parameter that enters the loss linearly has no block of its own.
        block = gradients(slope, {name: parameters[name]})[name] if slope.requires_grad else torch.zeros_like(first[name])
        vector = signs(block.shape)
        tensors[name] = {
            "shape": list(block.shape),
            "gV": rounded(slope.detach()),
            "vHvJoint": rounded((vector * joint[name]).sum()),
            "HvJointNorm": rounded(joint[name].norm()),
            "vHvBlock": rounded((vector * block).sum()),
            "HvBlockNorm": rounded(block.norm()),
            "traceGgn": rounded(traces[name]),
        }
    layers = [n for n in model.layers() if n in tensors]
    return {"file": model_path.name, "loss": rounded(loss.detach()), "layers": layers, "tensors": tensors}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=pathlib.Path, help="models; all of ../fixtures/exports if left out")
    for path in parser.parse_args().files or sorted(FIXTURES.glob("*.onnx")):
        started = time.time()
        target = HERE / "exports" / f"{path.stem}.json"
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(golden(path, path.with_suffix(".npz")), separators=(",", ":")) + "\n")
        print(f"{path.name}: {target.stat().st_size} bytes, {time.time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
