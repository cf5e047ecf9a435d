"""The vocabulary of the operator tables: operands drawn from a seed, and cases made of nodes and operands."""

from dataclasses import dataclass
from typing import Callable

import numpy
import onnx

# Drawn values are multiples of 1/256: exact in float32, and short and exact in decimal.
GRID = 256


@dataclass(frozen=True)
class Operand:
    draw: Callable
    constant: bool = False
    differentiable: bool = True


@dataclass(frozen=True)
class Case:
    name: str
    opset: int
    nodes: list
    operands: dict
    output: str = "y"
    # Where derivatives go straight through a step, differences of values don't show them.
    stepped: bool = False


def snap(values):
    return numpy.asarray(numpy.round(numpy.asarray(values) * GRID) / GRID, numpy.float32)


def uniform(low, high, *shape):
    return Operand(lambda rng: snap(rng.uniform(low, high, shape)))


def normal(*shape):
    return Operand(lambda rng: snap(rng.standard_normal(shape).clip(-2.5, 2.5)))


def positive(*shape):
    return uniform(0.5, 2, *shape)


def away(*shape, kinks=(0,), margin=0.125, spread=1.5):
    """Normal values that keep a distance from the points where the operator is not smooth."""

    def draw(rng):
        values = snap(rng.standard_normal(shape) * spread)
        while (near := numpy.min([numpy.abs(values - kink) for kink in kinks], axis=0) < margin).any():
            values = numpy.where(near, snap(rng.standard_normal(shape) * spread), values)
        return values

    return Operand(draw)


def spaced(*shape, offset=0):
    """Values that differ by 3/16 or more from each other, and by 1/16 or more from a tensor of another offset."""

    def draw(rng):
        count = int(numpy.prod(shape))
        return snap((rng.permutation(count) - count // 2) * 3 / 16 + offset / 16).reshape(shape)

    return Operand(draw)


def fixed(operand):
    """A floating point initializer that is not differentiated."""
    return Operand(operand.draw, constant=True, differentiable=False)


def given(values, dtype="int64", constant=True):
    """An operand with the given values, an initializer if nothing else is said."""
    return Operand(lambda rng: numpy.array(values, dtype), constant, differentiable=False)


def node(op, inputs, outputs, **attributes):
    return onnx.helper.make_node(op, inputs.split(), outputs.split(), **attributes)


def case(name, opset, nodes, output="y", **operands):
    return Case(name, opset, nodes, operands, output)


def op(name, *operands, opset=17, **attributes):
    """One node; the operator is the part of the name before the slash, the operands get their ONNX names."""
    kind = name.split("/")[0]
    formal = [i.name.lower() for i in onnx.defs.get_schema(kind, opset, "").inputs]
    formal += [f"{formal[-1]}_{i}" for i in range(1, len(operands))]
    # Operands left out at the end are not written at all: ONNX Runtime 1.30 crashes on some operators otherwise.
    while operands[-1] is None:
        operands = operands[:-1]
    names = ["" if o is None else n for n, o in zip(formal, operands)]
    output = "z" if "y" in names else "y"
    made = onnx.helper.make_node(kind, names, [output], **attributes)
    return Case(name, opset, [made], {n: o for n, o in zip(names, operands) if o is not None}, output)


def contrib(name, *operands, outputs="y", output=None, opset=17, **attributes):
    """One node of ONNX Runtime's own domain, named as in `op`; "-" stands for an output that is left out."""
    names = ["" if o is None else f"x{i}" for i, o in enumerate(operands)]
    kind = name.split("/")[0]
    results = ["" if o == "-" else o for o in outputs.split()]
    made = onnx.helper.make_node(kind, names, results, domain="com.microsoft", **attributes)
    present = {n: o for n, o in zip(names, operands) if o is not None}
    return Case(f"com.microsoft.{name}", opset, [made], present, output or results[0])
