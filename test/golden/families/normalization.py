"""Normalizations."""

from cases import away, case, fixed, node, normal, op, positive


def batch(form, *shape, opset=17, **attributes):
    scale, bias, mean, variance = normal(shape[1]), normal(shape[1]), fixed(normal(shape[1])), fixed(positive(shape[1]))
    return op(f"BatchNormalization/{form}", normal(*shape), scale, bias, mean, variance, opset=opset, **attributes)


def layer(form, shape, scaled, bias=True, **attributes):
    operands = normal(*shape), normal(*scaled), normal(*scaled) if bias else None
    return op(f"LayerNormalization/{form}", *operands, **attributes)


CASES = [
    batch("4d", 2, 3, 2, 3),
    batch("3d", 2, 3, 4),
    batch("2d", 4, 3),
    batch("epsilon", 2, 3, 2, 2, epsilon=0.1),
    op(
        "BatchNormalization/per-feature", normal(3, 2, 2), *(normal(2, 2) for _ in range(2)), fixed(normal(2, 2)), fixed(positive(2, 2)),
        opset=8, spatial=0,
    ),
    op(
        "BatchNormalization/computed-statistics", normal(2, 3, 2, 2), normal(3), normal(3), normal(3), positive(3),
        opset=15, epsilon=1e-3,
    ),
    op("BatchNormalization/computed-mean", normal(2, 3), normal(3), normal(3), normal(3), fixed(positive(3)), opset=15),
    batch("opset-9", 2, 3, 2, 2, opset=9, epsilon=1e-3),
    layer("last-axis", (2, 3, 5), (5,)),
    layer("no-bias", (2, 3, 5), (5,), bias=False),
    layer("axis-1", (2, 3, 4), (3, 4), axis=1),
    layer("axis-1-no-bias", (2, 3, 4), (3, 4), bias=False, axis=1),
    layer("axis-minus-2", (2, 3, 4), (3, 4), axis=-2),
    layer("epsilon", (2, 5), (5,), epsilon=0.1),
    layer("broadcast-scale", (2, 3, 4), (4,), axis=1),
    op("LayerNormalization/fixed-scale", normal(2, 3, 4), fixed(normal(4)), normal(4)),
    op("GroupNormalization/two-groups", normal(2, 4, 2, 2), normal(4), normal(4), opset=21, num_groups=2),
    op("GroupNormalization/opset-18", normal(2, 4, 2, 2), normal(2), normal(2), opset=18, num_groups=2),
    op("MeanVarianceNormalization/plain", normal(2, 3, 2, 3)),
    op("MeanVarianceNormalization/axes", normal(2, 3, 2, 3), axes=[2, 3]),
    op("LpNormalization/plain", normal(2, 3, 4)),
    op("LpNormalization/p-1", away(2, 3, 4), axis=1, p=1),
    case(
        "SimplifiedLayerNormalization/plain", 17, [node("SimplifiedLayerNormalization", "x scale", "y", epsilon=0.1)],
        x=normal(2, 3, 4), scale=normal(4),
    ),
    op("InstanceNormalization/4d", normal(2, 3, 2, 3), normal(3), normal(3)),
    op("InstanceNormalization/3d-epsilon", normal(2, 3, 4), normal(3), normal(3), epsilon=0.1),
    op("RMSNormalization/last-axis", normal(2, 3, 5), normal(5), opset=23),
    op("RMSNormalization/axis-1-epsilon", normal(2, 3, 4), normal(3, 4), opset=23, axis=1, epsilon=0.1),
    op("LRN/odd-size", normal(2, 5, 2, 2), size=3, alpha=0.5, beta=0.75, bias=1.5),
    op("LRN/square-root", normal(1, 5, 2, 2), size=3, alpha=0.5, beta=0.5, bias=1.0),
    op("LRN/wider-than-channels", normal(1, 3, 2, 2), size=7, alpha=1.0),
]
