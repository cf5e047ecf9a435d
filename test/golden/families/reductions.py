"""Reductions, with axes as attribute (opset 11), as input (18; ReduceSum from 13), negative, empty or absent."""

from cases import away, given, normal, op, positive, spaced


def operand(kind, *shape):
    # Extremes need a distance between values, and the norm is not smooth at zero.
    draw = {"ReduceMax": spaced, "ReduceMin": spaced, "ReduceL1": away, "ReduceL2": away, "ReduceLogSum": positive}.get(kind, normal)
    return draw(*shape)


def forms(kind):
    x = operand(kind, 2, 3, 4)
    return [
        op(f"{kind}/attribute", x, opset=11, axes=[1]),
        op(f"{kind}/attribute-negative-no-keepdims", x, opset=11, axes=[0, -1], keepdims=0),
        op(f"{kind}/attribute-all", x, opset=11),
        op(f"{kind}/input", x, given([2]), opset=18),
        op(f"{kind}/input-two-no-keepdims", x, given([1, 2]), opset=18, keepdims=0),
        op(f"{kind}/input-negative", x, given([-2]), opset=18, keepdims=0),
        op(f"{kind}/all", x, opset=18, keepdims=1),
        op(f"{kind}/all-no-keepdims", x, opset=18, keepdims=0),
        op(f"{kind}/noop", x, opset=18, noop_with_empty_axes=1),
    ]


KINDS = "ReduceSum ReduceMean ReduceMax ReduceMin ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum ReduceLogSumExp ReduceProd".split()

CASES = [
    *(form for kind in KINDS for form in forms(kind)),
    op("ReduceSum/opset-13-input", normal(2, 3, 4), given([0, 2]), opset=13, keepdims=0),
    op("ReduceSum/empty-axes-input", normal(2, 3), given([]), opset=18),
    op("ReduceSum/empty-axes-input-noop", normal(2, 3), given([]), opset=18, noop_with_empty_axes=1),
    op("ReduceLogSumExp/large-values", spaced(2, 4), given([1]), opset=18),
]
