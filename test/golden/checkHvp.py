"""Compares an exported Hessian-vector product graph, run by ONNX Runtime, with PyTorch in float64.

The graph takes the inputs of the model, `labels` (softmax cross-entropy) or `targets` (mean squared error), and for
every parameter NAME a direction `NAME/tangent`; it returns `loss`, and `NAME/gradient` and `NAME/hvp` per parameter.
The direction is the fixed vector of signs that the golden files use. Exits with 1 if a relative error exceeds 1e-4.
"""

import argparse
import sys

import numpy
import onnxruntime
import torch
import torch.nn.functional as F

from interpreter import Model, tensor
from trained import signs

TOLERANCE = 1e-4
DTYPES = {"tensor(float)": numpy.float32, "tensor(int64)": numpy.int64, "tensor(int32)": numpy.int32}


def reference(model, inputs, data, names):
    """Loss, gradients and Hessian-vector products of the named parameters, whose directions act jointly."""
    parameters = {n: model.constants[n].clone().requires_grad_() for n in names}
    outputs = model(inputs, parameters)
    if "labels" in data:
        labels = tensor(data["labels"]).long()
        # Classes lie along the last axis, as for tokens, or along the channels, as for pixels.
        last = outputs.shape[:-1] == labels.shape
        loss = F.cross_entropy(outputs.movedim(-1, 1) if last else outputs, labels)
    else:
        loss = F.mse_loss(outputs, tensor(data["targets"]))
    gradients = torch.autograd.grad(loss, list(parameters.values()), create_graph=True)
    along = sum((g * signs(g.shape)).sum() for g in gradients)
    products = torch.autograd.grad(along, list(parameters.values()))
    values = {"loss": loss}
    for name, gradient, product in zip(names, gradients, products):
        values |= {f"{name}/gradient": gradient, f"{name}/hvp": product}
    return {n: v.detach().numpy() for n, v in values.items()}


def error(actual, expected, scale):
    """The largest difference in units of the largest expected element, or of what is negligible in the whole model."""
    return numpy.abs(actual - expected).max() / max(numpy.abs(expected).max(), 1e-3 * scale)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("hvp")
    parser.add_argument("data", help="npz with the inputs by name (or `inputs`) and `labels` or `targets`")
    arguments = parser.parse_args()

    model = Model(arguments.model)
    session = onnxruntime.InferenceSession(arguments.hvp, providers=["CPUExecutionProvider"])
    expects = {i.name: DTYPES[i.type] for i in session.get_inputs()}
    shapes = {i.name: i.shape for i in session.get_inputs()}
    data = dict(numpy.load(arguments.data))
    fed = {n: data[n] if n in data else data["inputs"] for n in model.inputs}
    names = [n.removesuffix("/tangent") for n in expects if n.endswith("/tangent")]

    feeds = {n: a for n, a in {**data, **fed}.items() if n in expects}
    feeds |= {f"{n}/tangent": signs(model.constants[n].shape).numpy() for n in names}
    # Labels of a model without an axis for samples have one in front.
    feeds = {n: a.astype(expects[n]).reshape(shapes[n]) for n, a in feeds.items()}
    found = dict(zip([o.name for o in session.get_outputs()], session.run(None, feeds)))
    expected = reference(model, {n: tensor(a) for n, a in fed.items()}, data, names)

    worst = 0
    for kind in ("loss", "/gradient", "/hvp"):
        group = {n: v for n, v in expected.items() if n.endswith(kind)}
        scale = max(numpy.abs(v).max() for v in group.values())
        errors = {n: error(found[n], v, scale) for n, v in group.items()}
        name = max(errors, key=errors.get)
        worst = max(worst, errors[name])
        print(f"{kind.removeprefix('/')}: largest relative error {errors[name]:.2e} in {name}")
    sys.exit(int(worst > TOLERANCE))


if __name__ == "__main__":
    main()
