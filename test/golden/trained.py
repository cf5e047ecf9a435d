"""Writes models/<file>.json: exact curvature of the trained models, by double backward in float64.

The loss is the mean softmax cross-entropy over all samples of the data file. Rows of the Hessian are made one by one
and reduced at once, since only its diagonal and the norms of its blocks are kept; eigenvalues are found by Lanczos
iteration on Hessian-vector products.
"""

import argparse
import json
import pathlib
import time

import numpy
import torch
import torch.nn.functional as F
from scipy.sparse.linalg import LinearOperator, eigsh

from interpreter import Model, tensor

HERE = pathlib.Path(__file__).parent
FIXTURES = HERE.parent / "fixtures" / "models"
SAMPLE = HERE.parent.parent / "media" / "sample"
DATA = {"mlp_digits": "digits_eval.npz", "vit_digits": "digits_eval.npz", "resnet_mnist": "mnist_eval.npz"}
# Rows take many minutes. These are networks of linear layers, Relu and max-pooling, whose traces follow without them;
# the first one holds the same tensors as resnet_mnist_folded_legacy.
PRODUCTS_ONLY = {"resnet_mnist_folded_dynamo18", "digits_cnn"}


def signs(shape):
    """A fixed vector of signs that needs no random generator: bit 31 of the index times 2654435761."""
    product = numpy.arange(int(numpy.prod(shape)), dtype=numpy.uint64) * numpy.uint64(2654435761)
    return torch.from_numpy(1.0 - 2.0 * ((product >> numpy.uint64(31)) & numpy.uint64(1))).reshape(tuple(shape))


class Loss:
    """The loss of a model as a function of its parameters, with first and second derivatives."""

    def __init__(self, model, inputs, labels):
        self.model, self.inputs, self.labels = model, inputs, labels
        parameters = {n: p.clone().requires_grad_() for n, p in model.parameters.items()}
        self.value = F.cross_entropy(model(inputs, parameters), labels)
        found = torch.autograd.grad(self.value, list(parameters.values()), create_graph=True, allow_unused=True)
        # Constants of a graph that the output does not depend on smoothly are no parameters.
        used = {n: g for n, g in zip(parameters, found) if g is not None}
        self.parameters = {n: parameters[n] for n in used}
        self.gradient = used
        self.sizes = [p.numel() for p in self.parameters.values()]
        self.flat_gradient = torch.cat([g.reshape(-1) for g in used.values()])

    def hessian_times(self, direction):
        """The product with one direction over all parameters."""
        return self.pull(self.flat_gradient, direction)

    def hessian_rows(self):
        """All rows. Going back from the gradient of one tensor leaves out whatever that gradient does not need."""
        for gradient in self.gradient.values():
            for i in range(gradient.numel()):
                element = F.one_hot(torch.tensor(i), gradient.numel()).double().reshape(gradient.shape)
                yield self.pull(gradient, element)

    def pull(self, gradient, direction):
        parameters = list(self.parameters.values())
        products = torch.autograd.grad(gradient, parameters, direction, retain_graph=True, allow_unused=True)
        pairs = zip(parameters, products)
        return torch.cat([(torch.zeros_like(p) if h is None else h).reshape(-1) for p, h in pairs])

    def jacobians(self):
        """Per sample, the Jacobian of the logits by all parameters and the logits."""
        parameters = {n: p.detach().requires_grad_() for n, p in self.parameters.items()}
        for i in range(len(self.labels)):
            logits = self.model({n: x[i : i + 1] for n, x in self.inputs.items()}, parameters)[0]
            units = torch.eye(len(logits), dtype=torch.float64)
            rows = torch.autograd.grad(logits, list(parameters.values()), units, is_grads_batched=True)
            yield torch.cat([r.reshape(len(logits), -1) for r in rows], 1), logits.detach()


def hessian_blocks(loss):
    """The diagonal, and for every pair of tensors the sum of squares of their block."""
    total, count = sum(loss.sizes), len(loss.sizes)
    diagonal, squares = torch.zeros(total, dtype=torch.float64), torch.zeros(count, count, dtype=torch.float64)
    owner = torch.repeat_interleave(torch.arange(count), torch.tensor(loss.sizes))
    for i, row in enumerate(loss.hessian_rows()):
        diagonal[i] = row[i]
        squares[owner[i]] += torch.stack([part.square().sum() for part in row.split(loss.sizes)])
    return diagonal, squares


def gauss_newton(loss, directions):
    """The diagonal of the generalized Gauss-Newton matrix, and its quadratic form along every direction."""
    diagonal, forms = 0, 0
    for jacobian, logits in loss.jacobians():
        p = torch.softmax(logits, 0)
        centred = (jacobian - p @ jacobian) * p.sqrt()[:, None]
        diagonal = diagonal + centred.square().sum(0) / len(loss.labels)
        forms = forms + (centred @ directions.T).square().sum(0) / len(loss.labels)
    return diagonal, forms


def eigenvalues(loss):
    """The ten largest eigenvalues of the Hessian, and the smallest."""
    total = sum(loss.sizes)
    product = LinearOperator(
        (total, total), lambda v: loss.hessian_times(torch.from_numpy(v).reshape(-1)).numpy(), dtype=float
    )
    start = signs([total]).numpy()
    largest = eigsh(product, 10, which="LA", v0=start, ncv=40, tol=1e-11, return_eigenvectors=False)
    smallest = eigsh(product, 1, which="SA", v0=start, ncv=40, tol=1e-11, return_eigenvectors=False)
    return sorted(largest, reverse=True), smallest[0]


def probes(loss, layers):
    """Per tensor, the trace of its block of the Hessian and the variance of one probe for it."""
    diagonal, squares = hessian_blocks(loss)
    found, names = {}, list(loss.parameters)
    for i, (name, own) in enumerate(zip(names, diagonal.split(loss.sizes))):
        # Signs of different elements are independent, so v'Hv varies by every pair of elements; pairs within a block
        # occur twice.
        within = 2 * (squares[i, i] - own.square().sum())
        across = {m: squares[i, j] for j, m in enumerate(names) if j != i}
        across_layers = [s for m, s in across.items() if m in layers]
        found[name] = {
            "traceHessian": rounded(own.sum()),
            "probeVarianceBlock": rounded(within),
            "probeVarianceJoint": rounded(within + sum(across.values())),
            "probeVarianceLayers": rounded(within + sum(across_layers)) if name in layers else None,
        }
    return found


def same_traces(tensors):
    """Where every logit is piecewise linear in each single weight, Hessian and Gauss-Newton have one diagonal."""
    return {name: {"traceHessian": tensor["traceGgn"]} for name, tensor in tensors.items()}


def rounded(value):
    if torch.is_tensor(value) and value.dim():
        return [float(f"{v:.9g}") for v in value.reshape(-1).tolist()]
    return float(f"{float(value):.15g}")


def golden(model_path, data_path, rows):
    model = Model(model_path)
    with numpy.load(data_path) as data:
        labels = torch.from_numpy(data["labels"])
        inputs = {n: tensor(data[n] if n in data else data["inputs"]) for n in model.inputs}
    loss = Loss(model, inputs, labels)
    names, layers = list(loss.parameters), model.layers()
    vectors = [signs(p.shape).reshape(-1) for p in loss.parameters.values()]
    # One direction per tensor alone, and at last all of them together.
    directions = torch.cat([torch.block_diag(*[v[None] for v in vectors]), torch.cat(vectors)[None]])
    products = torch.stack([loss.hessian_times(d) for d in directions])
    ggn, ggn_forms = gauss_newton(loss, directions)
    largest, smallest = eigenvalues(loss)

    tensors = {}
    for i, name in enumerate(names):
        own_ggn, block, joint = (part.split(loss.sizes)[i] for part in (ggn, products[i], products[-1]))
        tensors[name] = {
            "shape": list(loss.parameters[name].shape),
            "gradientNorm": rounded(loss.gradient[name].detach().norm()),
            "traceGgn": rounded(own_ggn.sum()),
            "vHvBlock": rounded(vectors[i] @ block),
            "HvBlockNorm": rounded(block.norm()),
            "vHvJoint": rounded(vectors[i] @ joint),
            "vGvBlock": rounded(ggn_forms[i]),
            "HvBlock": rounded(block),
            "HvJoint": rounded(joint),
        }
    for name, exact in (probes(loss, layers) if rows else same_traces(tensors)).items():
        tensors[name] |= exact
    return {
        "file": model_path.name,
        "data": data_path.name,
        "loss": rounded(loss.value.detach()),
        "gradientNorm": rounded(loss.flat_gradient.detach().norm()),
        "vHv": rounded(torch.cat(vectors) @ products[-1]),
        "vGv": rounded(ggn_forms[-1]),
        "layers": layers,
        "tensors": tensors,
        "eigenvalues": [rounded(e) for e in largest],
        "smallestEigenvalue": rounded(smallest),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=pathlib.Path, help="models; all fixtures and the sample if left out")
    files = parser.parse_args().files or [*sorted(FIXTURES.glob("*.onnx")), *SAMPLE.glob("*.onnx")]
    for path in files:
        started = time.time()
        common = [path.parent / data for prefix, data in DATA.items() if path.name.startswith(prefix)]
        data = common[0] if common else path.with_suffix(".npz")
        target = HERE / "models" / f"{path.stem}.json"
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(golden(path, data, path.stem not in PRODUCTS_ONLY), separators=(",", ":")) + "\n")
        print(f"{path.name}: {target.stat().st_size} bytes, {time.time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
