"""Operators of two or more operands, with every way of broadcasting."""

from cases import away, case, fixed, given, node, normal, op, positive, spaced, uniform

SHAPES = {
    "same": ((2, 3, 4), (2, 3, 4)),
    "trailing": ((2, 3, 4), (4,)),
    "inner": ((2, 3, 4), (3, 1)),
    "both": ((1, 3, 1), (2, 1, 4)),
    "scalar": ((2, 3, 4), ()),
    "left-scalar": ((), (2, 3, 4)),
}
BINARY = "Add Sub Mul Div".split()
CONDITION = [[True, False, True, False], [False, False, True, True], [True, True, False, True]]


def divisor(*shape):
    return away(*shape, margin=0.5)


def twice(kind):
    return case(f"{kind}/same-value-twice", 17, [node(kind, "x x", "y")], x=divisor(2, 3))


def power(values, dtype="float32"):
    return given(values, dtype)


CASES = [
    *(op(f"{kind}/{form}", normal(*a), divisor(*b)) for kind in BINARY for form, (a, b) in SHAPES.items()),
    *(twice(kind) for kind in BINARY),
    op("Mul/fixed-operand", normal(2, 3, 4), fixed(normal(3, 1))),
    op("Div/fixed-dividend", fixed(normal(1)), divisor(2, 3)),
    op("Pow/square", normal(2, 5), power(2)),
    op("Pow/cube", normal(2, 5), power(3)),
    op("Pow/square-root", positive(2, 5), power(0.5)),
    op("Pow/negative", away(2, 5, margin=0.5), power(-1)),
    op("Pow/integer-exponent", normal(2, 5), power(3, "int64")),
    op("Pow/exponent-per-column", positive(2, 4), power([0.5, 1, 2, -1.5])),
    op("Pow/exponent-zero-and-one", away(2, 2), power([0, 1])),
    op("Pow/differentiable-exponent", positive(2, 3), normal(2, 3)),
    op("Pow/differentiable-exponent-broadcast", positive(2, 1, 3), normal(4, 1)),
    op("Pow/fixed-base", fixed(positive(1)), normal(2, 3)),
    *(op(f"{kind}/two", spaced(2, 3, 4), spaced(2, 3, 4, offset=1)) for kind in ("Max", "Min")),
    *(op(f"{kind}/broadcast", spaced(2, 3, 1), spaced(4, offset=1)) for kind in ("Max", "Min")),
    *(op(f"{kind}/three", spaced(2, 3), spaced(2, 3, offset=1), spaced(3, offset=2)) for kind in ("Max", "Min")),
    *(op(f"{kind}/one", normal(2, 3)) for kind in ("Max", "Sum", "Mean")),
    *(op(f"{kind}/three-broadcast", normal(2, 3), normal(3), normal(2, 1)) for kind in ("Sum", "Mean")),
    op("Mod/float", uniform(2.25, 2.75, 2, 3), uniform(0.875, 1.0, 3), fmod=1),
    op("Mod/negative", uniform(-2.75, -2.25, 2, 3), uniform(0.875, 1.0, 2, 1), fmod=1),
    op("Where/same", given(CONDITION, "bool"), normal(3, 4), normal(3, 4)),
    op("Where/broadcast-branches", given(CONDITION, "bool"), normal(2, 1, 4), normal(3, 1)),
    op("Where/broadcast-condition", given([[True], [False], [True]], "bool"), normal(2, 3, 4), normal(4)),
    op("Where/fixed-branch", given(CONDITION, "bool"), normal(3, 4), given(-1e4, "float32")),
    op("Where/condition-at-run-time", given(CONDITION, "bool", constant=False), normal(3, 4), uniform(1, 2, 1)),
]
