"""Writes operators/<family>.json: values and first and second derivatives of single operators, by PyTorch in float64.

Every case is checked before it is written: its value against ONNX Runtime, and its derivatives against central
differences, which also shows that no operand lies near a kink.
"""

import argparse
import importlib
import json
import pathlib
import zlib

import numpy
import onnx
import onnxruntime
import torch
from onnx import AttributeProto, TensorProto, helper, numpy_helper

import interpreter
from cases import snap

FAMILIES = "elementwise arithmetic linear conv pooling normalization softmax movement resizing reductions fourier attention quantizing contrib".split()
HERE = pathlib.Path(__file__).parent
ELEMENTS = {
    "float32": TensorProto.FLOAT,
    "int64": TensorProto.INT64,
    "int32": TensorProto.INT32,
    "int8": TensorProto.INT8,
    "uint8": TensorProto.UINT8,
    "int16": TensorProto.INT16,
    "bool": TensorProto.BOOL,
}
ATTRIBUTES = {
    AttributeProto.INT: "int",
    AttributeProto.INTS: "ints",
    AttributeProto.FLOAT: "float",
    AttributeProto.FLOATS: "floats",
    AttributeProto.STRING: "string",
}


def draw(case):
    """Operands and tangents, and the generator for more. The seed is the name: cases do not depend on each other."""
    rng = numpy.random.default_rng(zlib.crc32(case.name.encode()))
    operands = {name: o.draw(rng) for name, o in case.operands.items()}
    directions = {name: standard(rng, operands[name].shape) for name, o in case.operands.items() if o.differentiable}
    return operands, directions, rng


def standard(rng, shape):
    return numpy.asarray(snap(rng.standard_normal(shape).clip(-2.5, 2.5)), numpy.float64)


def differentiate(case, operands, tangents, rng):
    """Value and derivatives, everything by reverse mode."""
    constants = {n: interpreter.tensor(a) for n, a in operands.items() if n not in tangents}

    def evaluate(inputs):
        return interpreter.run(case.nodes, case.opset, {**constants, **inputs})[case.output]

    x = {n: interpreter.tensor(operands[n]).requires_grad_() for n in tangents}
    v = {n: torch.tensor(t) for n, t in tangents.items()}
    y = evaluate(x)
    cotangent = torch.tensor(standard(rng, tuple(y.shape))).requires_grad_()
    vjp = pull(y, x, cotangent)
    # The pulled back cotangent is linear in the cotangent with the transposed Jacobian, so its derivative by the
    # cotangent is the Jacobian itself; its derivative by the operands is the second derivative.
    along = sum((vjp[n] * v[n]).sum() for n in x)
    jvp, *second = torch.autograd.grad(along, [cotangent, *x.values()], allow_unused=True)
    hvp = {n: dense(h, x[n]) for n, h in zip(x, second)}

    if case.stepped:
        return y.detach(), cotangent.detach(), jvp, vjp, hvp

    def shifted(step):
        inputs = {n: (x[n].detach() + step * v[n]).requires_grad_() for n in x}
        value = evaluate(inputs)
        return value.detach(), pull(value, inputs, cotangent.detach())

    step = 1e-4
    (up, up_vjp), (down, down_vjp) = shifted(step), shifted(-step)
    close(f"{case.name} jvp", (up - down) / 2 / step, jvp, 1e-5)
    for n in x:
        close(f"{case.name} hvp {n}", (up_vjp[n] - down_vjp[n]).detach() / 2 / step, hvp[n], 1e-5)
    return y.detach(), cotangent.detach(), jvp, vjp, hvp


def pull(y, x, cotangent):
    """The transposed Jacobian times the cotangent, per operand."""
    gradients = torch.autograd.grad(y, list(x.values()), cotangent, create_graph=True, allow_unused=True)
    return {n: dense(g, x[n]) for n, g in zip(x, gradients)}


def dense(gradient, like):
    """PyTorch leaves out gradients that are zero everywhere, or marks them as such."""
    zeros = torch.zeros_like(like)
    return zeros if gradient is None else gradient + zeros


def close(what, actual, expected, tolerance):
    error = numpy.abs(numpy.asarray(actual) - numpy.asarray(expected)).max(initial=0)
    if error > tolerance * max(1, numpy.abs(numpy.asarray(expected)).max(initial=0)):
        raise AssertionError(f"{what}: off by {error:.2e}")


def by_runtime(case, operands, shape):
    """The value of the case by ONNX Runtime in float32."""
    constants = [numpy_helper.from_array(operands[n], n) for n, o in case.operands.items() if o.constant]
    fed = {n: operands[n] for n, o in case.operands.items() if not o.constant}
    inputs = [helper.make_tensor_value_info(n, ELEMENTS[str(a.dtype)], a.shape) for n, a in fed.items()]
    output = helper.make_tensor_value_info(case.output, TensorProto.FLOAT, shape)
    graph = helper.make_graph(case.nodes, "case", inputs, [output], constants)
    domains = {"": case.opset, **{n.domain: 1 for n in case.nodes if n.domain}}
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(d, v) for d, v in domains.items()])
    model.ir_version = min(model.ir_version, 11)
    if all(is_checkable(n, case.opset) for n in case.nodes):
        onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    return session.run([case.output], fed)[0]


def is_checkable(node, opset):
    """The checker knows no operators of other domains, and refuses deprecated ones."""
    return onnx.defs.has(node.op_type, node.domain) and not onnx.defs.get_schema(node.op_type, opset, node.domain).deprecated


def described(node):
    attributes = {a.name: {ATTRIBUTES[a.type]: interpreter.attribute(a)} for a in node.attribute}
    domain = {"domain": node.domain} if node.domain else {}
    outputs = [*node.output]
    return {"opType": node.op_type, **domain, "inputs": [*node.input], "outputs": outputs, "attributes": attributes}


def flat(array):
    """Ten significant digits, and integers without a fraction."""
    values = numpy.asarray(array).reshape(-1)
    if values.dtype.kind != "f":
        return [int(v) for v in values]
    rounded = [float(f"{v:.10g}") for v in values.astype(numpy.float64)]
    return [int(v) if v.is_integer() else v for v in rounded]


def golden(case):
    operands, tangents, rng = draw(case)
    y, cotangent, jvp, vjp, hvp = differentiate(case, operands, tangents, rng)
    reference = by_runtime(case, operands, tuple(y.shape))
    if reference.shape != tuple(y.shape):
        raise AssertionError(f"{case.name}: shape {tuple(y.shape)}, but {reference.shape} by ONNX Runtime")
    close(case.name, y, reference, 1e-5)
    return {
        "name": case.name,
        "opset": case.opset,
        "nodes": [described(n) for n in case.nodes],
        "inputs": {
            n: {"elemType": str(a.dtype), "shape": list(a.shape), "data": flat(a)} for n, a in operands.items()
        },
        "constants": [n for n, o in case.operands.items() if o.constant],
        "differentiable": list(tangents),
        "output": case.output,
        "y": {"shape": list(y.shape), "data": flat(y)},
        "cotangent": flat(cotangent),
        "tangents": {n: flat(t) for n, t in tangents.items()},
        "jvp": flat(jvp),
        "vjp": {n: flat(t.detach()) for n, t in vjp.items()},
        "hvp": {n: flat(t) for n, t in hvp.items()},
    }


def attempt(case, failures):
    try:
        return golden(case)
    except Exception as error:
        failures.append(f"{case.name}: {type(error).__name__}: {error}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("families", nargs="*", default=FAMILIES)
    failures = []
    for family in parser.parse_args().families:
        cases = importlib.import_module(f"families.{family}").CASES
        names = [c.name for c in cases]
        if len(names) != len(set(names)):
            raise ValueError(f"{family}: two cases with one name")
        target = HERE / "operators" / f"{family}.json"
        target.parent.mkdir(exist_ok=True)
        text = json.dumps({"cases": [attempt(c, failures) for c in cases]}, separators=(",", ":"))
        target.write_text(text.replace('},{"name"', '},\n{"name"') + "\n")
        print(f"{family}: {len(cases)} cases, {target.stat().st_size} bytes")
    if failures:
        raise SystemExit("\n".join(failures))


if __name__ == "__main__":
    main()
