"""Calls of PyTorch that exported programs have, with writes in place among them, compute what PyTorch computes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archcalc
from tests.oracle.lazy_imports import lazily

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module", autouse=True)
def torch() -> Any:
    found = pytest.importorskip("torch")
    found.set_num_threads(1)
    return found


Forward = Callable[[Any, Any], Any]


t, f = lazily("torch"), lazily("torch.nn.functional")


# --- writes ---


def write_to_slices(net: Any, x: Any) -> Any:
    y = x * 2
    seen = y.view(len(x), -1)
    y[:, :2] = x[:, 2:]
    y[:, 1:3] += 5
    y[..., -1] *= 2
    y[:, ::2].neg_()
    y[:, :, 1:4][:, 1] = x[:, 0, :3]
    return y + seen.view(y.shape)


def write_to_parts(net: Any, x: Any) -> Any:
    y = (x * 1).transpose(1, 2)
    first, second = y.chunk(2, 2)
    first.add_(second)
    second.mul_(first)
    rows = y.unbind(1)
    rows[1].sub_(rows[0])
    flat = y.transpose(1, 2).reshape(len(x), 4, 3, 2)
    flat[:, 1] = 0
    return y + t.stack(rows, 1)


def write_to_constants(net: Any, x: Any) -> Any:
    out = t.zeros(len(x), 6, 6)
    out[:, 1:5] = x
    bias = t.zeros(6)
    before = x + bias
    bias.fill_(1.0)
    net.count.add_(1)
    return out[:, 1:5] + before * (x + bias) + net.count


def write_to_copies(net: Any, x: Any) -> Any:
    copied = x.clone()
    turned = x.transpose(1, 2).contiguous()
    x.mul_(2)
    relu = x.relu()
    relu.clamp_(max=1).add_(copied)
    return relu + turned.transpose(1, 2)


def write_where(net: Any, x: Any) -> Any:
    y = x * 1
    y[y > 0.3] = 0.5
    y[:, t.tensor([2, 0])] = x[:, :2] * 3
    y[:, t.tensor([0, 1]), t.tensor([2, -1])] = 5.0
    y.masked_fill_(y < -1, -1)
    return y


# --- elements ---


def indices(net: Any, x: Any) -> Any:
    rows, columns = t.tensor([[2], [0]]), t.tensor([0, 3, 1])
    first = x[:, t.tensor([2, 0, -1])].sum((1, 2)) + x[:, rows, columns].sum((1, 2))
    second = x.index_select(2, t.tensor([5, 0])).sum(2) + x.gather(2, x.argsort(2))[:, :, 1]
    return first[:, None] + second + x[t.arange(len(x)), x[:, :, 0].argmax(-1)][:, :4]


def tables(net: Any, x: Any) -> Any:
    places = x.argmax(-1)
    one_hot = f.one_hot(places, 6).float()
    return f.embedding(places, t.tanh(net.table)) + one_hot[..., :3] + net.rows[t.tensor([1, 0, 3, 3])]


def by_size(net: Any, x: Any) -> Any:
    values, places = x.topk(2, dim=1)
    lowest = x.topk(2, dim=1, largest=False)[0]
    sorted_ = x.sort(dim=1, descending=True)[0][:, :2]
    largest, where = x.max(dim=1, keepdim=True)
    return values + places + lowest + sorted_ + largest + where + x.min(dim=1)[0][:, None] + x.argmin(1, keepdim=True)


def by_comparison(net: Any, x: Any) -> Any:
    inside = (x > -1) & (x <= 1) | ~(x < 2)
    same = t.logical_xor(x >= x[:, :1], x.eq(0)) + t.logical_not(x.ne(x[:, 1:2]))
    steps = t.bucketize(x, t.tensor([-1.0, 0.0, 0.5])) + t.bucketize(x, t.tensor([0.0, 1.0]), right=True)
    return inside.float() + same + steps + x.sign() + (x > 1).any(-1, keepdim=True) + (x > -1).all(1, keepdim=True)


def by_position(net: Any, x: Any) -> Any:
    moved = t.rot90(x, 1, (1, 2)).transpose(1, 2) + x.flip(1) + x.roll((1, -2), (1, 2)) + x.triu() + x.tril(-1)
    return (
        moved + x.cumsum(1) + t.diagonal(x, 1, 1, 2).sum(-1)[:, None, None] + x.unfold(2, 3, 2).sum((2, 3))[:, :, None]
    )


# --- numbers ---


def functions(net: Any, x: Any) -> Any:
    near = x.abs() + 0.1
    sums = t.sin(x) + t.cos(x) + t.erf(x) + t.expm1(x) + t.exp2(x) + 2.0**x + x.square() + near.rsqrt()
    logs = t.log1p(near) + t.log2(near) + t.log10(near) + t.pow(near, 0.3) + near.reciprocal()
    rounded = x.floor() + x.ceil() + x.trunc() + (x * 3).long() + t.floor_divide(x, 0.3) + t.remainder(x, 0.7)
    mixed = t.lerp(x, logs, 0.3) + t.addcmul(x, x, x, value=2) + t.addcdiv(x, x, near, value=0.5)
    return sums + logs + rounded + mixed + x.relu().bool().float()


def activations(net: Any, x: Any) -> Any:
    shrunk = f.hardshrink(x) + f.softshrink(x) + f.tanhshrink(x) + f.softsign(x) + f.threshold(x, 0.1, -2)
    bounded = f.hardtanh(x, -0.3, 2.0) + x.clamp(min=-0.5) + x.clip(max=0.5) + f.logsigmoid(x)
    return shrunk + bounded + f.celu(x, 0.7) + f.softplus(x, beta=2) + f.prelu(x, t.sigmoid(net.channels))


def statistics(net: Any, x: Any) -> Any:
    spread = x.var(-1) + x.std(-1, unbiased=False) + x.logsumexp(-1) + t.var_mean(x, dim=[1, 2])[1][:, None]
    norms = (
        x.norm(p=1, dim=-1) + x.norm(p=3, dim=-1) + t.linalg.vector_norm(x, ord=float("inf"), dim=-1) + x.norm(dim=-1)
    )
    pairs = f.cosine_similarity(x, x * 2 + 1, dim=-1) + f.pairwise_distance(x, x + 1)
    return spread + norms + pairs + x.amax((1, 2))[:, None] + x.amin(-1) + x.prod(-1) + x.mean((1, 2))[:, None]


# --- layers ---


def products(net: Any, x: Any) -> Any:
    vectors = x @ net.vector + x[:, :, 0] * t.dot(net.vector, net.vector)
    several = t.einsum("bij,jk,kl->bil", x, net.matrix, net.matrix) + t.einsum("bij->bji", x.transpose(1, 2))
    added = t.baddbmm(several @ several.transpose(1, 2), x, x.transpose(1, 2), beta=0.5)
    return vectors + several.sum(-1) + added.sum(-1) + (t.outer(net.vector, net.vector) @ x[:, 0, :, None])[:, 0]


def one_sided(net: Any, x: Any) -> Any:
    layer = f.layer_norm(x, (6,), net.vector, None) + f.layer_norm(x, (6,), None, net.vector)
    return layer + f.group_norm(x, 2, net.channels, None) + f.batch_norm(x, net.mean, net.variance, net.channels, None)


def windows(net: Any, x: Any) -> Any:
    unfolded = f.unfold(x[:, None], (3, 2), padding=1, stride=2, dilation=(1, 2))
    folded = f.fold(f.unfold(x[:, None], 3, padding=1), (4, 6), 3, padding=1)
    return folded[:, 0] + unfolded.sum((1, 2))[:, None, None]


def computed_kernels(net: Any, x: Any) -> Any:
    kernels = f.batch_norm(net.kernels.reshape(1, 4, -1), None, None, net.channels, training=True, eps=1e-6)
    first = f.conv1d(x, kernels.reshape(net.kernels.shape), net.channels, padding=1, groups=2)
    return first + f.conv1d(x, t._weight_norm(net.kernels, net.channels[:, None, None], 0), padding="same", groups=2)


def resampled(net: Any, x: Any) -> Any:
    image = x[:, None]
    exact = f.interpolate(image, (9, 13), mode="nearest-exact") + f.interpolate(image, (9, 13), mode="bicubic")
    smooth = f.interpolate(image, (9, 13), mode="bilinear", antialias=True)
    smaller = f.interpolate(image, (3, 4), mode="bicubic", antialias=True)
    line = f.interpolate(x, 13, mode="linear")
    return exact + smooth + smaller.sum((2, 3), keepdim=True) + line.mean(1)[:, None, None]


def shuffled(net: Any, x: Any) -> Any:
    image = x.reshape(len(x), 4, 3, 2)
    return f.pixel_unshuffle(f.pixel_shuffle(image, 2), 2) + f.channel_shuffle(image, 2) + image.movedim(1, 1)


def cells(net: Any, x: Any) -> Any:
    state, cell = net.lstm(x[:, 0])
    state, cell = net.lstm(x[:, 1], (state, cell))
    return net.gru(x[:, 2], state) + cell


# --- rarer functions ---


def curves(net: Any, x: Any) -> Any:
    near, wide = x.tanh() * 0.9, x.abs() + 1.5
    sums = t.asin(near) + t.acos(near) + t.atan(x) + t.atan2(x, near - 0.3) + t.atan2(x * 0, near.clamp(min=0))
    sums = sums + t.tan(near) + t.sinh(x) + t.cosh(x) + t.asinh(x * 5) + t.acosh(wide) + t.atanh(near)
    halves = t.tensor([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])
    signs = t.fmod(x, wide) + t.remainder(x * 3, wide) + t.remainder(x, t.reciprocal(x.flip(-1) * 0)).clamp(-9, 9)
    codes = t.fake_quantize_per_tensor_affine(x, 0.25, 3, -127, 127) + t.fake_quantize_per_tensor_affine(
        x, 0.5, 9, 0, 15
    )
    large = (x * 0 + t.tensor([0.49999997, 8388609.0, -8388611.0, 12582913.0, -0.49999997, 4194303.5])).round() % 1024
    rounded = x.round() + (x * 0 + halves).round() + large
    return sums + rounded + t.fmod(x * 3, 0.7) + signs + codes + x.isnan() + x.isinf()


def number_formats(net: Any, x: Any) -> Any:
    steps = t.arange(6) * 0.3 - 0.5
    fixed = (
        steps.to(t.bfloat16).float() + t.full((6,), -0.7, dtype=t.bfloat16).float() + steps.to(t.float8_e5m2).float()
    )
    wide = x * 500
    eighths = wide.to(t.float8_e4m3fn).float() + wide.to(t.float8_e5m2).float()
    return fixed + eighths + wide.abs().to(t.float8_e8m0fnu).float()


def placed(net: Any, x: Any) -> Any:
    where = x.argmax(-1, keepdim=True)
    one = t.zeros_like(x).scatter(2, where, 1.0) + x.scatter(2, where, x[..., :1])
    added = x.scatter_add(2, x.argsort(2), x) + x.scatter_reduce(1, x.argsort(1) // 2, x, "sum")
    order, parts = x.argsort(2), [x.scatter(2, x.argsort(2)[..., :3], x[..., :3])]
    parts += [x.scatter_reduce(2, order // 2, x * 2, how) for how in ("prod", "amax", "amin")]
    index = t.tensor([3, 0, 3])
    parts += [x.index_add(1, index, x[:, :3], alpha=2), x.index_copy(2, index[:2], x[..., 1:3])]
    parts += [x.index_fill(2, index, 7.0), t.ops.aten.index_put(x, [None, index], x[:, 1:], True)]
    written = x * 1
    written[:, :, net.table[:2, 0].argsort()] = x[..., 3:5]
    return one + added + sum(parts) + written


def distances(net: Any, x: Any) -> Any:
    other = x[:, 1:] * 2
    orders = [t.cdist(x, other, p) for p in (1.0, 2.0, 3.0, float("inf"))]
    return sum(each.sum(-1) for each in orders)


def bags(net: Any, x: Any) -> Any:
    places = x.argmax(-1)
    return f.embedding_bag(places, net.table, mode="sum") + f.embedding_bag(places, net.table) + net.table.sum()


def padded(net: Any, x: Any) -> Any:
    image, widths = x[:, None], (1, 2, 2, 1)
    both = [f.pad(image, widths, mode=mode) for mode in ("reflect", "replicate")]
    return both[0] + both[1] + f.pad(x, (2, 1), mode="reflect").mean((1, 2))[:, None, None, None]


def sampled(net: Any, x: Any) -> Any:
    image = t.stack([x, -x, x * 2], 1)
    grid = t.stack([x[:, :3] * 0.8, x[:, 1:4] * 0.7], -1)
    made = [
        f.grid_sample(image, grid, mode=mode, padding_mode=outside, align_corners=aligned)
        for mode in ("bilinear", "nearest", "bicubic")
        for outside in ("zeros", "border", "reflection")
        for aligned in (False, True)
    ]
    return sum(made)


def unpooled(net: Any, x: Any) -> Any:
    image = t.stack([x, -x], 1)
    largest, places = f.max_pool2d(image, (2, 3), return_indices=True)
    _, others = f.max_pool2d(image, 3, 2, 1, return_indices=True)
    back = f.max_unpool2d(largest, places, (2, 3), output_size=image.shape[2:])
    return back + others.sum((2, 3))[:, :, None, None]


def diagonals(net: Any, x: Any) -> Any:
    square = x[:, :, :4]
    return t.einsum("bii->bi", square) + t.einsum("bii,bi->b", square, x[:, 0, :4])[:, None]


# --- graphs in graphs ---


def without_gradients(net: Any, x: Any) -> Any:
    with t.no_grad():
        y = x * 2
        y[:, 0] = x[:, 1]
        with t.autocast("cpu", enabled=False):
            y = t.tanh(y)
    return net.linear(y) + y


FORWARDS: tuple[Forward, ...] = (
    write_to_slices,
    write_to_parts,
    write_to_constants,
    write_to_copies,
    write_where,
    indices,
    tables,
    by_size,
    by_comparison,
    by_position,
    functions,
    activations,
    statistics,
    products,
    one_sided,
    windows,
    computed_kernels,
    resampled,
    shuffled,
    cells,
    sampled,
    unpooled,
    diagonals,
    without_gradients,
    curves,
    number_formats,
    placed,
    distances,
    bags,
    padded,
)


def network(forward: Forward) -> Any:
    """Return a module with the stored arrays that a function uses."""
    from torch import nn

    net = type("Net", (nn.Module,), {"forward": forward})()
    used = forward.__code__.co_names
    for name, shape in {
        "table": (6, 3),
        "rows": (4, 3),
        "vector": (6,),
        "channels": (4,),
        "matrix": (6, 6),
        "kernels": (4, 2, 3),
    }.items():
        if name in used:
            net.register_parameter(name, nn.Parameter(t.randn(shape)))
    for name, array in {"mean": t.randn(4), "variance": t.rand(4) + 0.5, "count": t.zeros(6)}.items():
        if name in used:
            net.register_buffer(name, array)
    for name, module in {"lstm": nn.LSTMCell, "gru": nn.GRUCell, "linear": nn.Linear}.items():
        if name in used:
            net.add_module(name, module(6, 6))
    return net.eval()


UNCOUNTED = {products}
"""Those with products of vectors, which FlopCounterMode does not count."""


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("forward", FORWARDS, ids=lambda forward: forward.__name__)
def test_calls_have_the_figures_and_the_results_of_pytorch(forward: Forward, batch: int, tmp_path: Path) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    t.manual_seed(0)
    net, x = network(forward), t.randn(batch, 4, 6)
    state = {name: array.clone() for name, array in net.state_dict().items()}
    t.export.save(t.export.export(net, (x.clone(),)), tmp_path / "net.pt2")
    net.load_state_dict(state)
    with FlopCounterMode(display=False) as counter, t.no_grad():
        expected = net(x.clone()).numpy()
    read = archcalc.load(str(tmp_path / "net.pt2"))
    totals = read.analyze().totals
    assert totals.trainable == sum(each.numel() for each in net.parameters())
    assert totals.macs * batch * 2 == counter.get_total_flops() or forward in UNCOUNTED
    found = read.run({next(iter(read.graph.inputs)): x.numpy()}).output
    assert np.abs(found.reshape(expected.shape) - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("forward", [padded, bags, distances, by_comparison], ids=lambda forward: forward.__name__)
def test_decomposed_programs_compute_the_same(forward: Forward, tmp_path: Path) -> None:
    t.manual_seed(0)
    net, x = network(forward), t.randn(2, 4, 6)
    t.export.save(t.export.export(net, (x,)).run_decompositions(), tmp_path / "net.pt2")
    with t.no_grad():
        expected = net(x).numpy()
    read = archcalc.load(str(tmp_path / "net.pt2"))
    assert read.analyze().totals.trainable == sum(each.numel() for each in net.parameters())
    found = read.run({next(iter(read.graph.inputs)): x.numpy()}).output
    assert np.abs(found.reshape(expected.shape) - expected).max() <= 1e-5 * np.abs(expected).max()
