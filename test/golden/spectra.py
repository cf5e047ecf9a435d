"""Writes spectra/<file>.json: all eigenvalues of a small trained model's curvature matrices, in float64.

The Hessian row by row by double backward, the Gauss-Newton matrix from per-sample Jacobians; eigenvalues by LAPACK.
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
    spectra = {"hessian": eigenvalues(hessian), "ggn": eigenvalues(gauss_newton), BLOCK: eigenvalues(block)}
    folder = HERE / "spectra"
    folder.mkdir(exist_ok=True)
    (folder / f"{NAME}.json").write_text(json.dumps(spectra, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
