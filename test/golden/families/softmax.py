"""Softmax and its logarithm, with the flattening semantics of opsets before 13."""

from cases import normal, op, uniform


def both(kind):
    return [
        op(f"{kind}/last-axis", normal(2, 3, 4), opset=13),
        op(f"{kind}/axis-1", normal(2, 3, 4), opset=13, axis=1),
        op(f"{kind}/axis-0", normal(3, 4), opset=13, axis=0),
        op(f"{kind}/axis-minus-2", normal(2, 3, 4), opset=13, axis=-2),
        op(f"{kind}/large-values", uniform(-60, 60, 2, 4), opset=13),
        op(f"{kind}/opset-11", normal(2, 3, 2, 2), opset=11),
        op(f"{kind}/opset-11-axis-2", normal(2, 3, 2, 2), opset=11, axis=2),
        op(f"{kind}/opset-11-axis-minus-1", normal(2, 3, 4), opset=11, axis=-1),
        op(f"{kind}/opset-9-2d", normal(3, 4), opset=9, axis=1),
    ]


CASES = both("Softmax") + both("LogSoftmax")
