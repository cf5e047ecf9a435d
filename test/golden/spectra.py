"""Writes spectra/<file>.json: all eigenvalues of a small trained model's curvature matrices, and the norms of the Hessian's
blocks, in float64.

The Hessian row by row by double backward, the Gauss-Newton matrix from per-sample Jacobians, the
empirical Fisher matrix from per-sample gradients; eigenvalues by LAPACK.
"""

import json
import pathlib

import numpy
import torch

from interpreter import Model, tensor
from trained import DATA, FIXTURES, Loss

HERE = pathlib.Path(__file__).parent
NAME = "mlp_digits_legacy"
BLOCK = "fc2.weight"


def fisher(loss):
    """(1/N) sum g g^T over the gradients of the samples' own cross-entropies, one backward pass each."""
    parameters = {n: p.detach().requires_grad_() for n, p in loss.parameters.items()}
    gradients = []
    for i in range(len(loss.labels)):
        logits = loss.model({n: x[i : i + 1] for n, x in loss.inputs.items()}, parameters)
        own = torch.nn.functional.cross_entropy(logits, loss.labels[i : i + 1])
        gradients.append(torch.cat([g.flatten() for g in torch.autograd.grad(own, list(parameters.values()))]))
    stacked = torch.stack(gradients)
    return stacked.T @ stacked / len(gradients)


def block_norms(matrix, sizes):
    """The Frobenius norm of the block of every pair of tensors."""
    return [
        [float(f"{block.norm():.9g}") for block in rows.split(sizes, 1)] for rows in matrix.split(sizes, 0)
    ]


def diagonal_blocks(matrix, sizes):
    return [rows.split(sizes, 1)[i] for i, rows in enumerate(matrix.split(sizes, 0))]


def eigenvalues(matrix):
    """Falling, to nine digits."""
    symmetric = (matrix + matrix.T) / 2
    return [float(f"{x:.9g}") for x in numpy.linalg.eigvalsh(symmetric.numpy())[::-1]]


def main():
    torch.set_default_dtype(torch.float64)
    model = Model(FIXTURES / f"{NAME}.onnx")
    with numpy.load(FIXTURES / DATA[NAME.rsplit("_", 1)[0]]) as data:
        labels = torch.from_numpy(data["labels"])
        inputs = {n: tensor(data[n] if n in data else data["inputs"]) for n in model.inputs}
    loss = Loss(model, inputs, labels)
    hessian = torch.zeros(sum(loss.sizes), sum(loss.sizes))
    for i, row in enumerate(loss.hessian_rows()):
        hessian[i] = row
    gauss_newton = 0
    for jacobian, logits in loss.jacobians():
        p = torch.softmax(logits, 0)
        centred = (jacobian - p @ jacobian) * p.sqrt()[:, None]
        gauss_newton = gauss_newton + centred.T @ centred / len(loss.labels)
    start = 0
    for name, size in zip(loss.parameters, loss.sizes):
        if name == BLOCK:
            block = hessian[start : start + size, start : start + size]
        start += size
    spectra = {"fisher": eigenvalues(fisher(loss)), "hessian": eigenvalues(hessian), "ggn": eigenvalues(gauss_newton), BLOCK: eigenvalues(block)}
    spectra["blocks"] = {
        "parameters": list(loss.parameters),
        "norms": block_norms(hessian, loss.sizes),
        "traces": [float(block.diagonal().sum()) for block in diagonal_blocks(hessian, loss.sizes)],
    }
    folder = HERE / "spectra"
    folder.mkdir(exist_ok=True)
    (folder / f"{NAME}.json").write_text(json.dumps(spectra, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
