"""Resize and its predecessors, with every coordinate mapping, rounding and interpolation that changes the weights."""

from cases import fixed, given, normal, op, uniform


def scaled(form, shape, scales, opset=13, **attributes):
    return op(f"Resize/{form}", normal(*shape), None, given(scales, "float32"), opset=opset, **attributes)


def sized(form, shape, sizes, opset=13, **attributes):
    return op(f"Resize/{form}", normal(*shape), None, None, given(sizes), opset=opset, **attributes)


def sampled(form, shape, grid, opset=20, **attributes):
    return op(f"GridSample/{form}", normal(*shape), uniform(-1.25, 1.25, *grid), opset=opset, **attributes)


IMAGE = (2, 2, 3, 4)

CASES = [
    scaled("nearest", IMAGE, [1, 1, 2, 2], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
    scaled("nearest-half-pixel", IMAGE, [1, 1, 2, 3], mode="nearest"),
    scaled("nearest-ceil", IMAGE, [1, 1, 1.5, 2], mode="nearest", nearest_mode="ceil"),
    scaled("nearest-down", IMAGE, [1, 1, 0.67, 0.5], mode="nearest", nearest_mode="round_prefer_ceil"),
    scaled("linear", IMAGE, [1, 1, 2, 2], mode="linear"),
    scaled("linear-asymmetric", IMAGE, [1, 1, 2, 1.5], mode="linear", coordinate_transformation_mode="asymmetric"),
    scaled("linear-align-corners", IMAGE, [1, 1, 2, 2], mode="linear", coordinate_transformation_mode="align_corners"),
    scaled("linear-down", (1, 2, 6, 4), [1, 1, 0.5, 0.5], mode="linear", coordinate_transformation_mode="pytorch_half_pixel"),
    sized("linear-sizes", IMAGE, [2, 2, 5, 3], mode="linear"),
    sized("linear-sizes-to-one", IMAGE, [2, 2, 1, 4], mode="linear", coordinate_transformation_mode="pytorch_half_pixel"),
    sized("linear-axes", IMAGE, [5, 3], opset=18, mode="linear", axes=[2, 3]),
    scaled("cubic", IMAGE, [1, 1, 2, 2], mode="cubic"),
    scaled("cubic-coefficient", IMAGE, [1, 1, 2, 2], mode="cubic", cubic_coeff_a=-0.5, exclude_outside=1),
    scaled("linear-3d", (1, 2, 5), [1, 1, 2], mode="linear"),
    op(
        "Resize/crop", normal(1, 1, 4, 4), given([0, 0, 0.4, 0.6, 1, 1, 0.6, 1.2], "float32"), None, given([1, 1, 3, 3]), opset=13,
        mode="linear", coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=10.0,
    ),
    sampled("plain", (2, 2, 3, 4), (2, 2, 3, 2)),
    sampled("opset-16", (2, 2, 3, 4), (2, 2, 3, 2), opset=16, mode="bilinear"),
    sampled("aligned", (1, 2, 3, 4), (1, 2, 3, 2), align_corners=1),
    sampled("border", (1, 2, 3, 4), (1, 2, 3, 2), padding_mode="border"),
    sampled("reflection", (1, 2, 3, 4), (1, 2, 3, 2), padding_mode="reflection"),
    sampled("reflection-aligned", (1, 2, 3, 4), (1, 2, 3, 2), padding_mode="reflection", align_corners=1),
    sampled("volume", (1, 2, 2, 3, 3), (1, 2, 2, 2, 3)),
    op("AffineGrid/plain", normal(2, 2, 3), given([2, 1, 2, 3]), opset=20),
    op("AffineGrid/aligned", normal(1, 2, 3), given([1, 1, 3, 2]), opset=20, align_corners=1),
    op("AffineGrid/volume", normal(1, 3, 4), given([1, 1, 2, 3, 2]), opset=20),
    op("GridSample/nearest", normal(1, 2, 3, 4), fixed(uniform(-1.25, 1.25, 1, 2, 3, 2)), opset=20, mode="nearest"),
    op("Resize/opset-10", normal(1, 2, 2, 3), given([1, 1, 2, 2], "float32"), opset=10, mode="nearest"),
    op("Upsample/opset-9", normal(1, 2, 2, 3), given([1, 1, 2, 3], "float32"), opset=9, mode="nearest"),
    op("Upsample/opset-9-linear", normal(1, 2, 2, 3), given([1, 1, 2, 2], "float32"), opset=9, mode="linear"),
]
