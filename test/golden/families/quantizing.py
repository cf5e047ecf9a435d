"""Quantized activations, whose derivatives go straight through within the range of the integers."""

from dataclasses import replace

from cases import case, given, node, normal


def pair(form, *shape, scale, zero_point, dtype, opset=17, **attributes):
    nodes = [
        node("QuantizeLinear", "x scale zero", "q", **attributes),
        node("DequantizeLinear", "q scale zero", "d", **attributes),
        # Something smooth behind it, for a second derivative.
        node("Mul", "d d", "y"),
    ]
    operands = {"x": normal(*shape), "scale": given(scale, "float32"), "zero": given(zero_point, dtype)}
    return replace(case(f"QuantizeLinear/{form}", opset, nodes, **operands), stepped=True)


CASES = [
    # A third of the values or so is beyond each range.
    pair("int8", 3, 8, scale=0.0078125, zero_point=3, dtype="int8"),
    pair("uint8", 3, 8, scale=0.0117, zero_point=128, dtype="uint8"),
    pair("uint8-relu", 3, 8, scale=0.0078125, zero_point=0, dtype="uint8"),
    pair("int16", 3, 8, scale=3e-5, zero_point=0, dtype="int16", opset=21),
    pair("per-channel", 2, 3, 4, scale=[0.004, 0.008, 0.012], zero_point=[0, 5, -5], dtype="int8", axis=1),
    pair("per-channel-last", 2, 3, scale=[0.004, 0.008, 0.012], zero_point=[0, 5, -5], dtype="int8", axis=-1),
]
