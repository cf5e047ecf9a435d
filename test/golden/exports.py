"""Exports small models of many architectures: NAME.onnx with NAME.npz, its inputs by name and `labels` or `targets`.

Weights are random but scaled so that activations keep their size. A name is ARCHITECTURE_EXPORTER: `legacy17` is the
TorchScript exporter at opset 17, `dynamo20` is torch.export at opset 20; `half` stores weights in float16, and `ort` is
the file as ONNX Runtime saves it after its extended optimizations, with fused operators of its own.
"""

import argparse
import pathlib
import re
import tempfile
import traceback
import warnings

import numpy
import onnx
import onnxruntime
import torch

from architectures import convolutional, graphs, language, perception
from architectures.example import randomize

ARCHITECTURES = {a.__name__: a for m in (convolutional, graphs, language, perception) for a in m.ARCHITECTURES}
DEFAULT = ["legacy17", "dynamo20"]
EXPORTERS = {
    "vgg": ["legacy7", "legacy9", "legacy17", "dynamo20"],
    "alexnet": ["legacy8", "legacy11", "dynamo18"],
    "squeezenet": ["legacy9", "legacy12", "dynamo18"],
    "densenet": ["legacy9", "legacy13", "dynamo23"],
    "inception": ["legacy10", "dynamo20"],
    "mobilenet_v3": ["legacy14", "dynamo18", "dynamo20", "legacy17_half"],
    "efficientnet": ["legacy13", "dynamo23", "legacy17_ort"],
    "resnet": ["legacy11", "legacy17_ort", "dynamo18", "dynamo20_half"],
    "unet": ["legacy11", "legacy17", "dynamo20", "dynamo23"],
    "detector": ["legacy11", "legacy17", "dynamo20", "legacy17_ort"],
    "super_resolution": ["legacy11", "legacy16", "dynamo18"],
    "autoencoder": ["legacy11", "dynamo20"],
    "wavenet": ["legacy11", "dynamo18"],
    "volumes": ["legacy11", "dynamo20"],
    "bert": ["legacy14", "legacy17", "dynamo18", "dynamo20", "dynamo23", "dynamo20_half", "dynamo18_ort"],
    "bert_eager": ["legacy14", "legacy17", "dynamo20", "legacy14_ort", "legacy17_ort", "legacy17_half"],
    "gpt2": ["legacy14", "legacy17", "dynamo18", "dynamo23"],
    "gpt2_eager": ["legacy14", "legacy14_ort", "dynamo20"],
    "llama": ["legacy17", "dynamo18", "dynamo20", "dynamo20_half"],
    "llama_positions": ["dynamo23"],
    "llama_single": ["dynamo23"],
    "qwen3_positions": ["dynamo23"],
    "gemma_positions": ["dynamo23"],
    "t5_encoder": ["legacy13", "legacy17", "dynamo20", "dynamo23"],
    "vit": ["legacy14", "legacy17", "dynamo20", "dynamo23", "dynamo20_half"],
    "vit_eager": ["legacy14", "legacy17_ort"],
    "swin": ["legacy17", "dynamo18", "dynamo20", "dynamo23"],
    "segformer": ["legacy14", "dynamo20", "dynamo23"],
    "whisper_encoder": ["legacy17", "dynamo20", "dynamo23"],
    "wav2vec2": ["legacy14", "dynamo20", "dynamo23"],
    "lstm": ["legacy14", "dynamo20"],
    "gru": ["legacy14", "dynamo20"],
}


def export(example, exporter, path):
    """Writes the file, and leaves axes open that vary."""
    kind, opset, variant = re.fullmatch(r"(legacy|dynamo)(\d+)(?:_(half|ort))?", exporter).groups()
    model = example.model.half() if variant == "half" else example.model
    inputs = {n: x.half() if variant == "half" and x.is_floating_point() else x for n, x in example.inputs.items()}
    outputs = ["output", *[f"output{i}" for i in range(2, example.outputs + 1)]]
    options = {"input_names": list(inputs), "output_names": outputs, "opset_version": int(opset)}
    open_axes = {n: {**({0: "batch"} if example.dynamic_batch else {}), **example.dynamic.get(n, {})} for n in inputs}
    if kind == "legacy":
        options |= {"dynamo": False, "dynamic_axes": open_axes}
    else:
        options |= {"dynamo": True, "external_data": False, "verbose": False}
        options["dynamic_shapes"] = (
            {i: torch.export.Dim.DYNAMIC for i in axes} for axes in open_axes.values()
        )
        options["dynamic_shapes"] = tuple(options["dynamic_shapes"])
        if type(model).forward.__code__.co_flags & 4:  # one parameter that takes all inputs
            options["dynamic_shapes"] = (options["dynamic_shapes"],)
    torch.onnx.export(model, tuple(inputs.values()), path, **options)
    if variant == "ort":
        optimize(path)
    strip(path)
    return inputs


def optimize(path):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = f"{folder}/optimized.onnx"
        onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        onnx.save(onnx.load(options.optimized_model_filepath), path)


def strip(path):
    """Takes out what the exporter notes about the source, as that names files of the machine it ran on; scopes stay."""
    model = onnx.load(path)
    graphs = [model.graph]
    while graphs:
        graph = graphs.pop()
        graph.ClearField("doc_string")
        graph.ClearField("metadata_props")
        for node in graph.node:
            node.ClearField("doc_string")
            kept = [p for p in node.metadata_props if p.key == "pkg.torch.onnx.name_scopes"]
            kept = [(p.key, p.value) for p in kept]
            node.ClearField("metadata_props")
            for key, value in kept:
                node.metadata_props.add(key=key, value=value)
            graphs += [a.g for a in node.attribute if a.type == onnx.AttributeProto.GRAPH]
        for value in [*graph.value_info, *graph.input, *graph.output, *graph.initializer]:
            value.ClearField("doc_string")
            value.ClearField("metadata_props")
        graph.ClearField("value_info")
    model.ClearField("metadata_props")
    onnx.save(model, path)


def data(example, inputs, path):
    """The inputs, and labels or targets of the shape of the first output."""
    arrays = {n: x.numpy() for n, x in inputs.items()}
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    expected = {i.name for i in session.get_inputs()}
    output = session.run(None, {n: a for n, a in arrays.items() if n in expected})[0]
    rng = numpy.random.default_rng(0)
    if example.task == "values":
        arrays["targets"] = (output + 0.5 * rng.standard_normal(output.shape)).astype(numpy.float32)
    else:
        axis = 1 if output.ndim == 4 else output.ndim - 1
        arrays["labels"] = rng.integers(0, output.shape[axis], numpy.delete(output.shape, axis))
    return arrays, output


def architecture(name):
    return re.sub(r"_(legacy|dynamo)\d+.*", "", name)


def make(name, folder):
    torch.manual_seed(0)
    example = ARCHITECTURES[architecture(name)]()
    randomize(example.model)
    path = str(folder / f"{name}.onnx")
    inputs = export(example, name.removeprefix(f"{architecture(name)}_"), path)
    arrays, output = data(example, inputs, path)
    numpy.savez(folder / f"{name}.npz", **arrays)
    model = onnx.load(path)
    elements = sum(int(numpy.prod(i.dims)) for i in model.graph.initializer)
    size = pathlib.Path(path).stat().st_size
    print(f"{name}: {size} bytes, {elements} elements, output {output.shape} of size {output.std():.2g}", flush=True)


def names(chosen):
    everything = [f"{a}_{e}" for a in ARCHITECTURES for e in EXPORTERS.get(a, DEFAULT)]
    return [n for n in everything if not chosen or any(c in (n, architecture(n)) for c in chosen)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="exports or architectures; all if left out")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    torch.backends.nnpack.set_flags(False)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name in names(arguments.names):
        try:
            make(name, arguments.folder)
        except Exception:
            print(f"{name}: not exported: {traceback.format_exc(limit=-1).strip()[:600]}", flush=True)


if __name__ == "__main__":
    main()
