"""Pooling."""

from cases import away, normal, op, spaced

PADDED = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}
ASYMMETRIC = {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [0, 1, 2, 0]}
SAME = {"kernel_shape": [2, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"}


def largest(form, *shape, opset=17, **attributes):
    return op(f"MaxPool/{form}", spaced(*shape), opset=opset, **attributes)


def average(form, *shape, opset=17, **attributes):
    return op(f"AveragePool/{form}", normal(*shape), opset=opset, **attributes)


def norm(form, *shape, opset=18, **attributes):
    return op(f"LpPool/{form}", away(*shape), opset=opset, **attributes)


def common(pool):
    return [
        pool("1d", 2, 2, 7, kernel_shape=[3]),
        pool("2d", 2, 2, 5, 4, kernel_shape=[2, 2]),
        pool("3d", 1, 2, 4, 3, 4, kernel_shape=[2, 2, 2], strides=[2, 1, 2]),
        pool("strided", 2, 2, 6, 5, kernel_shape=[2, 2], strides=[2, 2]),
        pool("stride-beyond-kernel", 1, 2, 8, 7, kernel_shape=[2, 2], strides=[3, 3]),
        pool("padded", 2, 2, 5, 5, **PADDED),
        pool("asymmetric-pads", 1, 2, 5, 5, **ASYMMETRIC),
        pool("same-upper", 1, 2, 5, 6, **SAME),
        pool("same-lower", 1, 2, 5, 6, kernel_shape=[2, 3], strides=[2, 2], auto_pad="SAME_LOWER"),
        pool("valid", 1, 2, 5, 6, kernel_shape=[2, 3], strides=[2, 2], auto_pad="VALID"),
    ]


CASES = [
    *common(largest),
    largest("dilated", 1, 2, 7, 6, kernel_shape=[3, 2], dilations=[2, 3]),
    largest("dilated-padded", 1, 2, 7, 6, kernel_shape=[2, 3], dilations=[2, 2], strides=[2, 1], pads=[1, 1, 1, 1]),
    largest("ceil-mode", 1, 2, 6, 5, kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1),
    largest("ceil-mode-padded", 1, 2, 6, 6, ceil_mode=1, **PADDED),
    *common(average),
    average("count-padding", 2, 2, 5, 5, count_include_pad=1, **PADDED),
    average("count-asymmetric-padding", 1, 2, 5, 5, count_include_pad=1, **ASYMMETRIC),
    average("count-same-upper", 1, 2, 5, 6, count_include_pad=1, **SAME),
    average("ceil-mode", 1, 2, 6, 5, opset=19, kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1),
    average("ceil-mode-padded", 1, 2, 6, 6, opset=19, ceil_mode=1, **PADDED),
    average("ceil-mode-count-padding", 1, 2, 6, 6, opset=19, ceil_mode=1, count_include_pad=1, **PADDED),
    average("dilated", 1, 2, 7, 6, opset=19, kernel_shape=[3, 2], dilations=[2, 3]),
    average("dilated-padded", 1, 2, 7, 6, opset=19, kernel_shape=[3, 2], dilations=[2, 2], pads=[1, 1, 1, 1]),
    *common(norm),
    norm("p-1", 1, 2, 5, 4, kernel_shape=[2, 2], p=1),
    norm("p-3", 1, 2, 5, 4, kernel_shape=[2, 2], p=3),
    norm("dilated", 1, 2, 7, 6, kernel_shape=[3, 2], dilations=[2, 3]),
    norm("ceil-mode", 1, 2, 6, 5, kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1),
    op("GlobalLpPool/2d", away(2, 3, 3, 4)),
    op("GlobalLpPool/p-1", away(2, 3, 4), p=1),
    op("GlobalLpPool/p-3", away(2, 3, 4), p=3),
    op("GlobalAveragePool/1d", normal(2, 3, 4)),
    op("GlobalAveragePool/2d", normal(2, 3, 3, 4)),
    op("GlobalAveragePool/3d", normal(1, 2, 2, 3, 2)),
    op("GlobalMaxPool/2d", spaced(2, 3, 3, 4)),
    op("GlobalMaxPool/1d", spaced(2, 3, 4)),
]
