"""Writes ../fixtures/nodeTests/cases.bin.gz: the node tests of the `onnx` package that are small and made of tensors.

The file is gzip of one line of JSON, `{case: {model, inputs, outputs}}` with each part as [start, end] of the bytes that
follow the line: ModelProto and TensorProto as the package writes them. Equal parts are held once.
"""

import gzip
import json
import pathlib
import warnings

import numpy
from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases

warnings.filterwarnings("ignore")
TARGET = pathlib.Path(__file__).parent.parent / "fixtures" / "nodeTests" / "cases.bin.gz"
LARGEST = 30_000


def encoded(value, info):
    """A tensor's bytes; None for sequences, maps and absent optionals."""
    if value is None or isinstance(value, (list, dict)):
        return None
    tensor = value if isinstance(value, TensorProto) else numpy_helper.from_array(numpy.asarray(value), info.name)
    return tensor.SerializeToString()


def main():
    index, parts, end = {}, {}, 0
    for case in sorted(collect_testcases(None), key=lambda c: c.name):
        graph = case.model.graph
        inputs, outputs = case.data_sets[0]
        given = [encoded(v, i) for v, i in zip(inputs, graph.input)]
        expected = [encoded(v, i) for v, i in zip(outputs, graph.output)]
        whole = [case.model.SerializeToString(), *given, *expected]
        if None in whole or sum(map(len, whole)) > LARGEST:
            continue
        for part in whole:
            if part not in parts:
                parts[part] = [end, end + len(part)]
                end += len(part)
        index[case.name] = {
            "model": parts[whole[0]],
            "inputs": [parts[p] for p in given],
            "outputs": [parts[p] for p in expected],
        }
    content = json.dumps(index, separators=(",", ":")).encode() + b"\n" + b"".join(parts)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(gzip.compress(content, 9, mtime=0))
    print(f"{len(index)} cases, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
