"""Exported networks of different kinds compute what PyTorch computes, with their weights, at every size they allow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archcalc

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module", autouse=True)
def torch() -> Any:
    found = pytest.importorskip("torch")
    found.set_num_threads(1)
    return found


def networks() -> dict[str, tuple[Callable[[], Any], tuple[int, ...]]]:
    """Return a function that makes each network, and the shape of its input without the batch."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Residual(nn.Module):
        """The sum is written into the result of the convolution, and activated in place."""

        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)

        def forward(self, x: Any) -> Any:
            y = self.norm(self.conv(x))
            y += x
            z = y.relu_()
            return y + z

    class Squeeze(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down, self.up = nn.Conv2d(6, 3, 1), nn.Conv2d(3, 6, 1)

        def forward(self, x: Any) -> Any:
            gate = self.up(functional.silu(self.down(functional.adaptive_avg_pool2d(x, 1))))
            return x * torch.sigmoid(gate)

    class Shuffle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(2, 2, 3, padding=1, groups=2)

        def forward(self, x: Any) -> Any:
            b, c, h, w = x.shape
            first, second = x.chunk(2, dim=1)
            x = torch.cat((first, self.conv(second)), dim=1)
            return x.view(b, 2, c // 2, h, w).transpose(1, 2).reshape(b, c, h, w)

    class ChannelsLast(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.fc = nn.LayerNorm(5), nn.Linear(5, 5)
            self.scale = nn.Parameter(torch.rand(5, 1, 1))

        def forward(self, x: Any) -> Any:
            y = functional.gelu(self.fc(self.norm(x.permute(0, 2, 3, 1))))
            return x + self.scale * y.permute(0, 3, 1, 2)

    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 6, bias=False)
            self.second.weight = self.first.weight

        def forward(self, x: Any) -> Any:
            return self.second(torch.tanh(self.first(x)))

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inside, self.down = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 8, 3, stride=2, padding=1)
            self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)

        def forward(self, x: Any) -> Any:
            a = self.inside(x)
            return torch.cat((a, self.up(functional.leaky_relu(self.down(a), 0.1))), 1)

    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention, self.norm = nn.MultiheadAttention(8, 2, batch_first=True), nn.LayerNorm(8)

        def forward(self, x: Any) -> Any:
            y = self.norm(x)
            return x + self.attention(y, y, y, need_weights=False)[0]

    class Shifted(nn.Module):
        """Scores with a bias per relative position, which is a row of a table, on tokens that are shifted."""

        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Parameter(torch.randn(7, 2))
            places = torch.arange(4)
            self.register_buffer("index", (places[:, None] - places[None, :] + 3).flatten())

        def forward(self, x: Any) -> Any:
            x = torch.roll(x, shifts=(-1, 2), dims=(2, 3))
            bias = self.table[self.index].view(4, 4, 2).permute(2, 0, 1)
            scores = torch.matmul(x * 0.5, x.transpose(-2, -1)) + bias
            return torch.matmul(scores.softmax(-1), x)

    class States(nn.Module):
        """A decoder that starts with the last states of an encoder, positions first in one of its layers."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.LSTM(8, 6, 2, batch_first=True, proj_size=4)
            self.decoder = nn.LSTM(4, 6, 2, batch_first=True, proj_size=4)
            self.last = nn.GRU(4, 5, bidirectional=True, bias=False)

        def forward(self, x: Any) -> Any:
            y, states = self.encoder(x)
            z, _ = self.decoder(y, states)
            output, state = self.last(z.transpose(0, 1))
            return torch.cat([output[-1], state[0], state[1]], -1)

    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.read = nn.LSTM(8, 6, 2, batch_first=True, bidirectional=True)
            self.relu = nn.RNN(12, 5, nonlinearity="relu", batch_first=True)
            self.head = nn.Linear(5, 3)

        def forward(self, x: Any) -> Any:
            return self.head(self.relu(self.read(x)[0])[0][:, -1])

    class Rows(nn.Module):
        """Recurrent layers over the columns and the rows of maps, with norms that have a scale but no shift."""

        def __init__(self) -> None:
            super().__init__()
            self.across, self.down = nn.LSTM(4, 3, batch_first=True, bidirectional=True), nn.GRU(4, 6)
            self.norm = nn.LayerNorm(4, bias=False)
            self.scale = nn.Parameter(torch.rand(4))

        def forward(self, x: Any) -> Any:
            b, h, w, c = x.shape
            y = self.norm(x)
            across = self.across(y.reshape(b * h, w, c))[0].reshape(b, h, w, 6)
            columns, state = self.down(y.permute(1, 0, 2, 3).reshape(h, b * w, c))
            down = columns.reshape(h, b, w, 6).permute(1, 0, 2, 3) + state.reshape(b, 1, w, 6)
            y = (across * down).permute(0, 3, 1, 2)
            return functional.group_norm(y[:, :4], 2, self.scale)

    class Voters(nn.Module):
        """Queries of several heads that share keys and values, and votes weighted by single numbers."""

        def __init__(self) -> None:
            super().__init__()
            self.q, self.kv = nn.Linear(6, 12), nn.Linear(6, 6)
            self.votes = nn.Parameter(torch.rand(2))

        def forward(self, x: Any) -> Any:
            q, (k, v) = self.q(x).unflatten(2, (4, 3)).transpose(1, 2), self.kv(x)[:, None].chunk(2, -1)
            y = functional.scaled_dot_product_attention(q, k, v)
            votes = self.votes.softmax(0)
            return votes[0] * y.max(2).values + votes[1] * y.min(2)[0]

    class Fixed(nn.Module):
        """A filter that is not trained, a matrix for each row of maps, and what examples of a batch have in common."""

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("blur", torch.rand(4, 1, 3, 3))
            self.rows = nn.Parameter(torch.rand(3, 4, 5))
            self.table = nn.Parameter(torch.rand(6, 5))

        def forward(self, x: Any) -> Any:
            b = x.shape[0]
            y = functional.conv2d(x, self.blur, stride=2, padding=1, groups=4)
            y = (y.permute(2, 0, 3, 1).reshape(3, b * 4, 4) @ self.rows).reshape(3, b, 4, 5).transpose(0, 1)
            z = self.table @ y.flatten(1, 2).permute(2, 1, 0).reshape(5, 12 * b)
            z = z.reshape(6, 12, b).permute(2, 0, 1)
            if b == 1:
                flat = functional.normalize(z.flatten(1), dim=-1)
                z = z * (flat @ flat.t()).softmax(0)
            return z.mean(2) + y.mean((1, 2, 3))[:, None]

    class Decoder(nn.Module):
        """Rotary positions, root-mean-square norms, Boolean causal masks, and heads that share keys."""

        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.rand(8))
            self.q, self.k, self.v = nn.Linear(8, 8, bias=False), nn.Linear(8, 4), nn.Linear(8, 4)

        def forward(self, x: Any) -> Any:
            b, n, _ = x.shape
            y = self.scale * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))
            q, k, v = (each(y).view(b, n, -1, 2).transpose(1, 2) for each in (self.q, self.k, self.v))
            angles = torch.arange(n)[:, None] * torch.tensor([1.0, 1.0])
            k = k * angles.cos() + torch.cat((-k[..., 1:], k[..., :1]), -1) * angles.sin()
            k, v = (each[:, :, None].expand(b, 2, 2, n, 2).reshape(b, 4, n, 2) for each in (k, v))
            mask = torch.ones(n, n, dtype=torch.bool).tril()
            y = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=0.3)
            return x + y.transpose(1, 2).flatten(2)

    class Cosine(nn.Module):
        """Scores of unit vectors in Einstein notation, with a bounded temperature and a computed bias."""

        def __init__(self) -> None:
            super().__init__()
            self.temperature, self.bias = nn.Parameter(torch.rand(2, 1, 1)), nn.Parameter(torch.rand(3))
            self.weight = nn.Parameter(torch.rand(4, 6))

        def forward(self, x: Any) -> Any:
            unit = functional.normalize(x, dim=-1)
            scores = torch.einsum("bhid,bhjd->bhij", unit, unit) * self.temperature.clamp(max=0.5).exp()
            mixed = (scores.softmax(-1) @ x) @ self.weight
            return mixed + torch.cat((self.bias, torch.zeros(2), self.bias[:1]))

    class Parts(nn.Module):
        """A convolution and a norm of parts of examples, and padding of tokens and of features."""

        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 3, 3, stride=2, padding=1, groups=3), nn.BatchNorm2d(3)

        def forward(self, x: Any) -> Any:
            y = x.reshape(-1, 3, 6, 6)
            y = functional.max_pool2d(self.norm(self.conv(y)), 2, padding=1)
            y = y.reshape(x.shape[0], 2, 3, -1).transpose(2, 3)
            y = functional.pad(y, (1, 0, 0, -1)) * torch.linspace(0, 1, 4)
            return functional.pad(y, (0, 0, 1, 1), value=0.5) if x.shape[0] == 1 else y

    class Masked(nn.Module):
        """Scores that a constant mask replaces, spread by repetition, and reduced to a number."""

        def __init__(self) -> None:
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.rand(5, 5)), nn.Parameter(torch.rand(5))
            self.register_buffer("mask", torch.eye(5, dtype=torch.bool))

        def forward(self, x: Any) -> Any:
            rows = torch.addmm(self.bias, x.reshape(-1, 5), self.weight).view(x.shape)
            rows = torch.stack((rows, 1 - rows), 1).repeat_interleave(2, 1)
            return rows.masked_fill(self.mask, -3.0).amax(-1) + rows.repeat(1, 1, 1, 2).sum(-1)

    return {
        "recurrent": (Reader, (7, 8)),
        "states": (States, (7, 8)),
        "rows and columns": (Rows, (3, 5, 4)),
        "votes of heads": (Voters, (5, 6)),
        "fixed filters": (Fixed, (4, 5, 7)),
        "grouped and rotated heads": (Decoder, (5, 8)),
        "unit vectors": (Cosine, (2, 5, 4)),
        "parts of examples": (Parts, (2, 3, 6, 6)),
        "masks and repetition": (Masked, (5, 5)),
        "attention": (Tokens, (5, 8)),
        "shifted windows": (Shifted, (2, 4, 6)),
        "residual": (Residual, (4, 6, 6)),
        "squeeze and excitation": (Squeeze, (6, 5, 7)),
        "channel shuffle": (Shuffle, (4, 6, 4)),
        "channels last": (ChannelsLast, (5, 4, 6)),
        "tied weights": (Tied, (3, 6)),
        "encoder and decoder": (Encoder, (3, 8, 12)),
        "group normalisation": (
            lambda: nn.Sequential(nn.Conv2d(3, 8, 3, dilation=2), nn.GroupNorm(4, 8), nn.Hardswish()),
            (3, 9, 9),
        ),
        "signals": (
            lambda: nn.Sequential(
                nn.Conv1d(2, 6, 5, stride=2), nn.ReLU6(), nn.MaxPool1d(3), nn.Flatten(), nn.LazyLinear(3)
            ),
            (2, 40),
        ),
        "volumes": (
            lambda: nn.Sequential(nn.Conv3d(2, 4, 3), nn.BatchNorm3d(4), nn.ELU(), nn.AvgPool3d(2)),
            (2, 8, 6, 8),
        ),
        "classifier": (
            lambda: nn.Sequential(
                nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Softmax(1)
            ),
            (3, 8, 8),
        ),
    }


NAMES = [
    "recurrent",
    "states",
    "rows and columns",
    "votes of heads",
    "fixed filters",
    "grouped and rotated heads",
    "unit vectors",
    "parts of examples",
    "masks and repetition",
    "attention",
    "shifted windows",
    "residual",
    "squeeze and excitation",
    "channel shuffle",
    "channels last",
    "tied weights",
    "encoder and decoder",
    "group normalisation",
    "signals",
    "volumes",
    "classifier",
]


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_a_file_runs_with_its_weights(torch: Any, name: str, batch: int, tmp_path: Path) -> None:
    torch.manual_seed(0)
    make, shape = networks()[name]
    model, x = make().eval(), torch.randn(batch, *shape)
    with torch.no_grad():
        expected = model(x).numpy()
        for array in model.buffers():
            if array.is_floating_point():
                array.uniform_(0.5, 1.5)
        expected = model(x).numpy()
    torch.export.save(torch.export.export(model, (x,)), tmp_path / "net.pt2")
    network = archcalc.load(str(tmp_path / "net.pt2"))
    assert network.analyze().totals.trainable == sum(each.numel() for each in model.parameters())
    found = network.run({next(iter(network.graph.inputs)): x.numpy()}).output
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("name", ["residual", "squeeze and excitation", "channels last", "encoder and decoder"])
def test_a_file_with_dynamic_sizes_answers_for_all_of_them(torch: Any, name: str, tmp_path: Path) -> None:
    make, shape = networks()[name]
    model, x = make().eval(), torch.randn(2, *shape)
    batch, height, width = torch.export.Dim("batch"), torch.export.Dim("height"), torch.export.Dim("width")
    even = name == "encoder and decoder"
    sizes = {0: batch, 2: 2 * height if even else height, 3: 2 * width if even else width}
    program = torch.export.export(model, (x,), dynamic_shapes=(sizes,))
    torch.export.save(program, tmp_path / "dynamic.pt2")
    for other in [(10, 14), (6, 20)]:
        again = torch.export.export(model, (torch.randn(2, shape[0], *other),))
        torch.export.save(again, tmp_path / "static.pt2")
        given = "x".join(map(str, (shape[0], *other)))
        ours = archcalc.load(str(tmp_path / "dynamic.pt2"), shapes=given)
        theirs = archcalc.load(str(tmp_path / "static.pt2"))
        assert [node.outputs for node in ours.graph.nodes] == [node.outputs for node in theirs.graph.nodes]
        assert ours.analyze().totals.macs == theirs.analyze().totals.macs
