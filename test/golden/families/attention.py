"""The Attention operator of opset 23."""

import numpy

from cases import fixed, given, normal, op, uniform

HEADS = ((1, 2, 3, 4), (1, 2, 5, 4), (1, 2, 5, 2))
PACKED = ((2, 3, 8), (2, 4, 8), (2, 4, 4))
GROUPED = ((1, 4, 3, 2), (1, 2, 4, 2), (1, 2, 4, 2))
ALLOWED = numpy.tri(3, 5, 2, dtype=bool)


def rotary(form, shape, caches, *positions, **attributes):
    angles = [fixed(uniform(-1, 1, *caches)) for _ in range(2)]
    return op(f"RotaryEmbedding/{form}", normal(*shape), *angles, *positions, opset=23, **attributes)


def attention(form, shapes, *mask, **attributes):
    return op(f"Attention/{form}", *(normal(*s) for s in shapes), *mask, opset=23, **attributes)


CASES = [
    attention("4d", HEADS),
    attention("3d", PACKED, q_num_heads=2, kv_num_heads=2),
    attention("grouped", GROUPED),
    attention("3d-grouped", ((1, 3, 8), (1, 4, 4), (1, 4, 4)), q_num_heads=4, kv_num_heads=2),
    attention("one-key-head", ((1, 3, 2, 2), (1, 1, 3, 2), (1, 1, 3, 2))),
    attention("mask", HEADS, fixed(normal(3, 5))),
    attention("mask-per-head", HEADS, fixed(normal(1, 2, 3, 5))),
    attention("bool-mask", HEADS, given(ALLOWED, "bool")),
    attention("differentiable-mask", HEADS, normal(3, 5)),
    attention("causal", ((1, 2, 4, 3), (1, 2, 4, 3), (1, 2, 4, 3)), is_causal=1),
    attention("causal-more-keys", HEADS, is_causal=1),
    attention("scale", HEADS, scale=0.25),
    attention("softcap", HEADS, softcap=1.5),
    rotary("4d", (2, 2, 3, 4), (5, 2), given([[0, 1, 2], [2, 4, 3]])),
    rotary("interleaved", (2, 2, 3, 4), (5, 2), given([[0, 1, 2], [2, 4, 3]]), interleaved=1),
    rotary("3d-part", (1, 3, 12), (1, 3, 2), num_heads=2, rotary_embedding_dim=4),
]
