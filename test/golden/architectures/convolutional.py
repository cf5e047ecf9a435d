"""Convolutional networks for images, sound and volumes, in plain PyTorch and by transformers."""

import torch
import torch.nn.functional as F
import transformers
from torch import nn

from .example import Example, Pick, images


def conv(inputs, outputs, kernel=3, activation=nn.ReLU, norm=nn.BatchNorm2d, **options):
    """Convolution, normalization and activation; padded to keep the size at stride 1."""
    same = tuple(k // 2 for k in kernel) if isinstance(kernel, tuple) else kernel // 2
    made = nn.Conv2d(inputs, outputs, kernel, padding=same, bias=False, **options)
    return nn.Sequential(made, norm(outputs), activation())


class Residual(nn.Module):
    def __init__(self, *layers, shortcut=None):
        super().__init__()
        self.layers, self.shortcut = nn.Sequential(*layers), shortcut or nn.Identity()

    def forward(self, x):
        return self.shortcut(x) + self.layers(x)


class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduced, gate=nn.Sigmoid):
        super().__init__()
        self.reduce, self.expand, self.gate = nn.Conv2d(channels, reduced, 1), nn.Conv2d(reduced, channels, 1), gate()

    def forward(self, x):
        pooled = F.adaptive_avg_pool2d(x, 1)
        return x * self.gate(self.expand(F.relu(self.reduce(pooled))))


class Branches(nn.Module):
    """Side by side, joined along the channels."""

    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


def classifier(*layers, channels, classes=5):
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def by_transformers(kind, **settings):
    """An image classifier of transformers with five classes."""
    config = getattr(transformers, f"{kind}Config")(num_labels=5, **settings)
    model = getattr(transformers, f"{kind}ForImageClassification")(config)
    return Example(Pick(model, ["pixel_values"], ["logits"]), {"pixel_values": images(size=32)})


def mobilenet_v1():
    return by_transformers("MobileNetV1", image_size=32, depth_multiplier=0.0625, min_depth=4)


def mobilenet_v2():
    return by_transformers(
        "MobileNetV2", image_size=32, depth_multiplier=0.1, min_depth=4, depth_divisible_by=4, expand_ratio=2
    )


def mobilenet_v3():
    def bottleneck(inputs, hidden, outputs, kernel, stride, activation, squeeze):
        layers = [
            conv(inputs, hidden, 1, activation),
            conv(hidden, hidden, kernel, activation, stride=stride, groups=hidden),
            *([SqueezeExcite(hidden, 4, nn.Hardsigmoid)] if squeeze else []),
            conv(hidden, outputs, 1, nn.Identity),
        ]
        return Residual(*layers) if stride == 1 and inputs == outputs else nn.Sequential(*layers)

    model = classifier(
        conv(3, 8, 3, nn.Hardswish, stride=2),
        bottleneck(8, 16, 8, 3, 1, nn.ReLU, True),
        bottleneck(8, 24, 12, 5, 2, nn.Hardswish, True),
        bottleneck(12, 24, 12, 5, 1, nn.Hardswish, False),
        conv(12, 24, 1, nn.Hardswish),
        channels=24,
    )
    return Example(model, {"image": images()})


def efficientnet():
    def block(inputs, hidden, outputs, kernel, stride):
        layers = [
            conv(inputs, hidden, 1, nn.SiLU),
            conv(hidden, hidden, kernel, nn.SiLU, stride=stride, groups=hidden),
            SqueezeExcite(hidden, 4),
            conv(hidden, outputs, 1, nn.Identity),
        ]
        return Residual(*layers) if stride == 1 and inputs == outputs else nn.Sequential(*layers)

    model = classifier(
        conv(3, 8, 3, nn.SiLU, stride=2),
        block(8, 16, 8, 3, 1),
        block(8, 24, 12, 5, 2),
        conv(12, 24, 1, nn.SiLU),
        channels=24,
    )
    return Example(model, {"image": images()})


def efficientnet_transformers():
    return by_transformers(
        "EfficientNet", image_size=32, width_coefficient=0.1, depth_coefficient=0.1, hidden_dim=128, depth_divisor=4,
        in_channels=[32, 16, 24], out_channels=[16, 24, 40], kernel_sizes=[3, 3, 5], strides=[1, 2, 2],
        num_block_repeats=[1, 1, 1], expand_ratios=[1, 3, 3], depthwise_padding=[1],
    )


def resnet():
    return by_transformers(
        "ResNet", embedding_size=8, hidden_sizes=[8, 16, 24], depths=[1, 1, 1], layer_type="bottleneck"
    )


def regnet():
    return by_transformers("RegNet", embedding_size=8, hidden_sizes=[8, 16], depths=[1, 2], groups_width=4)


def convnext():
    return by_transformers("ConvNext", image_size=32, num_stages=2, hidden_sizes=[8, 16], depths=[1, 1], patch_size=4)


def convnext_v2():
    """With global response normalization, a norm over the image."""
    return by_transformers("ConvNextV2", image_size=32, num_stages=2, hidden_sizes=[8, 16], depths=[1, 1], patch_size=4)


def poolformer():
    return by_transformers(
        "PoolFormer", depths=[1, 1], hidden_sizes=[8, 16], num_encoder_blocks=2, patch_sizes=[7, 3], strides=[4, 2],
        padding=[2, 1], mlp_ratio=2.0,
    )


def vgg():
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(256, 24), nn.ReLU(), nn.Dropout(), nn.Linear(24, 5),
    )
    return Example(model, {"image": images()})


def alexnet():
    """With local response normalization and overlapping pooling."""
    model = nn.Sequential(
        nn.Conv2d(3, 8, 5, padding=2), nn.ReLU(), nn.LocalResponseNorm(5), nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(8, 16, 3, groups=2), nn.ReLU(), nn.LocalResponseNorm(3), nn.MaxPool2d(3, 2),
        nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 5), nn.Softmax(1),
    )
    return Example(model, {"image": images()}, task="probabilities")


class DenseBlock(nn.Module):
    def __init__(self, channels, growth, layers):
        super().__init__()
        widths = [channels + i * growth for i in range(layers)]
        self.layers = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(w), nn.ReLU(), nn.Conv2d(w, growth, 3, padding=1, bias=False)) for w in widths
        )

    def forward(self, x):
        for layer in self.layers:
            x = torch.cat([x, layer(x)], 1)
        return x


def densenet():
    model = classifier(
        nn.Conv2d(3, 8, 3, padding=1),
        DenseBlock(8, 4, 3), nn.BatchNorm2d(20), nn.ReLU(), nn.Conv2d(20, 10, 1), nn.AvgPool2d(2),
        DenseBlock(10, 4, 2), nn.BatchNorm2d(18), nn.ReLU(),
        channels=18,
    )
    return Example(model, {"image": images()})


def inception():
    block = Branches(
        conv(8, 4, 1),
        nn.Sequential(conv(8, 6, 1), conv(6, 8, (1, 3)), conv(8, 8, (3, 1))),
        nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), conv(8, 4, 1)),
        nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(8, 4, 1)),
    )
    model = classifier(conv(3, 8, 3, stride=2), block, nn.MaxPool2d(3, 2, ceil_mode=True), conv(20, 16), channels=16)
    return Example(model, {"image": images()})


def squeezenet():
    fire = nn.Sequential(conv(8, 4, 1), Branches(nn.Conv2d(4, 8, 1), nn.Conv2d(4, 8, 3, padding=1)), nn.ReLU())
    model = nn.Sequential(
        conv(3, 8, 3, stride=2), nn.MaxPool2d(3, 2, ceil_mode=True), fire, nn.Dropout(), nn.Conv2d(16, 5, 1),
        nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )
    return Example(model, {"image": images()})


class Shuffle(nn.Module):
    """The two halves of the channels: one passes, one is convolved, then both are interleaved."""

    def __init__(self, channels):
        super().__init__()
        half = channels // 2
        self.branch = nn.Sequential(conv(half, half, 1), conv(half, half, 3, nn.Identity, groups=half), conv(half, half, 1))

    def forward(self, x):
        kept, changed = x.chunk(2, 1)
        x = torch.cat([kept, self.branch(changed)], 1)
        n, c, h, w = x.shape
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def shufflenet():
    model = classifier(conv(3, 16, 3, stride=2), nn.MaxPool2d(3, 2, 1), Shuffle(16), Shuffle(16), channels=16)
    return Example(model, {"image": images()})


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1 = conv(3, 8, norm=lambda c: nn.InstanceNorm2d(c, affine=True))
        self.down2 = conv(8, 16, norm=lambda c: nn.GroupNorm(4, c), activation=nn.SiLU)
        self.bottom = conv(16, 16, norm=lambda c: nn.GroupNorm(2, c), activation=nn.SiLU)
        self.up2 = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.join2 = conv(24, 8, norm=lambda c: nn.GroupNorm(2, c))
        self.join1 = conv(16, 8, norm=lambda c: nn.InstanceNorm2d(c, affine=True))
        self.head = nn.Conv2d(8, 3, 1)

    def forward(self, image):
        first = self.down1(image)
        second = self.down2(F.max_pool2d(first, 2))
        bottom = self.bottom(F.max_pool2d(second, 2))
        x = self.join2(torch.cat([self.up2(bottom), second], 1))
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return self.head(self.join1(torch.cat([x, first], 1)))


def unet():
    """Labels of pixels."""
    return Example(UNet(), {"image": images(size=8)})


class Detector(nn.Module):
    """A backbone with pyramid and heads at two scales, each box described by coordinates and classes."""

    def __init__(self):
        super().__init__()
        self.stem = conv(3, 8, 3, nn.SiLU, stride=2)
        self.split = conv(8, 16, 1, nn.SiLU)
        self.inner = Residual(conv(8, 8, 1, nn.SiLU), conv(8, 8, 3, nn.SiLU))
        self.merge = conv(24, 16, 1, nn.SiLU)
        self.down = conv(16, 24, 3, nn.SiLU, stride=2)
        self.pooled = conv(24, 8, 1, nn.SiLU)
        self.after = conv(32, 16, 1, nn.SiLU)
        self.lateral = conv(32, 16, 1, nn.SiLU)
        self.small, self.large = nn.Conv2d(16, 9, 1), nn.Conv2d(16, 9, 1)

    def forward(self, image):
        x = self.split(self.stem(image))
        kept, changed = x.chunk(2, 1)
        fine = self.merge(torch.cat([kept, changed, self.inner(changed)], 1))
        x = self.pooled(self.down(fine))
        pooled = [x]
        for _ in range(3):
            pooled.append(F.max_pool2d(pooled[-1], 5, 1, 2))
        coarse = self.after(torch.cat(pooled, 1))
        fine = self.lateral(torch.cat([F.interpolate(coarse, scale_factor=2, mode="nearest"), fine], 1))
        return self.decode(self.small(fine)), self.decode(self.large(coarse))

    def decode(self, x):
        boxes, classes = x.flatten(2).transpose(1, 2).split([4, 5], 2)
        return torch.cat([boxes.sigmoid() * 2 - 0.5, classes], 2)


def detector():
    return Example(Detector(), {"image": images(size=8)}, task="values", outputs=2)


class SuperResolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 8, 5, padding=2), nn.PReLU(8), nn.Conv2d(8, 8, 3, padding=1), nn.LeakyReLU(0.1))
        self.upscale = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(8, 4, 3), nn.PixelShuffle(2))

    def forward(self, image):
        return self.upscale(self.features(image)) + F.interpolate(image, scale_factor=2, mode="bicubic", align_corners=True)


def super_resolution():
    return Example(SuperResolution(), {"image": images(channels=1, size=6)}, task="values")


def autoencoder():
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ELU(), nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.Softplus(),
        nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=1), nn.SELU(),
        nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1, groups=1), nn.Tanh(),
    )
    return Example(model, {"image": images(size=8)}, task="values")


class CausalLayer(nn.Module):
    """Gated dilated convolution of WaveNet: only the past is seen."""

    def __init__(self, channels, dilation):
        super().__init__()
        self.dilation = dilation
        self.gated = nn.Conv1d(channels, 2 * channels, 2, dilation=dilation)
        self.residual, self.skip = nn.Conv1d(channels, channels, 1), nn.Conv1d(channels, channels, 1)

    def forward(self, x):
        value, gate = self.gated(F.pad(x, (self.dilation, 0))).chunk(2, 1)
        y = torch.tanh(value) * torch.sigmoid(gate)
        return x + self.residual(y), self.skip(y)


class WaveNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.front = nn.Conv1d(1, 8, 1)
        self.layers = nn.ModuleList(CausalLayer(8, 2**i) for i in range(3))
        self.head = nn.Conv1d(8, 6, 1)

    def forward(self, sound):
        x, total = self.front(sound), 0
        for layer in self.layers:
            x, skip = layer(x)
            total = total + skip
        return self.head(F.relu(total)).transpose(1, 2)


def wavenet():
    sound = torch.randn(2, 1, 16, generator=torch.Generator().manual_seed(3))
    return Example(WaveNet(), {"sound": sound})


def volumes():
    """Convolutions in three dimensions, as for video and tomography."""
    model = nn.Sequential(
        nn.Conv3d(1, 6, 3, padding=1), nn.BatchNorm3d(6), nn.ReLU(), nn.MaxPool3d(2), nn.Conv3d(6, 8, (1, 3, 3), stride=(1, 2, 2)),
        nn.GELU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(8, 5),
    )
    volume = torch.randn(2, 1, 4, 8, 8, generator=torch.Generator().manual_seed(4))
    return Example(model, {"volume": volume})


ARCHITECTURES = [
    mobilenet_v1, mobilenet_v2, mobilenet_v3, efficientnet, efficientnet_transformers, resnet, regnet, convnext,
    convnext_v2, poolformer, vgg, alexnet, densenet, inception, squeezenet, shufflenet, unet, detector,
    super_resolution, autoencoder, wavenet, volumes,
]
