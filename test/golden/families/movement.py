"""Operators that only move values: linear, so the question is where a derivative goes and where copies add up."""

from cases import case, fixed, given, node, normal, op, spaced

FAR = 2**63 - 1
NEAR = -(2**63)


def reshape(form, shape, target, opset=17, **attributes):
    return op(f"Reshape/{form}", normal(*shape), given(target), opset=opset, **attributes)


def slice_(form, shape, starts, ends, *more, opset=13):
    return op(f"Slice/{form}", normal(*shape), given(starts), given(ends), *(given(m) for m in more), opset=opset)


def gather(form, shape, indices, dtype="int64", **attributes):
    return op(f"Gather/{form}", normal(*shape), given(indices, dtype), **attributes)


def pad(form, shape, pads, *more, opset=17, **attributes):
    return op(f"Pad/{form}", normal(*shape), given(pads), *more, opset=opset, **attributes)


def value(number):
    return given(number, "float32")


# The parts of a split meet again in another order, or in a product, so that each part has a derivative of its own.
SPLIT = node("Split", "x sizes", "a b c", axis=1)
CONCAT = node("Concat", "c a b", "y", axis=1)
PRODUCT = node("Mul", "a b", "y")
# A square in double precision.
THERE = [node("Cast", "x", "a", to=11), node("Mul", "a a", "b")]

CASES = [
    reshape("plain", (2, 3, 4), [6, 4]),
    reshape("inferred", (2, 3, 4), [4, -1]),
    reshape("copied-and-inferred", (2, 3, 4), [0, -1]),
    reshape("copied-inner", (2, 3, 4), [1, 0, -1], opset=13),
    reshape("to-scalar", (1, 1), []),
    *(op(f"Flatten/axis-{axis}", normal(2, 3, 2, 2), axis=axis) for axis in (0, 1, 2, 4)),
    op("Flatten/plain", normal(2, 3, 4)),
    op("Flatten/axis-minus-1", normal(2, 3, 4), axis=-1),
    op("Transpose/plain", normal(2, 3, 4)),
    op("Transpose/rotated", normal(2, 3, 4), perm=[1, 2, 0]),
    op("Transpose/heads", normal(2, 2, 3, 2), perm=[0, 2, 1, 3]),
    op("Squeeze/attribute", normal(1, 3, 1, 2), opset=11, axes=[2]),
    op("Squeeze/attribute-negative", normal(1, 3, 1, 2), opset=11, axes=[0, -2]),
    op("Squeeze/input", normal(1, 3, 1, 2), given([0, 2]), opset=13),
    op("Squeeze/input-negative", normal(1, 3, 1, 2), given([-2]), opset=13),
    op("Squeeze/all", normal(1, 3, 1, 2), opset=13),
    op("Unsqueeze/attribute", normal(3, 2), opset=11, axes=[0, 3]),
    op("Unsqueeze/input", normal(3, 2), given([1]), opset=13),
    op("Unsqueeze/input-negative", normal(3, 2), given([-1, 0]), opset=13),
    op("Unsqueeze/unordered", normal(3, 2), given([3, 1]), opset=13),
    op("Concat/axis-1", normal(2, 3, 2), normal(2, 1, 2), axis=1),
    op("Concat/axis-0", normal(2, 3), normal(1, 3), axis=0),
    op("Concat/negative-axis-three", normal(2, 3), normal(2, 1), normal(2, 2), axis=-1),
    case("Concat/same-value-twice", 17, [node("Concat", "x z x", "y", axis=1)], x=normal(2, 2), z=normal(2, 1)),
    case("Split/attribute", 11, [node("Split", "x", "a b c", axis=1, split=[2, 1, 3]), CONCAT], x=normal(2, 6)),
    case("Split/attribute-equal", 11, [node("Split", "x", "a b", axis=-1), PRODUCT], x=normal(2, 6)),
    case("Split/input", 13, [SPLIT, CONCAT], x=normal(2, 6), sizes=given([1, 3, 2])),
    case("Split/input-product", 13, [SPLIT, PRODUCT], x=normal(3, 5), sizes=given([2, 2, 1])),
    case("Split/equal", 13, [node("Split", "x", "a b c", axis=1), CONCAT], x=normal(2, 6)),
    case("Split/uneven", 18, [node("Split", "x", "a b c", axis=1, num_outputs=3), CONCAT], x=normal(2, 7)),
    case("Split/unused-part", 13, [node("Split", "x", "a b c", axis=1), node("Mul", "a c", "y")], x=normal(2, 6)),
    op("Slice/attributes", normal(4, 5), opset=9, starts=[1, 0], ends=[3, -1], axes=[0, 1]),
    op("Slice/attributes-no-axes", normal(4, 5), opset=9, starts=[1, 2], ends=[FAR, 4]),
    slice_("no-axes", (4, 5), [1, 1], [3, 4]),
    slice_("negative", (4, 5), [-3], [-1], [-1]),
    slice_("huge-end", (4, 5), [2], [FAR], [0]),
    slice_("steps", (4, 7), [1, 0], [FAR, 7], [1, 0], [2, 3]),
    slice_("backwards", (4, 5), [-1], [NEAR], [1], [-1]),
    slice_("backwards-steps", (4, 7), [5], [0], [1], [-2]),
    slice_("backwards-both", (4, 5), [3, -1], [NEAR, 0], [0, 1], [-1, -2]),
    op("Slice/ends-at-run-time", normal(4, 5), given([-4, -1]), given([3, -9], constant=False), given([0, 1]), given([1, -2])),
    op("Slice/bounds-at-run-time", normal(4, 5), *(given(v, constant=False) for v in ([-3, 9], [3, -9])), given([0, 1]), given([1, -2])),
    op("Slice/no-axes-at-run-time", normal(4, 5), *(given(v, "int32", constant=False) for v in ([1], [3]))),
    op("Slice/at-run-time", normal(4, 5), *(given(v, constant=False) for v in ([1, 4], [4, 0], [0, 1], [2, -1]))),
    gather("0d", (4, 3), 2),
    gather("0d-axis-1", (4, 3), -1, axis=1),
    gather("1d", (4, 3), [0, 3]),
    gather("1d-repeated", (4, 3), [1, 1, 2, 1]),
    gather("1d-negative", (4, 3), [-1, 0, -4], axis=0),
    gather("2d", (5, 3), [[0, 2], [4, 2]]),
    gather("2d-axis-1", (2, 4, 2), [[0, 3, 3], [1, -1, 0]], axis=1),
    gather("last-axis", (2, 3, 4), [3, 0], axis=-1),
    op("Gather/indices-at-run-time", normal(4, 3), given([[1, 3], [1, 0]], constant=False)),
    gather("int32", (4, 3), [1, 0, 1], "int32"),
    op("GatherElements/axis-0", normal(3, 3), given([[1, 2, 0], [2, 0, 0]])),
    op("GatherElements/axis-1-negative", normal(3, 3), given([[0, 0], [-1, 1], [2, -3]]), axis=1),
    op("GatherND/rows", normal(3, 2, 2), given([[0, 1], [2, 0], [0, 1]])),
    op("GatherND/elements", normal(3, 2), given([[[0, 1]], [[2, 0]]])),
    op("GatherND/batch", normal(2, 3, 2), given([[[1], [0]], [[2], [2]]]), batch_dims=1),
    op("GatherND/batch-elements", normal(2, 2, 3), given([[[1], [0]], [[2], [2]]]), batch_dims=2),
    case("TopK/plain", 17, [node("TopK", "x k", "y i")], x=spaced(3, 5), k=given([2])),
    case("TopK/smallest", 17, [node("TopK", "x k", "y i", axis=0, largest=0)], x=spaced(4, 3), k=given([3])),
    case("TopK/opset-9", 9, [node("TopK", "x", "y i", axis=0, k=2)], x=spaced(3, 4)),
    op("Compress/axis", normal(3, 4), given([True, False, True], "bool"), axis=0),
    op("Compress/flat", normal(3, 2), given([False, True, True, False, True], "bool")),
    op("ReverseSequence/time-first", normal(4, 3, 2), given([4, 2, 1])),
    op("ReverseSequence/batch-first", normal(3, 4), given([2, 4, 3]), batch_axis=0, time_axis=1),
    op("CenterCropPad/both", normal(5, 3), given([2, 6]), opset=18),
    op("CenterCropPad/axes", normal(2, 3, 5), given([4, 4]), opset=18, axes=[-2, -1]),
    op("CastLike/plain", normal(2, 3), fixed(normal(1))),
    op("Scatter/opset-9", normal(3, 3), given([[1, 0, 2], [0, 2, 1]]), normal(2, 3), opset=9),
    op("Scatter/axis", normal(2, 4), given([[0, 3], [1, 2]]), normal(2, 2), opset=9, axis=1),
    op("ScatterND/replace", normal(4, 3), given([[1], [3]]), normal(2, 3), opset=16),
    op("ScatterND/add-repeated", normal(4, 3), given([[1], [1], [0]]), normal(3, 3), opset=18, reduction="add"),
    op("ScatterElements/replace", normal(3, 3), given([[1, 0, 2], [0, 2, 1]]), normal(2, 3), opset=16),
    op("ScatterElements/add", normal(2, 4), given([[0, 3, 3], [-1, 1, 1]]), normal(2, 3), opset=18, axis=1, reduction="add"),
    op("Trilu/upper", normal(2, 3, 4)),
    op("Trilu/lower-shifted", normal(3, 4), given(-1), upper=0),
    op("CumSum/plain", normal(2, 3), given(1)),
    op("CumSum/exclusive-reverse", normal(2, 4), given(-1), exclusive=1, reverse=1),
    op("Expand/leading", normal(3, 1), given([2, 3, 4])),
    op("Expand/two-way", normal(3, 1), given([2, 1, 4])),
    op("Expand/smaller-target", normal(2, 3, 1), given([1, 4])),
    op("Expand/scalar", normal(), given([2, 3])),
    op("Tile/plain", normal(2, 3), given([2, 2])),
    op("Tile/one-axis", normal(2, 1, 2), given([1, 3, 1])),
    op("Pad/attributes", normal(2, 3), opset=2, pads=[0, 1, 1, 2]),
    op("Pad/attributes-value", normal(2, 3), opset=2, pads=[1, 0, 0, 1], value=1.5),
    op("Pad/attributes-reflect", normal(3, 4), opset=2, mode="reflect", pads=[1, 2, 0, 3]),
    op("Pad/attributes-edge", normal(3, 4), opset=2, mode="edge", pads=[1, 0, 2, 3]),
    pad("zeros", (2, 3), [1, 0, 0, 2], opset=11),
    pad("value", (2, 3), [1, 0, 0, 2], value(-0.5), opset=13),
    pad("cropping", (4, 5), [-1, 1, 0, -2], opset=13),
    pad("reflect", (3, 4), [2, 1, 1, 3], opset=11, mode="reflect"),
    pad("edge", (3, 4), [2, 1, 1, 3], opset=13, mode="edge"),
    pad("wrap", (3, 4), [2, 1, 1, 3], opset=19, mode="wrap"),
    pad("axes", (2, 3, 2), [1, 2], value(2), given([1]), opset=18),
    pad("axes-negative-reflect", (2, 3, 4), [1, 2, 0, 1], None, given([-1, 1]), opset=18, mode="reflect"),
    op("Identity/plain", normal(2, 3)),
    case("Identity/value-used-twice", 17, [node("Identity", "x", "a"), node("Mul", "a x", "y")], x=normal(2, 3)),
    op("Dropout/opset-7", normal(2, 3), opset=7, ratio=0.25),
    op("Dropout/opset-12", normal(2, 3), opset=12),
    op("Dropout/opset-13-inputs", normal(2, 3), value(0.25), given(False, "bool"), opset=13),
    op("Cast/float", normal(2, 3), to=1),
    case("Cast/there-and-back", 17, [*THERE, node("Cast", "b", "y", to=1)], x=normal(2, 3)),
    op("DepthToSpace/plain", normal(1, 8, 2, 2), blocksize=2),
    op("DepthToSpace/crd", normal(1, 8, 2, 2), blocksize=2, mode="CRD"),
    op("SpaceToDepth/plain", normal(1, 2, 4, 4), blocksize=2),
]
