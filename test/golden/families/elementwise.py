"""Functions of one value, and the few with a small second operand."""

from cases import away, fixed, given, normal, op, positive, uniform

SMOOTH = "Sigmoid Tanh Erf Exp Neg Sin Cos Softplus Identity Sinh Cosh Asinh Atan".split()
# Abs and Softsign change their formula at zero; so do the rectifiers, most of which have a kink there.
AT_ZERO = "Relu Abs Softsign Elu Selu Celu LeakyRelu".split()


def bound(value):
    return given(value, "float32")


CASES = [
    *(op(f"{kind}/plain", normal(2, 5)) for kind in SMOOTH),
    *(op(f"{kind}/plain", positive(2, 5)) for kind in ("Log", "Sqrt", "Reciprocal")),
    *(op(f"{kind}/plain", away(2, 5)) for kind in AT_ZERO),
    *(op(f"{kind}/plain", uniform(-0.75, 0.75, 2, 5)) for kind in ("Tan", "Asin", "Acos", "Atanh")),
    op("Acosh/plain", uniform(1.25, 3, 2, 5)),
    op("Shrink/hard", away(2, 6, kinks=(-0.5, 0.5))),
    op("Shrink/soft", away(2, 6, kinks=(-1, 1)), lambd=1.0, bias=0.75),
    op("Reciprocal/negative", uniform(-2, -0.5, 6)),
    op("Sigmoid/saturated", uniform(-20, 20, 8)),
    op("Softplus/saturated", uniform(-30, 30, 8)),
    op("Tanh/rank-0", normal()),
    op("Gelu/none", normal(2, 5), opset=20),
    op("Gelu/tanh", normal(2, 5), opset=20, approximate="tanh"),
    op("Mish/plain", normal(2, 5), opset=18),
    op("Elu/alpha", away(2, 5), alpha=0.5),
    op("Selu/attributes", away(2, 5), alpha=1.5, gamma=0.75),
    op("Celu/alpha", away(2, 5), alpha=0.5),
    op("LeakyRelu/alpha", away(2, 5), alpha=0.25),
    op("ThresholdedRelu/plain", away(2, 5, kinks=(1,))),
    op("ThresholdedRelu/alpha", away(2, 5, kinks=(0.5,)), alpha=0.5),
    op("HardSigmoid/plain", away(2, 6, kinks=(-2.5, 2.5), spread=3)),
    op("HardSigmoid/attributes", away(2, 6, kinks=(-1.6, 2.4), spread=2), alpha=0.25, beta=0.4),
    op("Swish/plain", normal(2, 6), opset=24),
    op("Swish/alpha", normal(2, 6), opset=24, alpha=1.5),
    op("HardSwish/plain", away(2, 6, kinks=(-3, 3), spread=3)),
    op("PRelu/same-shape", away(2, 3, 2), normal(2, 3, 2)),
    op("PRelu/per-channel", away(2, 3, 2), normal(3, 1)),
    op("PRelu/one-slope", away(2, 3, 2), normal(1)),
    op("PRelu/fixed-slope", away(2, 3, 2), fixed(normal(3, 1))),
    op("Clip/attributes", away(2, 6, kinks=(-1, 1.5)), opset=6, min=-1.0, max=1.5),
    op("Clip/min-attribute", away(2, 6, kinks=(0.25,)), opset=6, min=0.25),
    op("Clip/min-max", away(2, 6, kinks=(0, 1)), bound(0), bound(1), opset=13),
    op("Clip/min", away(2, 6, kinks=(-0.5,)), bound(-0.5), opset=13),
    op("Clip/max", away(2, 6, kinks=(0.5,)), None, bound(0.5), opset=13),
    op("Clip/computed-bounds", away(2, 6, kinks=(-0.5, 1)), uniform(-0.5, -0.5), uniform(1, 1), opset=13),
    op("Clip/none", normal(2, 3), opset=13),
]
