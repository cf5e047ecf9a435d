"""Convolutions and transposed convolutions."""

import onnx

from cases import case, fixed, given, normal, op


def conv(form, x, w, bias=True, **attributes):
    return op(f"Conv/{form}", normal(*x), normal(*w), normal(w[0]) if bias else None, **attributes)


def transpose(form, x, w, bias=True, **attributes):
    channels = w[1] * attributes.get("group", 1)
    return op(f"ConvTranspose/{form}", normal(*x), normal(*w), normal(channels) if bias else None, **attributes)


EMPTY_BIAS = onnx.helper.make_node("Conv", ["x", "w", ""], ["y"])
EVERYTHING = {"group": 2, "strides": [2, 2], "pads": [1, 0, 0, 1], "dilations": [1, 2], "output_padding": [1, 0]}

CASES = [
    conv("1d", (2, 2, 7), (3, 2, 3)),
    conv("1d-strided-padded", (2, 2, 8), (3, 2, 3), strides=[2], pads=[1, 2], dilations=[2]),
    conv("2d", (2, 2, 5, 4), (3, 2, 3, 2)),
    conv("2d-no-bias", (2, 2, 5, 4), (3, 2, 3, 2), bias=False),
    case("Conv/empty-bias-name", 17, [EMPTY_BIAS], x=normal(1, 1, 4, 3), w=normal(2, 1, 2, 2)),
    conv("kernel-shape-given", (1, 2, 5, 5), (2, 2, 3, 3), kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    conv("3d", (1, 2, 4, 3, 4), (2, 2, 2, 2, 3)),
    conv("3d-strided-padded", (1, 2, 4, 4, 3), (2, 1, 2, 3, 2), strides=[2, 1, 2], pads=[0, 1, 1, 1, 1, 0], group=2),
    conv("1x1", (2, 3, 3, 4), (4, 3, 1, 1)),
    conv("1x1-strided", (2, 3, 5, 4), (2, 3, 1, 1), strides=[2, 2]),
    conv("strided", (2, 2, 6, 6), (2, 2, 3, 3), strides=[2, 2]),
    conv("strided-padded", (2, 2, 6, 5), (2, 2, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1]),
    conv("dilated", (1, 2, 7, 6), (2, 2, 3, 2), dilations=[2, 3]),
    conv("grouped", (2, 4, 4, 4), (6, 2, 3, 3), group=2),
    conv("strided-grouped", (1, 4, 5, 5), (4, 2, 3, 3), strides=[2, 2], group=2),
    conv("depthwise", (2, 3, 5, 4), (3, 1, 3, 3), group=3, pads=[1, 1, 1, 1]),
    conv("depthwise-multiplier", (2, 3, 4, 4), (6, 1, 3, 2), group=3),
    conv("asymmetric-pads", (1, 2, 5, 5), (2, 2, 3, 3), pads=[0, 1, 2, 1]),
    conv("same-upper", (1, 2, 6, 5), (2, 2, 3, 2), auto_pad="SAME_UPPER", strides=[2, 2]),
    conv("same-lower", (1, 2, 6, 5), (2, 2, 3, 2), auto_pad="SAME_LOWER", strides=[2, 2]),
    conv("same-upper-even-kernel", (1, 1, 5, 5), (2, 1, 4, 2), auto_pad="SAME_UPPER"),
    conv("valid", (1, 2, 6, 5), (2, 2, 3, 2), auto_pad="VALID", strides=[2, 1]),
    # Rows and columns between the windows, and at the end, are never read.
    conv("stride-beyond-kernel", (1, 2, 8, 7), (2, 2, 2, 1), strides=[3, 3]),
    conv("even-kernel", (1, 2, 6, 6), (2, 2, 4, 2), pads=[1, 1, 2, 0]),
    conv("kernel-covers-input", (2, 2, 3, 4), (3, 2, 3, 4)),
    conv("everything", (1, 4, 8, 7), (2, 2, 3, 2), strides=[2, 2], dilations=[2, 2], pads=[1, 0, 2, 1], group=2),
    op("Conv/fixed-input", fixed(normal(2, 2, 4, 4)), normal(3, 2, 3, 3), normal(3), pads=[1, 1, 1, 1]),
    op("Conv/fixed-weight", normal(2, 2, 4, 4), fixed(normal(3, 2, 3, 3)), normal(3), strides=[2, 2]),
    transpose("1d", (2, 2, 4), (2, 3, 3)),
    transpose("2d", (1, 2, 3, 4), (2, 3, 3, 2)),
    transpose("2d-no-bias", (1, 2, 3, 4), (2, 3, 3, 2), bias=False),
    transpose("3d", (1, 2, 2, 3, 2), (2, 1, 2, 2, 2), strides=[1, 2, 1]),
    transpose("strided", (1, 2, 3, 4), (2, 2, 2, 2), strides=[2, 2]),
    transpose("padded", (1, 2, 4, 4), (2, 2, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1]),
    transpose("asymmetric-pads", (1, 2, 4, 4), (2, 2, 3, 3), strides=[2, 1], pads=[0, 1, 2, 0]),
    transpose("output-padding", (1, 2, 3, 3), (2, 2, 3, 3), strides=[2, 3], pads=[1, 1, 1, 1], output_padding=[1, 2]),
    transpose("grouped", (1, 4, 3, 3), (4, 3, 3, 2), group=2, strides=[2, 1]),
    transpose("depthwise", (1, 3, 3, 3), (3, 1, 2, 2), group=3, strides=[2, 2]),
    transpose("dilated", (1, 2, 3, 3), (2, 2, 3, 2), dilations=[2, 3]),
    transpose("everything", (1, 4, 3, 3), (4, 1, 3, 2), **EVERYTHING),
    op("Col2Im/apart", normal(2, 8, 6), given([4, 6]), given([2, 2]), opset=18, strides=[2, 2]),
    op("Col2Im/overlapping", normal(1, 6, 16), given([4, 5]), given([2, 3]), opset=18, pads=[0, 1, 1, 0], strides=[1, 1]),
    op("Col2Im/rest", normal(1, 8, 4), given([6, 7]), given([2, 2]), opset=18, strides=[2, 4], dilations=[3, 2]),
]
