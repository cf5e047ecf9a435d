"""Writes activations/<file>.json: curvature with respect to the activations of trained models, and their ranges; and
activations/entropy.json: thresholds by entropy.

Traces are exact: gradients of all rows of a root of the Gauss-Newton matrix, and all rows of the Hessian of the cross-entropy
where it differs, in float64. Thresholds are those of NVIDIA's
pytorch-quantization, written anew here.
"""

import json
import pathlib

import numpy
import torch
import torch.nn.functional as F
from scipy.stats import entropy

from interpreter import Model, run, tensor
from trained import DATA, FIXTURES, rounded

HERE = pathlib.Path(__file__).parent
FOLDER = HERE / "activations"
MODELS = ["mlp_digits_legacy", "resnet_mnist_legacy", "vit_digits_legacy"]
# Piecewise linear from its activations to its loss, so that both matrices have one trace.
LINEAR = {"resnet_mnist_legacy"}
BITS = [2, 4, 8]
PERCENTILE = 99.99


def activations(model):
    """What Conv, Gemm and MatMul read that is no constant, nor made of constants alone."""
    constant, found = set(model.constants), []
    for node in model.nodes:
        if all(name in constant for name in node.input if name):
            constant.update(node.output)
        elif node.op_type in ("Conv", "Gemm", "MatMul"):
            found += [name for name in node.input[:2] if name not in constant]
    return list(dict.fromkeys(found))


def quantization_error(values, bits):
    """Sum of squares for min-max with a zero point, in float64 but for the rounded zero point."""
    low, high = min(values.min(), 0), max(values.max(), 0)
    scale = (high - low) / (2**bits - 1)
    zero = numpy.rint(-low / scale)
    levels = numpy.clip(numpy.rint(values / scale) + zero, 0, 2**bits - 1)
    return float((((levels - zero) * scale - values) ** 2).sum())


def hessian_trace(loss, value):
    """The sum over the samples of their blocks' traces. A product finds one row of each sample's block, since samples share nothing."""
    (gradient,) = torch.autograd.grad(loss, value, create_graph=True)
    columns, total = gradient.flatten(1), torch.zeros(())
    for j in range(columns.shape[1] if gradient.requires_grad else 0):
        (row,) = torch.autograd.grad(columns[:, j].sum(), value, retain_graph=True)
        total = total + row.flatten(1)[:, j].sum()
    return total


def golden(name):
    model = Model(FIXTURES / f"{name}.onnx")
    with numpy.load(FIXTURES / DATA[name.rsplit("_", 1)[0]]) as data:
        labels = tensor(data["labels"])
        samples = len(labels)
        inputs = {n: tensor(data[n] if n in data else data["inputs"]).requires_grad_() for n in model.inputs}
    parameters = {n: p.clone().requires_grad_() for n, p in model.parameters.items()}
    values = run(model.nodes, model.opset, {**model.constants, **parameters, **inputs})
    logits = values[model.outputs[0]]
    p = torch.softmax(logits, 1).detach()
    rows = ((logits - (p * logits).sum(1, keepdim=True)) * p.sqrt()).sum(0)
    names = activations(model)
    traces = dict.fromkeys(names, 0)
    for row in rows:
        gradients = torch.autograd.grad(row, [values[n] for n in names], retain_graph=True)
        for n, gradient in zip(names, gradients):
            traces[n] = traces[n] + gradient.square().sum() / samples
    loss = F.cross_entropy(logits, labels)
    hessians = traces.get if name in LINEAR else lambda n: hessian_trace(loss, values[n])
    found = {}
    for n in names:
        array = values[n].detach().numpy()
        tails = numpy.percentile(array, [100 - PERCENTILE, PERCENTILE])
        found[n] = {
            "elements": array.size / samples,
            "min": rounded(array.min()),
            "max": rounded(array.max()),
            "percentiles": [rounded(t) for t in tails],
            "traceGgn": rounded(traces[n]),
            "traceHessian": rounded(hessians(n)),
            "error": {str(b): rounded(quantization_error(array, b) / samples) for b in BITS},
        }
    return found


def threshold(counts, levels):
    """The number of bins to keep."""
    bins = numpy.array(counts, dtype=float)
    bins[0] = bins[1]
    divergences, tried = [], range(levels, len(bins) + 1)
    for i in tried:
        level = (numpy.arange(i) * levels) // i
        filled = bins[:i] != 0
        merged = numpy.bincount(level[filled], weights=bins[:i][filled], minlength=levels)
        size = numpy.bincount(level[filled], minlength=levels)
        candidate = numpy.zeros(i)
        candidate[filled] = (merged / numpy.maximum(size, 1))[level[filled]]
        reference = bins[:i].copy()
        reference[-1] += bins[i:].sum()
        divergences.append(entropy(reference, candidate) if candidate.sum() else numpy.inf)
    divergences = numpy.array(divergences)
    return tried[len(divergences) - 1 - int(numpy.argmin(divergences[::-1]))]


def histograms():
    random = numpy.random.default_rng(0)
    yield "half normal", numpy.abs(random.normal(size=200_000))
    yield "exponential", random.exponential(size=100_000)
    yield "with outliers", numpy.concatenate([numpy.abs(random.normal(size=50_000)), random.uniform(20, 30, 40)])
    yield "after Relu", numpy.maximum(random.normal(size=100_000), 0)
    yield "uniform", random.uniform(size=100_000)
    yield "few values", numpy.abs(random.normal(size=300))


def main():
    torch.set_default_dtype(torch.float64)
    FOLDER.mkdir(exist_ok=True)
    for name in MODELS:
        (FOLDER / f"{name}.json").write_text(json.dumps(golden(name), indent=1) + "\n")
    cases = []
    for title, values in histograms():
        counts = numpy.histogram(values, 700, (0, values.max()))[0].tolist()
        cases += [{"name": title, "levels": n, "counts": counts, "threshold": threshold(counts, n)} for n in (128, 256)]
    (FOLDER / "entropy.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
