"""Networks over graphs: a whole graph is one sample, and no axis counts samples."""

import torch
from torch import nn

from .example import Example

NODES, EDGES, CHANNELS = 7, 12, 6


class Convolutions(nn.Module):
    """Two rounds of messages along edges, [2, edges]: where each comes from, and where it goes to."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(CHANNELS, 8), nn.Linear(8, 3)

    def spread(self, x, edges):
        messages = x[edges[0]]
        return x + torch.zeros_like(x).scatter_add(0, edges[1].unsqueeze(1).expand_as(messages), messages)

    def forward(self, nodes, edges):
        x = torch.tanh(self.spread(self.first(nodes), edges))
        return self.spread(self.second(x), edges)


class Neighbours(nn.Module):
    """The same with a matrix of weights between the nodes."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(CHANNELS, 8), nn.Linear(8, 3)

    def forward(self, nodes, adjacency):
        mean = adjacency / adjacency.sum(1, keepdim=True)
        return mean @ self.second(torch.tanh(mean @ self.first(nodes)))


def nodes():
    return torch.randn(NODES, CHANNELS, generator=torch.Generator().manual_seed(1))


def gcn():
    edges = torch.randint(0, NODES, (2, EDGES), generator=torch.Generator().manual_seed(2))
    inputs = {"nodes": nodes(), "edges": edges}
    dynamic = {"nodes": {0: "nodes"}, "edges": {1: "edges"}}
    return Example(Convolutions(), inputs, dynamic=dynamic, dynamic_batch=False)


def gcn_fixed():
    return Example(Convolutions(), gcn().inputs, dynamic_batch=False)


def gcn_dense():
    weights = torch.rand(NODES, NODES, generator=torch.Generator().manual_seed(3)) + torch.eye(NODES)
    dynamic = {"nodes": {0: "nodes"}, "adjacency": {0: "nodes", 1: "nodes"}}
    return Example(Neighbours(), {"nodes": nodes(), "adjacency": weights}, task="values", dynamic=dynamic, dynamic_batch=False)


ARCHITECTURES = [gcn, gcn_fixed, gcn_dense]
