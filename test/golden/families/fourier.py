"""Fourier transforms: real and complex, cut and filled up with zeros, along every kind of axis; and of frames."""

from cases import given, normal, op, positive

CASES = [
    op("DFT/real", normal(2, 5, 1), opset=17),
    op("DFT/complex-axis-attribute", normal(2, 3, 4, 2), opset=17, axis=2),
    op("DFT/onesided-cut", normal(2, 7, 1), given(6), opset=17, onesided=1),
    op("DFT/inverse", normal(3, 4, 2), opset=17, inverse=1),
    op("DFT/default-axis", normal(3, 4, 2), opset=20),
    op("DFT/axis-operand-filled", normal(3, 4, 1), given(6), given(0), opset=20),
    op("DFT/onesided-odd", normal(2, 5, 1), None, given(-2), opset=20, onesided=1),
    op("DFT/inverse-onesided", normal(2, 4, 2), opset=20, inverse=1, onesided=1),
    op("DFT/inverse-onesided-odd", normal(2, 4, 2), given(7), opset=20, inverse=1, onesided=1),
    op("STFT/window", normal(2, 14, 1), given(3), positive(6), opset=17),
    op("STFT/both-sides", normal(2, 9), given(2), None, given(4), opset=17, onesided=0),
]
