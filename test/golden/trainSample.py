"""Trains the bundled sample on scikit-learn's digits and writes media/sample/digits_cnn.onnx and digits_cnn.npz."""

import pathlib

import numpy
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

TARGET = pathlib.Path(__file__).parent.parent.parent / "media" / "sample"
HELD_OUT = 256


class Separable(nn.Module):
    """A depthwise and a pointwise convolution with a shortcut around both."""

    def __init__(self, channels):
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.depthwise_norm = nn.BatchNorm2d(channels)
        self.pointwise = nn.Conv2d(channels, channels, 1)
        self.pointwise_norm = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = torch.relu(self.depthwise_norm(self.depthwise(x)))
        return torch.relu(x + self.pointwise_norm(self.pointwise(y)))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv1_norm = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.conv2_norm = nn.BatchNorm2d(32)
        self.block1 = Separable(32)
        self.block2 = Separable(32)
        self.fc1 = nn.Linear(128, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, image):
        x = torch.relu(self.conv1_norm(self.conv1(image)))
        x = torch.relu(self.conv2_norm(self.conv2(x)))
        x = F.max_pool2d(self.block2(self.block1(x)), 2)
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


def fold(module):
    """Folds every normalization into its convolution; the exporter would do so too, but rename the weights."""
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d):
            convolution = name.removesuffix("_norm")
            setattr(module, convolution, fuse_conv_bn_eval(getattr(module, convolution), child))
            setattr(module, name, nn.Identity())
        fold(child)


def split():
    """Pixels run from 0 to 16. The last quarter of a fixed shuffle is the test set, and its first rows the sample."""
    digits = load_digits()
    order = numpy.random.default_rng(0).permutation(len(digits.target))
    images = (digits.images[order, None] / 16).astype(numpy.float32)
    labels = digits.target[order].astype(numpy.int64)
    cut = len(order) * 3 // 4
    return (images[:cut], labels[:cut]), (images[cut:], labels[cut:])


def train(images, labels, epochs=40, batch=64):
    network = Network()
    images, labels = torch.from_numpy(images), torch.from_numpy(labels)
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=0.01)
    steps = epochs * -(-len(images) // batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(images)).split(batch):
            optimizer.zero_grad()
            F.cross_entropy(network(images[rows]), labels[rows]).backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def export(network, path):
    torch.onnx.export(
        network,
        (torch.zeros(1, 1, 8, 8),),
        path,
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )
    model = onnx.load(path)
    # Whatever the exporter notes about the source would name files of the machine it ran on.
    for node in model.graph.node:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch.backends.nnpack.set_flags(False)
    (images, labels), (test_images, test_labels) = split()
    network = train(images, labels)
    fold(network)
    TARGET.mkdir(parents=True, exist_ok=True)
    path = TARGET / "digits_cnn.onnx"
    export(network, path)
    numpy.savez_compressed(TARGET / "digits_cnn.npz", image=test_images[:HELD_OUT], labels=test_labels[:HELD_OUT])

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    right = session.run(["logits"], {"image": test_images})[0].argmax(1) == test_labels
    parameters = sum(p.numel() for p in network.parameters())
    print(f"{parameters} parameters, {right.mean():.4f} of {len(right)} right, {right[:HELD_OUT].mean():.4f} here")


if __name__ == "__main__":
    main()
