"""Writes metrics/<model>.json: what single layers suffer from a fixed step of their weights, in float64.

The step of a layer is its vector of signs (see trained.py) divided by 64. The loss is the mean softmax cross-entropy over all samples
of the data file. Second derivatives are by double backward, the empirical Fisher matrix from the gradient of every sample by itself, and
second moments of inputs from unfolded windows.
"""

import json
import pathlib

import numpy
import torch
import torch.nn.functional as F

from interpreter import Model, run, tensor
from trained import DATA, FIXTURES, Loss, rounded, signs

HERE = pathlib.Path(__file__).parent
FILES = ["mlp_digits_legacy.onnx", "resnet_mnist_legacy.onnx", "vit_digits_legacy.onnx"]
STEP = 1 / 64


def fisher_trace(model, inputs, labels, name):
    """The mean over the samples of the squared norm of the gradient of their own loss."""
    total = 0.0
    for i in range(len(labels)):
        weight = model.parameters[name].clone().requires_grad_()
        logits = model({n: x[i : i + 1] for n, x in inputs.items()}, {name: weight})
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits, labels[i : i + 1]), weight)
        total += gradient.square().sum().item()
    return total / len(labels)


def input_weighted(model, values, name, step):
    """Sum over the weight's elements of the mean square of what each one multiplies, times the square of its step."""
    source = {name: False}
    for node in model.nodes:
        if node.op_type in ("Identity", "Transpose") and node.input[0] in source:
            source[node.output[0]] = source[node.input[0]] != (node.op_type == "Transpose")
        if len(node.input) < 2 or node.input[1] not in source:
            continue
        x = values[node.input[0]]
        attributes = {a.name: a for a in node.attribute}
        if node.op_type == "Conv":
            out, channels, *kernel = step.shape
            stride = list(attributes["strides"].ints) if "strides" in attributes else [1, 1]
            padding = list(attributes["pads"].ints)[:2] if "pads" in attributes else [0, 0]
            windows = F.unfold(x, kernel, padding=padding, stride=stride)
            moments = windows.square().mean((0, 2))
            return (moments[None] * step.reshape(out, -1).square()).sum()
        is_transposed = source[node.input[1]] != ("transB" in attributes and attributes["transB"].i == 1)
        moments = x.reshape(-1, x.shape[-1]).square().mean(0)
        laid = step.T if is_transposed else step
        return (moments[:, None] * laid.square()).sum()
    raise ValueError(f"{name} is not the second operand of any node")


def golden(file):
    model = Model(FIXTURES / file)
    data = next(data for prefix, data in DATA.items() if file.startswith(prefix))
    with numpy.load(FIXTURES / data) as arrays:
        labels = torch.from_numpy(arrays["labels"])
        inputs = {n: tensor(arrays[n] if n in arrays else arrays["inputs"]) for n in model.inputs}
    loss = Loss(model, inputs, labels)
    values = run(model.nodes, model.opset, {**model.constants, **inputs})
    names, layers = list(loss.parameters), [n for n in model.layers() if n in loss.parameters]
    reference = values[model.outputs[0]]
    steps = {name: STEP * signs(model.parameters[name].shape) for name in layers}

    def slope(name):
        return (loss.gradient[name].detach() * steps[name]).sum()

    def divergence(logits, temperature):
        own = F.log_softmax(reference / temperature, -1)
        other = F.log_softmax(logits / temperature, -1)
        return rounded(temperature**2 * (own.exp() * (own - other)).sum(-1).mean())

    def changed(moved):
        logits = model(inputs, {n: model.parameters[n] + steps[n] for n in moved})
        return {
            "deltaLoss": rounded(F.cross_entropy(logits, labels) - loss.value.detach()),
            "divergence": divergence(logits, 1),
            "tempered": divergence(logits, 2),
            "accuracy": rounded((logits.argmax(-1) == labels).double().mean()),
        }

    found = {}
    for name in layers:
        direction = torch.cat(
            [(steps[n] if n == name else torch.zeros_like(loss.parameters[n])).reshape(-1) for n in names]
        )
        found[name] = {
            "slope": rounded(slope(name)),
            "curvature": rounded(direction @ loss.hessian_times(direction)),
            "fisherTrace": rounded(fisher_trace(model, inputs, labels, name)),
            "inputWeighted": rounded(input_weighted(model, values, name, steps[name])),
            **changed([name]),
        }
    return {"file": file, "data": data, "step": STEP, "layers": found, "together": changed(layers)}


def main():
    target = HERE / "metrics"
    target.mkdir(exist_ok=True)
    for file in FILES:
        path = target / f"{pathlib.Path(file).stem}.json"
        path.write_text(json.dumps(golden(file), separators=(",", ":")) + "\n")
        print(f"{path.name}: {path.stat().st_size} bytes", flush=True)


if __name__ == "__main__":
    main()
