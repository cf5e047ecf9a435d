"""A small ONNX interpreter on PyTorch: the oracle behind the golden files.

Every operator is a Python function whose positional arguments are the ONNX inputs and whose keyword arguments are the
ONNX attributes. Operands that moved from attribute to input over the opsets (axes, pads, split) therefore need one
definition only. Floating point is float64 throughout, so that the numbers can judge a float32 engine, and every result
can be differentiated as often as PyTorch can.
"""

import inspect
import math
from dataclasses import dataclass
from functools import reduce

import numpy
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

# Where the hardware is unsupported, this library says so once for every convolution.
torch.backends.nnpack.set_flags(False)

OPERATORS = {}
FLOATS = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16}
OTHERS = {TensorProto.INT64: torch.int64, TensorProto.INT32: torch.int32, TensorProto.BOOL: torch.bool}


@dataclass(frozen=True)
class Context:
    """What an operator may depend on besides its operands."""

    opset: int
    outputs: int


def tensor(array):
    """Converts an array; floating point widens to float64."""
    array = numpy.asarray(array)
    return torch.tensor(array, dtype=torch.float64 if array.dtype.kind == "f" else None)


def run(nodes, opset, values):
    """Evaluates nodes in order and returns all values by name; values holds inputs and constants."""
    values = dict(values)
    for node in nodes:
        if node.output[0] in values:
            continue
        domain = "" if node.domain in ("", "ai.onnx") else f"{node.domain}."
        function = OPERATORS[domain + node.op_type]
        operands = [values[name] if name else None for name in node.input]
        attributes = {a.name: attribute(a) for a in node.attribute}
        if inspect.isfunction(function) and "context" in inspect.signature(function).parameters:
            attributes["context"] = Context(opset, len(node.output))
        results = function(*operands, **attributes)
        values.update(zip(node.output, results if isinstance(results, (list, tuple)) else [results]))
    return values


def attribute(a):
    value = helper.get_attribute_value(a)
    if isinstance(value, bytes):
        return value.decode()
    return tensor(numpy_helper.to_array(value)) if isinstance(value, TensorProto) else value


def without_defaults(node, opset):
    """Exporters write out attributes that the operators here need not know, as long as they have their defaults."""
    if node.domain not in ("", "ai.onnx"):
        return node
    known = onnx.defs.get_schema(node.op_type, opset, "").attributes
    kept = [a for a in node.attribute if a.name not in known or known[a.name].default_value != a]
    plain = onnx.NodeProto()
    plain.CopyFrom(node)
    plain.ClearField("attribute")
    plain.attribute.extend(kept)
    return plain


class Model:
    """An ONNX file. Its parameters are all floating point constants of two elements or more but running statistics."""

    def __init__(self, path):
        model = onnx.load(path)
        self.opset = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
        self.nodes = [without_defaults(node, self.opset) for node in model.graph.node]
        self.constants = {i.name: tensor(numpy_helper.to_array(i)) for i in model.graph.initializer}
        for node in self.nodes:
            if node.op_type == "Constant":
                self.constants[node.output[0]] = OPERATORS["Constant"](**{a.name: attribute(a) for a in node.attribute})
        self.dequantize()
        self.inputs = [i.name for i in model.graph.input if i.name not in self.constants]
        self.outputs = [o.name for o in model.graph.output]
        statistics = {name for n in self.nodes if n.op_type == "BatchNormalization" for name in n.input[3:5]}
        self.parameters = {
            name: value
            for name, value in self.constants.items()
            if value.is_floating_point() and value.numel() > 1 and name not in statistics
        }

    def dequantize(self):
        """Makes float constants of quantized ones, named as the weights were before."""
        for node in [n for n in self.nodes if n.op_type == "DequantizeLinear"]:
            if all(name in self.constants for name in node.input):
                attributes = {a.name: attribute(a) for a in node.attribute}
                # Weights are float32 numbers, as a runtime makes them.
                value = dequantize_linear(*(self.constants[name] for name in node.input), **attributes).float().double()
                name = node.input[0].removesuffix("_quantized")
                self.constants[name] = value
                self.nodes.remove(node)
                for other in self.nodes:
                    renamed = [name if i == node.output[0] else i for i in other.input]
                    other.ClearField("input")
                    other.input.extend(renamed)

    def __call__(self, inputs, parameters=None):
        return run(self.nodes, self.opset, {**self.constants, **inputs, **(parameters or {})})[self.outputs[0]]

    def layers(self):
        """The weights of Conv, Gemm, MatMul and Gather, read directly or through nodes that only alias or transpose."""
        source, found = {name: name for name in self.parameters}, []
        for node in self.nodes:
            if node.op_type in ("Identity", "Transpose") and node.input[0] in source:
                source[node.output[0]] = source[node.input[0]]
            if node.op_type.removeprefix("Fused") in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
                found += [source[name] for name in node.input if name in source]
            if node.op_type == "Gather":
                found += [source[name] for name in node.input[:1] if name in source]
        return [name for name in dict.fromkeys(found) if self.parameters[name].dim() >= 2]


def operator(*names):
    def register(function):
        for name in names:
            OPERATORS[name] = function
        return function

    return register


def per_channel(x, value, axis):
    return value.reshape([-1 if i == axis % x.dim() else 1 for i in range(x.dim())]) if value.numel() > 1 else value


@operator("QuantizeLinear")
def quantize_linear(x, scale, zero_point, *, axis=1):
    """The integers as float64; derivatives go straight through where nothing is saturated."""
    limits = torch.iinfo(zero_point.dtype)
    scale, zero_point = per_channel(x, scale, axis), per_channel(x, zero_point, axis).double()
    # A runtime divides in float32.
    steps = torch.round(x.detach().float() / scale.float()).double() + zero_point
    inside = torch.where((steps >= limits.min) & (steps <= limits.max), x / scale, 0)
    return inside + (steps.clamp(limits.min, limits.max) - inside).detach()


@operator("DequantizeLinear")
def dequantize_linear(x, scale, zero_point, *, axis=1):
    return (x.double() - per_channel(x, zero_point, axis).double()) * per_channel(x, scale, axis)


def ints(value):
    return value.reshape(-1).tolist() if torch.is_tensor(value) else list(value)


def number(value, default):
    """A scalar operand or attribute; an operand that is left out is None."""
    return default if value is None else value.item() if torch.is_tensor(value) else value


# Elementwise

OPERATORS.update(
    Identity=lambda x: x,
    Relu=torch.relu,
    Sigmoid=torch.sigmoid,
    Tanh=torch.tanh,
    Erf=torch.erf,
    Exp=torch.exp,
    Log=torch.log,
    Sqrt=torch.sqrt,
    Reciprocal=torch.reciprocal,
    Neg=torch.neg,
    Abs=torch.abs,
    Sin=torch.sin,
    Cos=torch.cos,
    Tan=torch.tan,
    Asin=torch.asin,
    Acos=torch.acos,
    Atan=torch.atan,
    Sinh=torch.sinh,
    Cosh=torch.cosh,
    Asinh=torch.asinh,
    Acosh=torch.acosh,
    Atanh=torch.atanh,
    Shrink=lambda x, lambd=0.5, bias=0.0: torch.where(x.abs() > lambd, x - bias * x.sign(), torch.zeros_like(x)),
    CastLike=lambda x, like: x.to(like.dtype),
    Softplus=lambda x: torch.logaddexp(x, torch.zeros_like(x)),
    Swish=lambda x, alpha=1.0: x * torch.sigmoid(alpha * x),
    Softsign=lambda x: x / (1 + x.abs()),
    Mish=lambda x: x * torch.tanh(F.softplus(x)),
    HardSwish=lambda x: x * torch.clamp(x / 6 + 0.5, 0, 1),
    Gelu=lambda x, approximate="none": F.gelu(x, approximate=approximate),
    Elu=lambda x, alpha=1.0: torch.where(x > 0, x, alpha * torch.expm1(x)),
    Selu=lambda x, alpha=1.67326319217681884765625, gamma=1.05070102214813232421875: gamma
    * torch.where(x > 0, x, alpha * torch.expm1(x)),
    Celu=lambda x, alpha=1.0: torch.where(x > 0, x, alpha * torch.expm1(x / alpha)),
    LeakyRelu=lambda x, alpha=0.01: torch.where(x > 0, x, alpha * x),
    ThresholdedRelu=lambda x, alpha=1.0: torch.where(x > alpha, x, torch.zeros_like(x)),
    HardSigmoid=lambda x, alpha=0.2, beta=0.5: torch.clamp(alpha * x + beta, 0, 1),
    PRelu=lambda x, slope: torch.where(x > 0, x, slope * x),
    Dropout=lambda x, ratio=0.5, training_mode=None, seed=None: x,
)


@operator("Clip")
def clip(x, min=None, max=None):
    # Bounds that are differentiated get their share of the derivative.
    if torch.is_tensor(min) and min.requires_grad:
        return torch.minimum(torch.maximum(x, min), max)
    return torch.clamp(x, number(min, -math.inf), number(max, math.inf))


@operator("Cast")
def cast(x, *, to, saturate=1):
    # Every floating point type is carried as float64, so casts among them are exact and keep the gradient.
    return x.to(torch.float64 if to in FLOATS else OTHERS[to])


# Arithmetic

OPERATORS.update(
    Add=torch.add,
    Sub=torch.sub,
    Mul=torch.mul,
    Div=lambda a, b: a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc"),
    Pow=lambda a, b: torch.pow(a, b.to(a.dtype)),
    Max=lambda *x: reduce(torch.maximum, x),
    Min=lambda *x: reduce(torch.minimum, x),
    Sum=lambda *x: reduce(torch.add, x),
    Mean=lambda *x: reduce(torch.add, x) / len(x),
    Mod=lambda a, b, fmod=0: torch.fmod(a, b) if fmod else torch.remainder(a, b),
    Where=torch.where,
    Equal=torch.eq,
    Greater=torch.gt,
    GreaterOrEqual=torch.ge,
    Less=torch.lt,
    LessOrEqual=torch.le,
    And=torch.logical_and,
    Or=torch.logical_or,
    Not=torch.logical_not,
    IsNaN=torch.isnan,
    Range=lambda start, limit, delta: torch.arange(start.item(), limit.item(), delta.item(), dtype=start.dtype),
)


# Linear algebra

OPERATORS["MatMul"] = torch.matmul


@operator("Einsum")
def einsum(*x, equation):
    return torch.einsum(equation, *x)


@operator("Gemm")
def gemm(a, b, c=None, *, alpha=1.0, beta=1.0, transA=0, transB=0):
    y = alpha * (a.T if transA else a) @ (b.T if transB else b)
    return y if c is None else y + beta * c


# Convolution and pooling


def window(sizes, kernel, strides, pads, dilations, auto_pad, ceil_mode=0):
    """Fills in the defaults of a sliding window; also how far a rounded-up last window reaches beyond the padding."""
    rank = len(kernel)
    strides, dilations, pads = strides or [1] * rank, dilations or [1] * rank, pads or [0] * 2 * rank
    before, after = pads[:rank], pads[rank:]
    extents = [d * (k - 1) + 1 for d, k in zip(dilations, kernel)]
    if auto_pad.startswith("SAME"):
        totals = [max((-(-n // s) - 1) * s + e - n, 0) for n, s, e in zip(sizes, strides, extents)]
        small, large = [t // 2 for t in totals], [t - t // 2 for t in totals]
        before, after = (small, large) if auto_pad == "SAME_UPPER" else (large, small)
    beyond = [0] * rank
    for i in range(rank if ceil_mode else 0):
        steps = -(-(sizes[i] + before[i] + after[i] - extents[i]) // strides[i])
        # A window that would start in the padding behind the data is left out.
        steps -= steps * strides[i] >= sizes[i] + before[i]
        beyond[i] = max(steps * strides[i] + extents[i] - sizes[i] - before[i] - after[i], 0)
    return strides, dilations, before, after, beyond


def surround(x, before, after, value=0.0):
    """Pads the last axes with a constant."""
    return F.pad(x, [n for pair in zip(reversed(before), reversed(after)) for n in pair], value=value)


@operator("Conv")
def conv(x, w, b=None, *, strides=None, pads=None, dilations=None, group=1, auto_pad="NOTSET", kernel_shape=None):
    kernel = list(w.shape[2:])
    strides, dilations, before, after, _ = window(x.shape[2:], kernel, strides, pads, dilations, auto_pad)
    function = (F.conv1d, F.conv2d, F.conv3d)[len(kernel) - 1]
    return function(surround(x, before, after), w, b, strides, 0, dilations, group)


@operator("ConvTranspose")
def conv_transpose(
    x, w, b=None, *, strides=None, pads=None, dilations=None, group=1, output_padding=None, kernel_shape=None
):
    kernel = list(w.shape[2:])
    strides, dilations, before, after, _ = window(x.shape[2:], kernel, strides, pads, dilations, "NOTSET")
    function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[len(kernel) - 1]
    y = function(x, w, b, strides, 0, output_padding or 0, group, dilations)
    return surround(y, [-n for n in before], [-n for n in after])


def windows(x, kernel, strides, dilations):
    """Views x as its windows: the last axes become all output positions, and then all kernel positions."""
    rank = len(kernel)
    for i in range(rank):
        axis = 2 + i
        starts = torch.arange(0, x.shape[axis] - dilations[i] * (kernel[i] - 1), strides[i])
        index = starts[:, None] + torch.arange(kernel[i]) * dilations[i]
        x = torch.movedim(x.index_select(axis, index.reshape(-1)).unflatten(axis, index.shape), axis + 1, -1)
    return x


@operator("Col2Im")
def col2im(x, image, block, *, strides=None, dilations=None, pads=None):
    """Of images with pads that may differ at both ends: folded into the padded image, which is then cut."""
    rank = len(block)
    strides, dilations, pads = strides or [1] * rank, dilations or [1] * rank, pads or [0] * 2 * rank
    padded = [s + p + q for s, p, q in zip(image.tolist(), pads[:rank], pads[rank:])]
    whole = F.fold(x, padded, block.tolist(), dilations, 0, strides)
    return whole[..., pads[0] : padded[0] - pads[2], pads[1] : padded[1] - pads[3]]


@operator("MaxPool")
def max_pool(x, *, kernel_shape, strides=None, pads=None, dilations=None, auto_pad="NOTSET", ceil_mode=0):
    strides, dilations, before, after, beyond = window(
        x.shape[2:], kernel_shape, strides, pads, dilations, auto_pad, ceil_mode
    )
    after = [a + b for a, b in zip(after, beyond)]
    padded = surround(x, before, after, -math.inf)
    return windows(padded, kernel_shape, strides, dilations).amax(tuple(range(-len(kernel_shape), 0)))


@operator("AveragePool")
def average_pool(
    x, *, kernel_shape, strides=None, pads=None, dilations=None, auto_pad="NOTSET", ceil_mode=0, count_include_pad=0
):
    strides, dilations, before, after, beyond = window(
        x.shape[2:], kernel_shape, strides, pads, dilations, auto_pad, ceil_mode
    )
    # Padding counts when asked for, but the overhang of a rounded-up last window never does.
    counted = surround(torch.ones_like(x.detach()), before, after, float(count_include_pad))
    none, axes = [0] * len(beyond), tuple(range(-len(kernel_shape), 0))
    total, count = (
        windows(surround(t, none, beyond), kernel_shape, strides, dilations).sum(axes)
        for t in (surround(x, before, after), counted)
    )
    return total / count


@operator("LpPool")
def lp_pool(x, *, kernel_shape, p=2, strides=None, pads=None, dilations=None, auto_pad="NOTSET", ceil_mode=0):
    strides, dilations, before, after, beyond = window(
        x.shape[2:], kernel_shape, strides, pads, dilations, auto_pad, ceil_mode
    )
    padded = surround(x.abs() ** p, before, [a + b for a, b in zip(after, beyond)])
    return windows(padded, kernel_shape, strides, dilations).sum(tuple(range(-len(kernel_shape), 0))) ** (1 / p)


OPERATORS.update(
    GlobalLpPool=lambda x, p=2: (x.abs() ** p).sum(tuple(range(2, x.dim())), keepdim=True) ** (1 / p),
    GlobalAveragePool=lambda x: x.mean(tuple(range(2, x.dim())), keepdim=True),
    GlobalMaxPool=lambda x: x.amax(tuple(range(2, x.dim())), keepdim=True),
)


# Normalization


def along(vector, x):
    """Shapes a vector over the channels of x."""
    return vector.reshape([-1] + [1] * (x.dim() - 2))


def standardize(x, axes, epsilon):
    centred = x - x.mean(axes, keepdim=True)
    return centred / torch.sqrt(centred.square().mean(axes, keepdim=True) + epsilon)


@operator("BatchNormalization")
def batch_normalization(x, scale, bias, mean, variance, *, epsilon=1e-5, momentum=0.9, spatial=1, training_mode=0):
    if training_mode:
        raise NotImplementedError("BatchNormalization in training mode")
    if not spatial:
        return (x - mean) / torch.sqrt(variance + epsilon) * scale + bias
    return (x - along(mean, x)) / torch.sqrt(along(variance, x) + epsilon) * along(scale, x) + along(bias, x)


@operator("InstanceNormalization")
def instance_normalization(x, scale, bias, *, epsilon=1e-5):
    return standardize(x, tuple(range(2, x.dim())), epsilon) * along(scale, x) + along(bias, x)


@operator("LayerNormalization")
def layer_normalization(x, scale, bias=None, *, axis=-1, epsilon=1e-5, stash_type=1):
    y = standardize(x, tuple(range(axis % x.dim(), x.dim())), epsilon) * scale
    return y if bias is None else y + bias


@operator("GroupNormalization")
def group_normalization(x, scale, bias, *, num_groups, epsilon=1e-5, stash_type=1):
    # Before opset 21, scale and bias have an entry per group.
    scale, bias = (t.repeat_interleave(x.shape[1] // t.numel()) for t in (scale, bias))
    grouped = standardize(x.reshape(x.shape[0], num_groups, -1), (2,), epsilon)
    return grouped.reshape(x.shape) * along(scale, x) + along(bias, x)


@operator("MeanVarianceNormalization")
def mean_variance_normalization(x, *, axes=(0, 2, 3)):
    centred = x - x.mean(axes, keepdim=True)
    return centred / (centred.square().mean(axes, keepdim=True).sqrt() + 1e-9)


@operator("LpNormalization")
def lp_normalization(x, *, axis=-1, p=2):
    return x / (x.abs() ** p).sum(axis, keepdim=True) ** (1 / p)


@operator("RMSNormalization", "SimplifiedLayerNormalization")
def rms_normalization(x, scale, *, axis=-1, epsilon=1e-5, stash_type=1):
    axes = tuple(range(axis % x.dim(), x.dim()))
    return x / torch.sqrt(x.square().mean(axes, keepdim=True) + epsilon) * scale


@operator("LRN")
def local_response_normalization(x, *, size, alpha=1e-4, beta=0.75, bias=1.0):
    channels = x.shape[1]
    squares = F.pad(x.square(), [0, 0] * (x.dim() - 2) + [(size - 1) // 2, size // 2])
    total = sum(squares.narrow(1, i, channels) for i in range(size))
    return x / (bias + alpha / size * total) ** beta


@operator("Softmax")
def softmax(x, *, axis=None, context):
    if context.opset >= 13:
        return torch.softmax(x, -1 if axis is None else axis)
    # Before opset 13, all axes from the given one on form one distribution.
    axis = (1 if axis is None else axis) % x.dim()
    return torch.softmax(x.flatten(axis), -1).reshape(x.shape)


@operator("LogSoftmax")
def log_softmax(x, *, axis=None, context):
    if context.opset >= 13:
        return torch.log_softmax(x, -1 if axis is None else axis)
    axis = (1 if axis is None else axis) % x.dim()
    return torch.log_softmax(x.flatten(axis), -1).reshape(x.shape)


# Movement


@operator("DFT")
def dft(x, length=None, axis=None, *, inverse=0, onesided=0, context):
    # An attribute before operator set 20, then an operand.
    axis = (1 if context.opset < 20 else -2) if axis is None else int(axis)
    axis %= x.dim()
    parts = torch.view_as_complex(x.contiguous()) if x.shape[-1] == 2 else x.squeeze(-1)
    n = None if length is None else length.item()
    if inverse and onesided:
        return torch.fft.irfft(parts, n, axis).unsqueeze(-1)
    transform = torch.fft.ifft if inverse else torch.fft.rfft if onesided else torch.fft.fft
    return torch.view_as_real(transform(parts, n, axis))


@operator("STFT")
def stft(x, step, window=None, length=None, *, onesided=1):
    x = x.reshape(x.shape[:2])
    size = window.numel() if window is not None else length.item()
    frames = x.unfold(1, size, step.item())
    frames = frames if window is None else frames * window
    return torch.view_as_real((torch.fft.rfft if onesided else torch.fft.fft)(frames))


@operator("Constant")
def constant(*, value=None, value_float=None, value_floats=None, value_int=None, value_ints=None):
    given = [v for v in (value_float, value_floats, value_int, value_ints) if v is not None]
    return value if value is not None else tensor(given[0])


@operator("ConstantOfShape")
def constant_of_shape(shape, *, value=None):
    value = torch.zeros(1, dtype=torch.float64) if value is None else value
    return value.reshape(()).expand(ints(shape)).clone()


@operator("Shape")
def shape(x, *, start=0, end=None):
    return torch.tensor(list(x.shape)[start:end], dtype=torch.int64)


@operator("Reshape")
def reshape(x, target, *, allowzero=0):
    return x.reshape([x.shape[i] if n == 0 and not allowzero else n for i, n in enumerate(ints(target))])


@operator("Flatten")
def flatten(x, *, axis=1):
    axis += x.dim() * (axis < 0)
    return x.reshape(math.prod(x.shape[:axis]), -1)


@operator("Transpose")
def transpose(x, *, perm=None):
    return x.permute(perm or list(range(x.dim()))[::-1])


@operator("Squeeze")
def squeeze(x, axes=None):
    removed = [i for i, n in enumerate(x.shape) if n == 1] if axes is None else [a % x.dim() for a in ints(axes)]
    return x.reshape([n for i, n in enumerate(x.shape) if i not in removed])


@operator("Unsqueeze")
def unsqueeze(x, axes):
    rank = x.dim() + len(ints(axes))
    for axis in sorted(a % rank for a in ints(axes)):
        x = x.unsqueeze(axis)
    return x


@operator("Concat")
def concat(*x, axis):
    return torch.cat(x, axis)


@operator("Split")
def split(x, sizes=None, *, split=None, axis=0, num_outputs=None, context):
    sizes = split if sizes is None else ints(sizes)
    if sizes is None:
        length, parts = x.shape[axis], num_outputs or context.outputs
        chunk = -(-length // parts)
        sizes = [chunk] * (parts - 1) + [length - chunk * (parts - 1)]
    return torch.split(x, sizes, axis)


@operator("Slice")
def slice_(x, starts, ends, axes=None, steps=None):
    starts, ends = ints(starts), ints(ends)
    axes = range(len(starts)) if axes is None else ints(axes)
    steps = [1] * len(starts) if steps is None else ints(steps)
    for start, end, axis, step in zip(starts, ends, axes, steps):
        length = x.shape[axis]
        # Counting down, an end before the first element cannot be written as a Python index, so it becomes None.
        index = range(length)[start : None if step < 0 and end < -length else end : step]
        x = x.index_select(axis, torch.tensor(index, dtype=torch.int64))
    return x


@operator("Gather")
def gather(x, indices, *, axis=0):
    axis %= x.dim()
    index = indices.long() % x.shape[axis]
    return x.index_select(axis, index.reshape(-1)).reshape([*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]])


@operator("GatherElements")
def gather_elements(x, indices, *, axis=0):
    return torch.gather(x, axis, indices.long() % x.shape[axis])


@operator("GatherND")
def gather_nd(x, indices, *, batch_dims=0):
    if batch_dims:
        return torch.stack([gather_nd(a, i, batch_dims=batch_dims - 1) for a, i in zip(x, indices)])
    return x[tuple(indices.long().unbind(-1))]


@operator("TopK")
def top_k(x, k, *, axis=-1, largest=1, sorted=1):
    return torch.topk(x, int(k), axis, bool(largest), bool(sorted))


@operator("Compress")
def compress(x, condition, *, axis=None):
    x, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
    return x.index_select(axis, condition.nonzero().reshape(-1))


@operator("ReverseSequence")
def reverse_sequence(x, lengths, *, batch_axis=1, time_axis=0):
    rows = x.movedim((batch_axis, time_axis), (0, 1))
    turned = [torch.cat([r[:n].flip(0), r[n:]]) for r, n in zip(rows, ints(lengths))]
    return torch.stack(turned).movedim((0, 1), (batch_axis, time_axis))


@operator("CenterCropPad")
def center_crop_pad(x, target, *, axes=None):
    for axis, size in zip(range(x.dim()) if axes is None else axes, ints(target)):
        length = x.shape[axis]
        if size <= length:
            x = x.narrow(axis, (length - size) // 2, size)
        else:
            before = (size - length) // 2
            x = F.pad(x.movedim(axis, -1), [before, size - length - before]).movedim(-1, axis)
    return x


@operator("ScatterND")
def scatter_nd(x, indices, updates, *, reduction="none"):
    return x.index_put(tuple(indices.long().unbind(-1)), updates, accumulate=reduction == "add")


@operator("ScatterElements", "Scatter")
def scatter_elements(x, indices, updates, *, axis=0, reduction="none"):
    index = indices.long() % x.shape[axis]
    return x.scatter_add(axis, index, updates) if reduction == "add" else x.scatter(axis, index, updates)


@operator("Trilu")
def trilu(x, k=None, *, upper=1):
    return (torch.triu if upper else torch.tril)(x, int(number(k, 0)))


@operator("CumSum")
def cumulative_sum(x, axis, *, exclusive=0, reverse=0):
    axis = int(axis)
    y = x.flip(axis).cumsum(axis).flip(axis) if reverse else x.cumsum(axis)
    return y - x if exclusive else y


@operator("Expand")
def expand(x, target):
    return x.expand(torch.broadcast_shapes(x.shape, ints(target)))


@operator("Tile")
def tile(x, repeats):
    return x.repeat(ints(repeats))


@operator("Pad")
def pad(x, pads, value=0.0, axes=None, *, mode="constant"):
    pads = ints(pads)
    axes = range(x.dim()) if axes is None else ints(axes)
    for axis, before, after in zip(axes, pads[: len(pads) // 2], pads[len(pads) // 2 :]):
        if mode == "constant":
            moved = F.pad(x.movedim(axis, -1), [before, after], value=number(value, 0.0))
            x = moved.movedim(-1, axis)
        else:
            index = numpy.pad(numpy.arange(x.shape[axis]), (before, after), mode=mode)
            x = x.index_select(axis, torch.from_numpy(index))
    return x


def resize_coordinates(mode, length, count, scale):
    o = numpy.arange(count, dtype=numpy.float64)
    if mode == "asymmetric":
        return o / scale
    if mode == "align_corners":
        return o * (length - 1) / (count - 1) if count > 1 else o * 0
    if mode == "pytorch_half_pixel" and count == 1:
        return o * 0
    if mode == "half_pixel_symmetric":
        return length / 2 * (1 - count / (scale * length)) + (o + 0.5) / scale - 0.5
    if mode in ("half_pixel", "pytorch_half_pixel"):
        return (o + 0.5) / scale - 0.5
    raise NotImplementedError(f"Resize with coordinates {mode}")


NEAREST = {
    "round_prefer_floor": lambda c: numpy.ceil(c - 0.5),
    "round_prefer_ceil": lambda c: numpy.floor(c + 0.5),
    "floor": numpy.floor,
    "ceil": numpy.ceil,
}


def resize_matrix(length, count, scale, mode, coordinates, nearest_mode, a, exclude_outside):
    """Weights of the `length` elements in each of the `count` that they are resized to."""
    matrix = numpy.zeros((count, length))
    for row, c in zip(matrix, resize_coordinates(coordinates, length, count, scale)):
        if mode == "nearest":
            taps = {NEAREST[nearest_mode](c): 1.0}
        elif mode == "linear":
            c = min(max(c, 0.0), length - 1.0)
            taps = {numpy.floor(c): 1 - c % 1, numpy.floor(c) + 1: c % 1}
        else:
            r = c - numpy.floor(c)
            near = lambda t: (a + 2) * t**3 - (a + 3) * t**2 + 1
            far = lambda t: a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a
            taps = dict(zip(numpy.floor(c) + [-1, 0, 1, 2], [far(1 + r), near(r), near(1 - r), far(2 - r)]))
            if exclude_outside:
                taps = {i: w for i, w in taps.items() if 0 <= i < length}
                taps = {i: w / sum(taps.values()) for i, w in taps.items()}
        for i, weight in taps.items():
            row[int(min(max(i, 0), length - 1))] += weight
    return torch.from_numpy(matrix)


def cropped(x, roi, sizes, outside):
    """Linear interpolation between the ends that the region gives as shares of each axis; nothing lies beyond the data."""
    beyond = torch.zeros(sizes, dtype=torch.bool)
    for axis, (count, start, end) in enumerate(zip(sizes, roi[: x.dim()].tolist(), roi[x.dim() :].tolist())):
        length = x.shape[axis]
        c = start * (length - 1) + numpy.arange(count) * ((end - start) * (length - 1) / max(count - 1, 1))
        matrix, hidden = numpy.zeros((count, length)), (c < 0) | (c > length - 1)
        for row, at in zip(matrix, c.clip(0, length - 1)):
            row[int(at)] += 1 - at % 1
            row[min(int(at) + 1, length - 1)] += at % 1
        x = torch.movedim(torch.movedim(x, axis, -1) @ torch.from_numpy(matrix).T, -1, axis)
        beyond = beyond | torch.from_numpy(hidden).reshape([-1 if i == axis else 1 for i in range(x.dim())])
    return torch.where(beyond, torch.tensor(outside, dtype=x.dtype), x)


@operator("Resize")
def resize(
    x, roi=None, scales=None, sizes=None, *, mode="nearest", coordinate_transformation_mode="half_pixel",
    nearest_mode="round_prefer_floor", cubic_coeff_a=-0.75, exclude_outside=0, axes=None, extrapolation_value=0.0,
):
    axes = range(x.dim()) if axes is None else axes
    if coordinate_transformation_mode == "tf_crop_and_resize":
        return cropped(x, roi, ints(sizes), extrapolation_value)
    if scales is None and sizes is None:
        scales, coordinate_transformation_mode, nearest_mode = roi, "asymmetric", "floor"  # opset 10 had no roi
    if sizes is not None:
        targets = [(axis, size, size / x.shape[axis]) for axis, size in zip(axes, ints(sizes))]
    else:
        targets = [(axis, int(x.shape[axis] * s), s) for axis, s in zip(axes, scales.tolist())]
    for axis, count, scale in targets:
        if scale != 1:
            weights = resize_matrix(
                x.shape[axis], count, scale, mode, coordinate_transformation_mode, nearest_mode, cubic_coeff_a, exclude_outside
            )
            x = torch.movedim(torch.movedim(x, axis, -1) @ weights.T, -1, axis)
    return x


@operator("Upsample")
def upsample(x, scales, *, mode="nearest"):
    return resize(x, scales=scales, mode=mode, coordinate_transformation_mode="asymmetric", nearest_mode="floor")


@operator("GridSample")
def grid_sample(x, grid, *, mode="linear", padding_mode="zeros", align_corners=0):
    mode = {"linear": "bilinear", "cubic": "bicubic"}.get(mode, mode)
    return F.grid_sample(x, grid, mode, padding_mode, bool(align_corners))


@operator("AffineGrid")
def affine_grid(theta, size, *, align_corners=0):
    return F.affine_grid(theta, ints(size), bool(align_corners))


@operator("DepthToSpace")
def depth_to_space(x, *, blocksize, mode="DCR"):
    n, c, h, w = x.shape
    if mode == "DCR":
        y = x.reshape(n, blocksize, blocksize, -1, h, w).permute(0, 3, 4, 1, 5, 2)
    else:
        y = x.reshape(n, -1, blocksize, blocksize, h, w).permute(0, 1, 4, 2, 5, 3)
    return y.reshape(n, -1, h * blocksize, w * blocksize)


@operator("SpaceToDepth")
def space_to_depth(x, *, blocksize):
    n, c, h, w = x.shape
    y = x.reshape(n, c, h // blocksize, blocksize, w // blocksize, blocksize).permute(0, 3, 5, 1, 2, 4)
    return y.reshape(n, -1, h // blocksize, w // blocksize)


# Reductions


def reduction(name, function):
    @operator(name)
    def reduced(x, axes=None, *, keepdims=1, noop_with_empty_axes=0):
        axes = [] if axes is None else ints(axes)
        if not axes and noop_with_empty_axes:
            # The steps around the reduction remain: a sum of squares over no axes is the square.
            return function(x.unsqueeze(-1), (-1,), keepdim=False)
        return function(x, tuple(axes or range(x.dim())), keepdim=bool(keepdims))


reduction("ReduceSum", torch.sum)
reduction("ReduceMean", torch.mean)
reduction("ReduceMax", torch.amax)
reduction("ReduceMin", torch.amin)
def product(x, axes, keepdim):
    for axis in sorted((a % x.dim() for a in axes), reverse=True):
        x = x.prod(axis, keepdim=keepdim)
    return x


reduction("ReduceProd", product)
reduction("ReduceL1", lambda x, axes, keepdim: x.abs().sum(axes, keepdim=keepdim))
reduction("ReduceLogSum", lambda x, axes, keepdim: x.sum(axes, keepdim=keepdim).log())
reduction("ReduceL2", lambda x, axes, keepdim: x.square().sum(axes, keepdim=keepdim).sqrt())
reduction("ReduceSumSquare", lambda x, axes, keepdim: x.square().sum(axes, keepdim=keepdim))
reduction("ReduceLogSumExp", torch.logsumexp)


# Attention


@operator("RotaryEmbedding")
def rotary_embedding(x, cos, sin, positions=None, *, interleaved=0, num_heads=None, rotary_embedding_dim=0):
    packed = x.dim() == 3
    if packed:
        x = x.unflatten(-1, (num_heads, -1)).transpose(1, 2)
    if positions is not None:
        cos, sin = cos[positions.long()], sin[positions.long()]
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    turned, rest = x.split([rotary_embedding_dim or x.shape[-1], x.shape[-1] - (rotary_embedding_dim or x.shape[-1])], -1)
    p, q = (turned[..., ::2], turned[..., 1::2]) if interleaved else turned.chunk(2, -1)
    pair = p * cos - q * sin, p * sin + q * cos
    turned = torch.stack(pair, -1).flatten(-2) if interleaved else torch.cat(pair, -1)
    y = torch.cat([turned, rest], -1)
    return y.transpose(1, 2).flatten(-2) if packed else y


@operator("Attention")
def attention(
    q, k, v, mask=None, past_k=None, past_v=None, lengths=None, *, is_causal=0, scale=None, softcap=0.0,
    q_num_heads=None, kv_num_heads=None, context,
):
    packed = q.dim() == 3
    if packed:
        q, k, v = (split_heads(t, n) for t, n in ((q, q_num_heads), (k, kv_num_heads), (v, kv_num_heads)))
    offset = 0 if past_k is None else past_k.shape[2]
    if offset:
        k, v = torch.cat([past_k, k], 2), torch.cat([past_v, v], 2)
    added, hidden = [], []
    if mask is not None:
        missing = k.shape[2] - mask.shape[-1]
        if mask.is_floating_point():
            added = [F.pad(mask, [0, missing], value=-math.inf)]
        else:
            hidden = [~F.pad(mask, [0, missing], value=False)]
    if lengths is not None:
        hidden += [torch.arange(k.shape[2]) >= lengths[:, None, None, None]]
    if is_causal:
        hidden += [torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).triu(1 + offset)]
    y = weighted(q, k, v, scale, softcap, added, hidden)
    return (merge_heads(y) if packed else y, k, v)[: context.outputs]


def split_heads(x, heads):
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def merge_heads(x):
    return x.transpose(1, 2).flatten(2)


def weighted(q, k, v, scale=None, softcap=0.0, added=(), hidden=()):
    """Scaled dot-product attention; neighbouring query heads share a head of keys and values where there are fewer."""
    k, v = (t.repeat_interleave(q.shape[1] // t.shape[1], 1) for t in (k, v))
    scores = q @ k.transpose(-1, -2) * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    if softcap:
        scores = softcap * torch.tanh(scores / softcap)
    for bias in added:
        scores = scores + bias
    for unseen in hidden:
        scores = scores.masked_fill(unseen, -math.inf)
    return torch.softmax(scores, -1) @ v


# Operators of ONNX Runtime


def contrib(name):
    return operator(f"com.microsoft.{name}")


OPERATORS.update({
    "com.microsoft.Gelu": F.gelu,
    "com.microsoft.BiasGelu": lambda x, bias: F.gelu(x + bias),
    "com.microsoft.FastGelu": lambda x, bias=0: F.gelu(x + bias, approximate="tanh"),
    "com.microsoft.Trilu": trilu,
    "com.microsoft.GridSample": grid_sample,
    "com.microsoft.QuickGelu": lambda x, alpha=1.702: x * torch.sigmoid(alpha * x),
})


@operator("com.microsoft.FusedMatMul", "com.microsoft.TransposeMatMul")
def fused_matmul(a, b, *, alpha=1.0, transA=0, transB=0, transBatchA=0, transBatchB=0):
    if transBatchA or transBatchB:
        raise NotImplementedError("FusedMatMul with transposed batches")
    a, b = a.transpose(-1, -2) if transA else a, b.transpose(-1, -2) if transB else b
    return alpha * (a @ b)


def activated(x, name, *parameters):
    given = [p for p in parameters if p is not None]
    return OPERATORS[name](x, *given) if name else x


@contrib("FusedGemm")
def fused_gemm(a, b, c=None, *, activation="", activation_alpha=None, activation_beta=None, **attributes):
    return activated(gemm(a, b, c, **attributes), activation, activation_alpha, activation_beta)


@contrib("FusedConv")
def fused_conv(x, w, b=None, z=None, *, activation="", activation_params=(), **attributes):
    y = conv(x, w, b, **attributes)
    return activated(y if z is None else y + z, activation, *activation_params)


@contrib("SkipLayerNormalization")
def skip_layer_normalization(x, skip, gamma, beta=None, bias=None, *, epsilon=1e-12):
    total = x + skip + (0 if bias is None else bias)
    return layer_normalization(total, gamma, beta, epsilon=epsilon), None, None, total


@contrib("SkipSimplifiedLayerNormalization")
def skip_simplified_layer_normalization(x, skip, gamma, bias=None, *, epsilon=1e-12):
    total = x + skip + (0 if bias is None else bias)
    return rms_normalization(total, gamma, epsilon=epsilon), None, None, total


@contrib("EmbedLayerNormalization")
def embed_layer_normalization(
    words, segments, word_table, position_table, segment_table, gamma, beta, mask=None, positions=None, *, epsilon=1e-12
):
    placed = position_table[: words.shape[1]] if positions is None else position_table[positions.long()]
    total = word_table[words.long()] + placed
    if segments is not None:
        total = total + segment_table[segments.long()]
    return layer_normalization(total, gamma, beta, epsilon=epsilon)


def hidden_keys(mask, rows, columns, unidirectional, past=0):
    hidden = []
    if mask is not None and mask.dim() == 1:
        hidden = [torch.arange(columns) >= mask[:, None, None, None]]
    elif mask is not None:
        hidden = [mask.reshape(mask.shape[0], 1, -1, columns) == 0]
    if unidirectional:
        hidden += [torch.ones(rows, columns, dtype=torch.bool).triu(1 + past)]
    return hidden


@contrib("MultiHeadAttention")
def multi_head_attention(
    q, k, v, bias=None, mask=None, added=None, past_k=None, past_v=None, *, num_heads, scale=None, unidirectional=0
):
    if bias is not None:
        q, k, v = (t + b for t, b in zip((q, k, v), bias.split([q.shape[-1], k.shape[-1], v.shape[-1]])))
    q = split_heads(q, num_heads)
    k, v = (split_heads(t, num_heads) if t.dim() == 3 else t for t in (k, v))
    past = 0
    if past_k is not None:
        past, k, v = past_k.shape[2], torch.cat([past_k, k], 2), torch.cat([past_v, v], 2)
    hidden = hidden_keys(mask, q.shape[2], k.shape[2], unidirectional, past)
    return merge_heads(weighted(q, k, v, scale, 0.0, [] if added is None else [added], hidden)), k, v


@contrib("Attention")
def fused_attention(
    x, w, bias=None, mask=None, past=None, added=None, *, num_heads, scale=None, unidirectional=0, qkv_hidden_sizes=None
):
    projected = x @ w + (0 if bias is None else bias)
    parts = projected.split(qkv_hidden_sizes or projected.shape[-1] // 3, -1)
    q, k, v = (split_heads(t, num_heads) for t in parts)
    hidden = hidden_keys(mask, q.shape[2], k.shape[2], unidirectional)
    return merge_heads(weighted(q, k, v, scale, 0.0, [] if added is None else [added], hidden))


@contrib("GroupQueryAttention")
def group_query_attention(
    q, k, v, past_k, past_v, lengths, total, cos=None, sin=None, *, num_heads, kv_num_heads, scale=None, softcap=0.0,
    do_rotary=0, rotary_interleaved=0, local_window_size=-1,
):
    if k is None:
        size = q.shape[-1] // (num_heads + 2 * kv_num_heads)
        q, k, v = q.split([num_heads * size, kv_num_heads * size, kv_num_heads * size], -1)
    q, k, v = (split_heads(t, n) for t, n in ((q, num_heads), (k, kv_num_heads), (v, kv_num_heads)))
    length = q.shape[2]
    if do_rotary:
        q, k = (
            rotary_embedding(t, cos[None, :length], sin[None, :length], interleaved=rotary_interleaved,
                             rotary_embedding_dim=2 * cos.shape[-1])
            for t in (q, k)
        )
    everywhere = torch.ones(length, length, dtype=torch.bool)
    hidden = [everywhere.triu(1)]
    if local_window_size >= 0:
        hidden += [everywhere.tril(-local_window_size)]
    return merge_heads(weighted(q, k, v, scale, softcap, [], hidden)), k, v


@contrib("RotaryEmbedding")
def contrib_rotary_embedding(x, positions, cos, sin, *, num_heads=0, rotary_embedding_dim=0, interleaved=0):
    length = x.shape[1] if x.dim() == 3 else x.shape[2]
    if positions.dim() == 1:
        positions = (positions + torch.arange(length))[None].expand(x.shape[0], -1)
    heads = num_heads or x.shape[-1] // (2 * cos.shape[-1])
    width = 2 * cos.shape[-1]
    return rotary_embedding(x, cos, sin, positions, interleaved=interleaved, num_heads=heads, rotary_embedding_dim=width)
