"""The Attention operator of opset 23."""

import numpy
import onnx

from cases import case, fixed, given, normal, op, uniform

HEADS = ((1, 2, 3, 4), (1, 2, 5, 4), (1, 2, 5, 2))
PACKED = ((2, 3, 8), (2, 4, 8), (2, 4, 4))
GROUPED = ((1, 4, 3, 2), (1, 2, 4, 2), (1, 2, 4, 2))
ALLOWED = numpy.tri(3, 5, 2, dtype=bool)


STEP = ((1, 2, 2, 4), (1, 2, 2, 4), (1, 2, 2, 3))
CACHE = normal(1, 2, 3, 4), normal(1, 2, 3, 3)
PACKED_CACHE = normal(2, 2, 3, 4), normal(2, 2, 3, 2)
LENGTHS = ((2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 2))


def rotary(form, shape, caches, *positions, **attributes):
    angles = [fixed(uniform(-1, 1, *caches)) for _ in range(2)]
    return op(f"RotaryEmbedding/{form}", normal(*shape), *angles, *positions, opset=23, **attributes)


def attention(form, shapes, *mask, opset=23, outputs="z", output="z", **attributes):
    operands = dict(zip("q k v mask past_k past_v lengths".split(), [*(normal(*s) for s in shapes), *mask]))
    names = [n if o is not None else "" for n, o in operands.items()]
    made = onnx.helper.make_node("Attention", names, outputs.split(), **attributes)
    present = {n: o for n, o in operands.items() if o is not None}
    return case(f"Attention/{form}", opset, [made], output, **present)


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
    attention("causal-after-past", STEP, None, *CACHE, is_causal=1, outputs="z next_k next_v"),
    attention("past-packed", PACKED, None, *PACKED_CACHE, q_num_heads=2, kv_num_heads=2, outputs="z next_k next_v"),
    attention("past-keys", STEP, None, *CACHE, outputs="z next_k next_v", output="next_k"),
    attention("lengths", LENGTHS, None, None, None, given([3, 5]), opset=24),
    attention("softcap", HEADS, softcap=1.5),
    rotary("4d", (2, 2, 3, 4), (5, 2), given([[0, 1, 2], [2, 4, 3]])),
    rotary("interleaved", (2, 2, 3, 4), (5, 2), given([[0, 1, 2], [2, 4, 3]]), interleaved=1),
    rotary("3d-part", (1, 3, 12), (1, 3, 2), num_heads=2, rotary_embedding_dim=4),
]
