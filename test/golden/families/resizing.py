"""Resize and its predecessors, with every coordinate mapping, rounding and interpolation that changes the weights."""

from cases import given, normal, op


def scaled(form, shape, scales, opset=13, **attributes):
    return op(f"Resize/{form}", normal(*shape), None, given(scales, "float32"), opset=opset, **attributes)


def sized(form, shape, sizes, opset=13, **attributes):
    return op(f"Resize/{form}", normal(*shape), None, None, given(sizes), opset=opset, **attributes)


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
    op("Resize/opset-10", normal(1, 2, 2, 3), given([1, 1, 2, 2], "float32"), opset=10, mode="nearest"),
    op("Upsample/opset-9", normal(1, 2, 2, 3), given([1, 1, 2, 3], "float32"), opset=9, mode="nearest"),
    op("Upsample/opset-9-linear", normal(1, 2, 2, 3), given([1, 1, 2, 2], "float32"), opset=9, mode="linear"),
]
