"""Operators of ONNX Runtime's own domain, which its optimizer and some exporters write."""

from cases import contrib, fixed, given, normal, uniform

SCALE = uniform(0.5, 1.5, 8)
PADDED = given([[1, 1, 1, 0], [1, 1, 1, 1]], "int32")
LENGTHS = given([3, 4], "int32")
IDS = given([[1, 0, 3], [2, 2, 1]], "int32")
SEGMENTS = given([[0, 1, 1], [0, 0, 1]], "int32")
TABLES = normal(4, 8), normal(5, 8), normal(2, 8)


def conv(form, *more, **attributes):
    return contrib(f"FusedConv/{form}", normal(1, 2, 5, 4), normal(3, 2, 2, 2), normal(3), *more, **attributes)


def gemm(form, **attributes):
    return contrib(f"FusedGemm/{form}", normal(3, 4), normal(4, 2), normal(2), **attributes)


def skip(form, *more, outputs="y", shape=(2, 3, 8), **attributes):
    operands = normal(2, 3, 8), normal(*shape), SCALE
    return contrib(f"SkipLayerNormalization/{form}", *operands, *more, outputs=outputs, **attributes)


def heads(form, *more, outputs="y", keys=(2, 4, 8), values=(2, 4, 4), **attributes):
    operands = normal(2, 3, 8), normal(*keys), normal(*values)
    return contrib(f"MultiHeadAttention/{form}", *operands, *more, num_heads=2, outputs=outputs, **attributes)


def attention(form, *more, width=24, **attributes):
    operands = normal(2, 4, 6), normal(6, width), normal(width)
    return contrib(f"Attention/{form}", *operands, *more, num_heads=2, **attributes)


def grouped(form, *caches, packed=False, size=8, **attributes):
    apart = normal(1, 4, 4 * size), normal(1, 4, 2 * size), normal(1, 4, 2 * size)
    operands = (normal(1, 4, 8 * size), None, None) if packed else apart
    lengths = given([3], "int32"), given(4, "int32")
    return contrib(
        f"GroupQueryAttention/{form}", *operands, None, None, *lengths, *caches, num_heads=4, kv_num_heads=2, outputs="y k v", **attributes
    )


def rotary(form, shape, positions, half=4, **attributes):
    caches = fixed(uniform(-1, 1, 6, half)), fixed(uniform(-1, 1, 6, half))
    return contrib(f"RotaryEmbedding/{form}", normal(*shape), given(positions), *caches, **attributes)


def turning(half):
    return fixed(uniform(-1, 1, 6, half)), fixed(uniform(-1, 1, 6, half))


CASES = [
    contrib("Gelu/plain", normal(2, 5)),
    contrib("BiasGelu/plain", normal(2, 3, 4), normal(4)),
    contrib("FastGelu/plain", normal(2, 5)),
    contrib("FastGelu/bias", normal(2, 3, 4), normal(4)),
    contrib("QuickGelu/plain", normal(2, 5)),
    contrib("QuickGelu/alpha", normal(2, 5), alpha=1.0),
    contrib("FusedMatMul/plain", normal(2, 3, 4), normal(4, 2)),
    contrib("FusedMatMul/alpha-transB", normal(2, 3, 4), normal(2, 2, 4), transB=1, alpha=0.25),
    contrib("FusedMatMul/transA", normal(4, 3), normal(4, 2), transA=1),
    contrib("TransposeMatMul/transB", normal(3, 4), normal(2, 4), transB=1),
    gemm("relu", activation="Relu"),
    gemm("leaky", activation="LeakyRelu", activation_alpha=0.25, alpha=0.5),
    conv("relu", activation="Relu"),
    conv("leaky", activation="LeakyRelu", activation_params=[0.25], pads=[1, 0, 0, 1]),
    conv("clip", activation="Clip", activation_params=[-0.75, 1.25], strides=[2, 1]),
    conv("hard-sigmoid", activation="HardSigmoid", activation_params=[0.25, 0.4]),
    conv("sum", normal(1, 3, 4, 3), activation="Relu"),
    skip("plain", uniform(-1, 1, 8)),
    skip("no-beta"),
    skip("bias", normal(8), normal(8), epsilon=0.1),
    skip("sum", normal(8), outputs="y - - total", output="total"),
    skip("broadcast", normal(8), shape=(1, 3, 8)),
    contrib("SkipSimplifiedLayerNormalization/plain", normal(2, 3, 8), normal(2, 3, 8), SCALE),
    contrib("SkipSimplifiedLayerNormalization/bias", normal(2, 3, 8), normal(2, 3, 8), SCALE, normal(8), epsilon=0.1),
    contrib("EmbedLayerNormalization/plain", IDS, SEGMENTS, *TABLES, SCALE, normal(8), outputs="y mask"),
    contrib("EmbedLayerNormalization/no-segments", IDS, None, *TABLES[:2], None, SCALE, normal(8), outputs="y mask"),
    contrib(
        "EmbedLayerNormalization/positions", IDS, SEGMENTS, *TABLES, SCALE, normal(8), None,
        given([[2, 0, 1], [4, 3, 3]], "int32"), outputs="y mask", epsilon=0.1,
    ),
    heads("plain"),
    heads("bias", normal(20)),
    heads("padding", None, PADDED),
    heads("lengths", None, LENGTHS),
    heads("added", None, None, normal(1, 2, 3, 4)),
    heads("scale", scale=0.25),
    heads("causal", unidirectional=1, keys=(2, 3, 8), values=(2, 3, 4)),
    heads("keys-apart", keys=(2, 2, 4, 4), values=(2, 2, 4, 4)),
    heads("past", None, None, None, normal(2, 2, 3, 4), normal(2, 2, 3, 4), keys=(2, 3, 8), values=(2, 3, 8), outputs="y k v"),
    attention("plain"),
    attention("sizes", width=20, qkv_hidden_sizes=[8, 8, 4]),
    attention("padding", PADDED),
    attention("lengths", LENGTHS),
    attention("causal", unidirectional=1),
    attention("added", None, None, normal(1, 2, 4, 4)),
    attention("scale", scale=0.25),
    grouped("plain"),
    grouped("packed", packed=True),
    grouped("rotary", *turning(8), size=16, do_rotary=1),
    grouped("rotary-interleaved", *turning(8), size=16, do_rotary=1, rotary_interleaved=1),
    grouped("window", local_window_size=2),
    grouped("softcap-scale", softcap=1.5, scale=0.5),
    rotary("positions", (2, 3, 16), [[0, 1, 2], [2, 4, 3]]),
    rotary("offset", (2, 3, 16), [2]),
    rotary("interleaved", (2, 3, 16), [[0, 1, 2], [2, 4, 3]], interleaved=1),
    rotary("heads-apart", (2, 2, 3, 8), [[0, 1, 2], [2, 4, 3]]),
    rotary("part", (2, 3, 16), [[0, 1, 2], [2, 4, 3]], half=2, num_heads=2, rotary_embedding_dim=4),
]
