"""Checks a model that `curvature quantize` wrote against the float model that it was made from.

- onnx.checker accepts it, with shape inference, and ONNX Runtime loads it.
- Each weight, decoded here from the file's integers, is within half a step of its float (a step for zero points, which are
  rounded too; clipped ranges are not judged), and every other initializer has the bytes it had.
- It computes what the float model computes with the decoded weights in place of its own, within 1e-5 of the largest output:
  float32 sums in another order. For that ONNX Runtime's optimizations are off, which else round activations to int8.

Prints one line of JSON with sizes, the largest difference with optimizations on, and where DATA has labels the accuracy.
"""

import argparse
import json
import os
import sys

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, numpy_helper

TOLERANCE = 1e-5
onnxruntime.set_default_logger_severity(4)
TYPES = {"tensor(float)": numpy.float32, "tensor(float16)": numpy.float16, "tensor(int64)": numpy.int64}
TYPES |= {"tensor(int32)": numpy.int32, "tensor(bool)": numpy.bool_, "tensor(double)": numpy.float64}
BITS = {TensorProto.INT2: 2, TensorProto.UINT2: 2, TensorProto.INT4: 4, TensorProto.UINT4: 4}
SIGNED = {TensorProto.INT2, TensorProto.INT4, TensorProto.INT8, TensorProto.INT16}


def unpack(raw, bits, count, signed=False):
    """Integers of a few bits, the first in the lowest bits of its byte."""
    data = numpy.frombuffer(raw, numpy.uint8)
    shifts = numpy.arange(8 // bits, dtype=numpy.uint8) * bits
    values = ((data[:, None] >> shifts) & (2**bits - 1)).reshape(-1)[:count].astype(numpy.int64)
    return numpy.where(values >= 2 ** (bits - 1), values - 2**bits, values) if signed else values


def integers(t):
    if t.data_type in BITS:
        count = int(numpy.prod(t.dims))
        return unpack(t.raw_data, BITS[t.data_type], count, t.data_type in SIGNED).reshape(t.dims)
    return numpy_helper.to_array(t).astype(numpy.int64)


def bodies(graph):
    yield graph
    for node in graph.node:
        for a in node.attribute:
            for g in [a.g] if a.HasField("g") else a.graphs:
                yield from bodies(g)


def attributes(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def decoded(model, original):
    """Weight and step, in float64, by the name of the weight, from DequantizeLinear and MatMulNBits."""
    found = {}
    gemms = [n for b in bodies(original.graph) for n in b.node if n.op_type == "Gemm"]
    by_row = {n.input[1] for n in gemms if attributes(n).get("transB", 0)}
    for body in bodies(model.graph):
        stored = {t.name: t for t in body.initializer}
        casts = {n.input[0]: n.output[0] for n in body.node if n.op_type == "Cast"}
        for node in body.node:
            named = attributes(node)
            if node.op_type == "DequantizeLinear" and node.input[0] in stored and node.input[0].endswith("_quantized"):
                q = integers(stored[node.input[0]])
                s = numpy_helper.to_array(stored[node.input[1]]).astype(numpy.float64)
                z = integers(stored[node.input[2]]) if len(node.input) > 2 else numpy.zeros(s.shape, int)
                if "block_size" in named:
                    axis, size = named["axis"], named["block_size"]
                    s, z = (numpy.repeat(a, size, axis).take(range(q.shape[axis]), axis) for a in (s, z))
                elif s.ndim:
                    shape = [-1 if i == named["axis"] else 1 for i in range(q.ndim)]
                    s, z = s.reshape(shape), z.reshape(shape)
                output = casts.get(node.output[0], node.output[0])
                found[output] = ((q - z) * s, numpy.broadcast_to(s, q.shape))
            if node.op_type == "MatMulNBits" and node.input[1] in stored:
                k, n, bits, size = (named[a] for a in ("K", "N", "bits", "block_size"))
                blocks = -(-k // size)
                q = unpack(stored[node.input[1]].raw_data, bits, n * blocks * size).reshape(n, blocks, size)
                s = numpy_helper.to_array(stored[node.input[2]]).astype(numpy.float64).reshape(n, blocks, 1)
                z = numpy.full((n, blocks, 1), 2 ** (bits - 1))
                if len(node.input) > 3:
                    row = -(-blocks * bits // 8) * (8 // bits)
                    z = unpack(stored[node.input[3]].raw_data, bits, n * row).reshape(n, row)[:, :blocks, None]
                weight = ((q - z) * s).reshape(n, -1)[:, :k]
                step = numpy.broadcast_to(s, q.shape).reshape(n, -1)[:, :k]
                name = node.input[1].rsplit("_Q", 1)[0]
                found[name] = (weight, step) if name in by_row else (weight.T, step.T)
    return found


def constants(model):
    """The tensors of initializers and Constant nodes, by name."""
    found = {}
    for body in bodies(model.graph):
        found |= {t.name: t for t in body.initializer}
        for node in body.node:
            for a in node.attribute if node.op_type == "Constant" else []:
                if a.name == "value":
                    found[node.output[0]] = a.t
    return found


def feeds(model, data, samples):
    """The data's arrays for the model's inputs, or small random ones."""
    weights = {t.name for t in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in weights]
    random = numpy.random.default_rng(0)
    result = {}
    for i in inputs:
        if data is not None:
            result[i.name] = data[i.name] if i.name in data else data["inputs"]
            continue
        tensor_type = i.type.tensor_type
        shape = [d.dim_value or samples for d in tensor_type.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor_type.elem_type)
        is_float = numpy.issubdtype(dtype, numpy.floating)
        result[i.name] = (random.normal(size=shape) if is_float else numpy.ones(shape)).astype(dtype)
    return result


def run(model, fed, optimize):
    options = onnxruntime.SessionOptions()
    if not optimize:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    where = model if isinstance(model, str) else model.SerializeToString()
    session = onnxruntime.InferenceSession(where, options, providers=["CPUExecutionProvider"])
    fixed = session.get_inputs()[0].shape
    whole = len(next(iter(fed.values())))
    if not isinstance(fixed[0], int) or fixed[0] == whole or "labels" not in fed:
        return session.run(None, {k: v for k, v in fed.items() if k != "labels"})
    raise SystemExit("a fixed batch that differs from the data's is not handled here")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("quantized")
    parser.add_argument("data", nargs="?", help="npz with the inputs by name (or `inputs`) and `labels`")
    parser.add_argument("--samples", type=int, default=2, help="where dimensions are open and there are no data")
    parser.add_argument("--clipped", action="store_true", help="the range was not min-max")
    arguments = parser.parse_args()

    onnx.checker.check_model(arguments.quantized, full_check=True)
    model, quantized = onnx.load(arguments.model), onnx.load(arguments.quantized)
    weights = decoded(quantized, model)
    before, after = constants(model), constants(quantized)
    problems = []
    if not weights:
        problems.append("no quantized weight found")
    for name, (weight, step) in weights.items():
        float_weight = numpy_helper.to_array(before[name]).astype(numpy.float64)
        off = numpy.abs(weight - float_weight) / step
        limit = 1.001 if any(n.startswith(f"{name}_zero_point") for n in after) else 0.501
        if not arguments.clipped and off.max() > limit:
            problems.append(f"{name} is {off.max():.3f} steps away")
        if name in after:
            problems.append(f"{name} is still there")
    for name, t in before.items():
        if name in weights:
            continue
        if name not in after:
            # Moved into operands of a newer operator set, or not there at all.
            problems.append(f"{name} is gone")
        elif numpy_helper.to_array(t).tobytes() != numpy_helper.to_array(after[name]).tobytes():
            problems.append(f"{name} has changed")

    data = dict(numpy.load(arguments.data)) if arguments.data else None
    fed = feeds(model, data, arguments.samples)
    original = run(arguments.model, fed, True)
    for body in bodies(model.graph):
        for t in body.initializer:
            if t.name in weights:
                dtype = onnx.helper.tensor_dtype_to_np_dtype(t.data_type)
                t.CopyFrom(numpy_helper.from_array(weights[t.name][0].astype(numpy.float32).astype(dtype), t.name))
        for node in body.node:
            for a in node.attribute if node.op_type == "Constant" and node.output[0] in weights else []:
                dtype = onnx.helper.tensor_dtype_to_np_dtype(a.t.data_type)
                value = weights[node.output[0]][0].astype(numpy.float32).astype(dtype)
                a.t.CopyFrom(numpy_helper.from_array(value, a.t.name))
    reference = run(model, fed, False)
    exact, optimized = run(arguments.quantized, fed, False), run(arguments.quantized, fed, True)

    def difference(found):
        pairs = [(f.astype(numpy.float64), r.astype(numpy.float64)) for f, r in zip(found, reference)]
        return max(float(numpy.abs(f - r).max() / (numpy.abs(r).max() or 1)) for f, r in pairs if f.size)

    apart = difference(exact)
    half = any(o.dtype == numpy.float16 for o in reference)
    if not apart < (2e-3 if half else TOLERANCE):
        problems.append(f"outputs are {apart:.2e} apart")
    summary = {
        "weights": len(weights),
        "bytes": os.path.getsize(arguments.quantized),
        "exact": f"{apart:.1e}",
        "optimized": f"{difference(optimized):.1e}",
    }
    if data is not None and "labels" in data:
        for key, found in (("float", original), ("quantized", exact), ("optimized", optimized)):
            summary[f"accuracy {key}"] = round(float((found[0].argmax(-1) == data["labels"]).mean()), 4)
    print(json.dumps(summary | {"problems": problems}))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
