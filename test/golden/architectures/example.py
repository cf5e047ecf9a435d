"""What an architecture hands to the exporters: a module, its named inputs, and what its first output is."""

from dataclasses import dataclass, field

import torch
from torch import nn


@dataclass
class Example:
    model: nn.Module
    inputs: dict
    # "classes" are logits, along axis 1 of an image and along the last axis otherwise; "values" are regressed.
    task: str = "classes"
    outputs: int = 1
    # Axes besides the first that vary in the exported file: input name to {axis: name}.
    dynamic: dict = field(default_factory=dict)
    # False where the graph itself needs the batch that it was traced with.
    dynamic_batch: bool = True


class Pick(nn.Module):
    """A model of transformers called with positional tensors, reduced to the named fields of its output."""

    def __init__(self, model, arguments, fields, **fixed):
        super().__init__()
        self.model, self.arguments, self.fields, self.fixed = model, arguments, fields, fixed

    def forward(self, *tensors):
        found = self.model(**dict(zip(self.arguments, tensors)), **self.fixed)
        picked = tuple(getattr(found, name) for name in self.fields)
        return picked if len(picked) > 1 else picked[0]


def randomize(model, seed=0):
    """Draws all parameters anew so that activations keep their size, and no two tensors are equal."""
    generator = torch.Generator().manual_seed(seed)

    def normal(tensor, std, mean=0.0):
        with torch.no_grad():
            tensor.copy_(mean + std * torch.randn(tensor.shape, generator=generator))

    for module in model.modules():
        is_norm = "Norm" in type(module).__name__
        for name, parameter in module.named_parameters(recurse=False):
            if isinstance(module, nn.Embedding):
                normal(parameter, 0.5)
            elif is_norm and name == "weight":
                normal(parameter, 0.1, mean=0.0 if "Gemma" in type(module).__name__ else 1.0)
            elif parameter.dim() >= 2:
                normal(parameter, parameter[0].numel() ** -0.5)
            else:
                normal(parameter, 0.1)
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            normal(module.running_mean, 0.1)
            with torch.no_grad():
                module.running_var.copy_(0.5 + torch.rand(module.running_var.shape, generator=generator))
    return model.eval()


def images(count=2, channels=3, size=16):
    return torch.randn(count, channels, size, size, generator=torch.Generator().manual_seed(1))


def tokens(vocabulary, count=2, length=8):
    return torch.randint(3, vocabulary, (count, length), generator=torch.Generator().manual_seed(2))


def mask(count=2, length=8, padding=2):
    """Ones, and zeros for the padding at the end of the last sample."""
    ones = torch.ones(count, length, dtype=torch.int64)
    ones[-1, length - padding :] = 0
    return ones
