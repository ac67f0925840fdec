"""Keras models, written by Keras and read without it, against Keras itself.

The constructors of keras.applications, without weights: archcalc must read the description of each, and agree in
`count_params`, in how many of these are trained and how many are not, and in the shape of every layer's output. Small
models of all kinds of layers, with random weights: archcalc must also compute what `predict` returns, to 1e-4 of its
largest number, from the ``.keras`` file and from the HDF5 file of the entire model. Prints each model that differs, and
exact/tried.

Files are kept in a folder, and not written again. Needs Keras with a backend (KERAS_BACKEND=jax), and h5py; version 2,
with TensorFlow, writes the models that it can. With --fixtures, the small models and some of the others are written to
tests/readers/keras/files, with the facts inside.

    python -m benchmarks.keras_models FOLDER [--only WORD] [--fixtures]
"""

from __future__ import annotations

import argparse
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import archcalc
from archcalc.analysis.propagate import analyze
from archcalc.counters.network import counts_of
from archcalc.counters.tools.keras import KERAS
from archcalc.graph import ordered
from archcalc.readers.keras.flat_model import cleaned

IMAGE = 224
TOLERANCE = 1e-4


def applications() -> list[str]:
    """Return the constructors of models in ``keras.applications``."""
    import keras

    known = vars(keras.applications)
    return sorted(name for name, each in known.items() if name[0].isupper() and callable(each))


def write_application(name: str, folder: Path) -> None:
    """Write the description of a model, and what Keras says about it."""
    import keras

    without_values()
    keras.backend.clear_session()
    model = getattr(keras.applications, name)(weights=None)
    Path(folder, f"{name}.facts").write_text(json.dumps(facts(model)))
    Path(folder, f"{name}.json").write_text(model.to_json())


def without_values() -> None:
    """Make arrays zeros instead of random numbers, whose values do not matter here."""
    import keras
    import numpy as np

    for each in vars(keras.initializers).values():
        if isinstance(each, type):
            each.__call__ = lambda self, shape, dtype=None, **_: np.zeros(shape, "float32")


def facts(model: Any) -> dict[str, Any]:
    """Return the parameters of a model, and the shapes of the outputs of all layers by path, without the batch."""
    trained = sum(prod(weight.shape) for weight in model.trainable_weights)
    return {"params": model.count_params(), "trained": trained, "shapes": dict(shapes(model, ""))}


def shapes(model: Any, around: str) -> Iterator[tuple[str, list[Any]]]:
    import keras

    for layer in model.layers:
        if around and isinstance(layer, keras.layers.InputLayer):
            continue  # it is what the outer model passes
        if not isinstance(layer.output, list | tuple):
            yield f"{around}{layer.name}", list(layer.output.shape[1:])
        if isinstance(layer, keras.Model):
            yield from shapes(layer, f"{around}{layer.name}/")


def differences(path: Path, known: dict[str, Any]) -> list[str]:
    """Return how archcalc's figures of a model file differ from the facts."""
    first = next(iter(known["shapes"].values()))
    given = {"shapes": "x".join(str(size or IMAGE) for size in first)} if None in first else {}
    network = archcalc.load(str(path), **given)
    graph = network.graph
    counts = {
        each.quantity.name: each.value
        for each in counts_of(analyze(graph, receptive=False), network.spec.model, (KERAS,))
    }
    trained = known["trained"]
    totals = {"params": known["params"], "trainable_params": trained, "non_trainable_params": known["params"] - trained}
    found = [f"{key}: {counts[key]}, Keras {total}" for key, total in totals.items() if counts[key] != total]
    made: dict[str, list[list[Any]]] = {}
    for node in graph.nodes:
        for length in range(1, len(node.path) + 1):
            made.setdefault("/".join(node.path[:length]), []).append(list(ordered(node.output, graph.layout)))
    for name, shape in known["shapes"].items():
        computed = made.get("/".join(map(cleaned, name.split("/"))), [[]])
        several = computed if name in REVERSED else computed[-1:]
        if not any(map(partial(same_shape, shape), several)):
            found.append(f"{name}: {computed[-1]}, Keras {shape}")
    return found


REVERSED = ("reversible_embedding",)
"""The layers whose calls make tensors of different shapes; Keras tells that of the first."""


def same_shape(shape: list[Any], computed: list[Any]) -> bool:
    """Return whether a shape is that of Keras, which may leave sizes open."""
    return len(computed) == len(shape) and all(n in (None, m) for n, m in zip(shape, computed, strict=True))


def write_small(name: str, folder: Path) -> None:
    """Write a small model with random weights, an input, and what Keras computes from it."""
    import keras
    import numpy as np

    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    model = SMALL[name](keras)
    random = np.random.default_rng(0)
    model.set_weights([random.uniform(0.1, 0.9, weight.shape) for weight in model.get_weights()])
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # which takes the statistics from the weights
    inputs = [
        random.integers(0, 9, (2, *each.shape[1:]))
        if "int" in str(each.dtype)
        else random.normal(size=(2, *each.shape[1:]))
        for each in model.inputs
    ]
    made = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    outputs = list(made.values()) if isinstance(made, dict) else made if isinstance(made, list | tuple) else [made]
    arrays = {f"input_{number}": each for number, each in enumerate(inputs)}
    model.save(Path(folder, f"{name}.h5"))
    model.save(Path(folder, f"{name}.keras"))
    np.savez(Path(folder, f"{name}.npz"), **arrays, **{f"output_{number}": each for number, each in enumerate(outputs)})
    Path(folder, f"{name}.facts").write_text(json.dumps(facts(model)))


def small_differences(path: Path, known: dict[str, Any]) -> list[str]:
    """Return how archcalc's figures and results of a model file differ from those of Keras."""
    import numpy as np

    network = archcalc.load(str(path))
    graph = network.graph
    arrays = np.load(path.with_suffix(".npz"))
    first = (lambda a: np.moveaxis(a, -1, min(1, a.ndim - 1))) if graph.layout == "hwc" else (lambda a: a)
    inputs = {name: first(arrays[f"input_{number}"]) for number, name in enumerate(graph.inputs)}
    run = network.run(inputs)
    found = differences(path, known)
    for number, name in enumerate(graph.outputs):
        expected = first(arrays[f"output_{number}"])
        computed = run.outputs[name].reshape(expected.shape)
        error = np.abs(computed - expected).max() / max(np.abs(expected).max(), 1e-6)
        if not error <= TOLERANCE:
            found.append(f"{name}: differs by {error:.1e} of the largest number")
    return found


def _sequential(shape: tuple[int, ...], *layers: Callable[[Any], Any], dtype: str = "float32") -> Callable[[Any], Any]:
    """Return what builds a model of layers that follow each other, each given by what makes it of ``keras.layers``."""

    def build(keras: Any) -> Any:
        model = keras.Sequential([keras.Input(shape, dtype=dtype)])
        for each in layers:
            with suppress(AttributeError, ValueError):  # versions lack some layers and activations
                model.add(each(keras.layers))
        return model

    return build


def _named_activation(name: str) -> Callable[[Any], Any]:
    return lambda k: k.Activation(name)


def two_ends(keras: Any) -> Any:
    """Return a model with two inputs and outputs, a shared layer, a nested model, and functions of tensors."""
    layers = keras.layers
    image, sequence = keras.Input((8, 9, 3), name="image"), keras.Input((5,), dtype="int32", name="sequence")
    inner_input = keras.Input((8, 9, 4))
    inner = keras.Model(inner_input, layers.Conv2D(4, 3, padding="same")(layers.ReLU()(inner_input)), name="inner")
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same", use_bias=False)(image))
    x = layers.Flatten()(layers.MaxPooling2D()(inner(inner(x))))
    tokens = layers.Embedding(10, 4)(sequence)
    tokens = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(tokens)
    tokens = layers.GRU(3)(layers.MultiHeadAttention(2, 3)(tokens, tokens))
    shared = layers.Dense(4, name="shared")
    both = layers.Concatenate()([shared(layers.Dense(6)(x)), shared(layers.Dense(6)(tokens))])
    rectified = keras.ops.relu if hasattr(keras, "ops") else keras.activations.relu
    return keras.Model([image, sequence], [both * 2.0 + 1, rectified(both)[:, :2]])


def attention(keras: Any) -> Any:
    layers = keras.layers
    x = keras.Input((6, 8))
    y = keras.Input((4, 5))
    made = layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)
    made = layers.MultiHeadAttention(2, 3, output_shape=8)(made, y, layers.Dense(5)(y))
    if hasattr(layers, "GroupQueryAttention"):
        made = layers.GroupQueryAttention(4, 4, 2)(layers.LayerNormalization()(made), made)
    made = layers.Attention()([made, x])
    return keras.Model([x, y], layers.EinsumDense("abc,cd->abd", output_shape=(None, 7), bias_axes="d")(made))


def vision_transformer(keras: Any) -> Any:
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    x = layers.Reshape((16, 6))(layers.Conv2D(6, 2, 2)(image))
    x = layers.Add()([x, layers.MultiHeadAttention(2, 3)(layers.LayerNormalization()(x), x)])
    return keras.Model(image, layers.GlobalAveragePooling1D()(layers.Dense(5, "gelu")(x)))


def merges(keras: Any) -> Any:
    layers = keras.layers
    x, y = keras.Input((4, 6, 3)), keras.Input((4, 6, 3))
    parts = [kind()([x, y]) for kind in (layers.Add, layers.Average, layers.Maximum, layers.Minimum, layers.Multiply)]
    pooled = layers.GlobalMaxPooling2D(keepdims=True)(layers.Subtract()([x, y]))
    joined = layers.Concatenate(axis=1)([*parts, layers.Multiply()([x, pooled])])
    return keras.Model([x, y], [joined, layers.Dot(axes=-1)([layers.Flatten()(x), layers.Flatten()(y)])])


def channels_first(keras: Any) -> Any:
    """Return a model whose layers have the channels first; not every backend runs it."""
    layers = keras.layers
    x = keras.Input((3, 8, 9))
    made = layers.Conv2D(4, 3, data_format="channels_first", padding="same")(x)
    made = layers.BatchNormalization(axis=1)(made)
    made = layers.AveragePooling2D(2, data_format="channels_first", padding="same")(made)
    return keras.Model(x, layers.Dense(3)(layers.Flatten(data_format="channels_first")(made)))


def states(keras: Any) -> Any:
    layers = keras.layers
    x = keras.Input((5, 4))
    made, h, c = layers.LSTM(3, return_state=True, return_sequences=True)(x)
    again = layers.LSTM(3)(made, initial_state=[h, c])
    return keras.Model(x, [again, layers.SimpleRNN(3, return_sequences=True)(made)])


def in_steps(keras: Any) -> Any:
    """Return a model of frames: a nested model at every step, and convolutional LSTMs."""
    layers = keras.layers
    x = keras.Input((3, 7, 6, 2))
    frame = keras.Input((7, 6, 2))
    made = layers.BatchNormalization()(layers.Conv2D(3, 3, strides=2, name="inner_conv")(frame))
    features = keras.Model(frame, layers.Dense(4)(layers.Flatten()(layers.Conv2D(2, 1)(made))), name="frame")
    seen = layers.LSTM(3)(layers.TimeDistributed(features)(x))
    maps = layers.TimeDistributed(layers.Conv2D(4, 3, padding="same"))(x)
    maps = layers.TimeDistributed(layers.BatchNormalization())(layers.TimeDistributed(layers.MaxPooling2D())(maps))
    maps = layers.ConvLSTM2D(2, 3, padding="same", return_sequences=True)(maps)
    maps = layers.ConvLSTM2D(3, 2, strides=2, recurrent_activation="hard_sigmoid", use_bias=False)(maps)
    line = layers.ConvLSTM1D(2, 3, dilation_rate=2, go_backwards=True)(layers.Reshape((3, 7, 12))(x))
    ends = [seen, layers.Flatten()(maps), layers.Flatten()(line)]
    return keras.Model(x, layers.Concatenate()(ends))


def wrapped(keras: Any) -> Any:
    """Return a model of layers around others, and of attention by sums."""
    layers = keras.layers
    x = keras.Input((6, 5))
    cells = layers.StackedRNNCells([layers.LSTMCell(3), layers.GRUCell(4), layers.LSTMCell(5)])
    made = layers.RNN(cells, return_sequences=True)(layers.SpectralNormalization(layers.Dense(4))(x))
    made = layers.AdditiveAttention()([made, layers.Dense(5)(x)])
    return keras.Model(x, layers.RNN(layers.StackedRNNCells([layers.SimpleRNNCell(3), layers.SimpleRNNCell(2)]))(made))


def functions(keras: Any) -> Any:
    """Return a model of functions of tensors, which are ``keras.ops``, or TensorFlow's before version 3."""
    x = keras.Input((6, 4))
    if hasattr(keras, "ops"):
        ops = keras.ops
        flat, mean = ops.reshape(ops.transpose(x, [0, 2, 1]), [-1, 24]), ops.mean(x, axis=1, keepdims=True)
        both = ops.concatenate([x, x - mean], axis=-1)
        product = ops.matmul(both, ops.transpose(both, [0, 2, 1]))
        bounded = ops.clip(ops.expand_dims(x, -1), 0.1, 0.9)
        ends = [ops.squeeze(bounded, -1) / (3.0 - x / 2.0) ** 2, -ops.sqrt(ops.abs(x))]
    else:
        import tensorflow as tf

        flat, mean = tf.reshape(tf.transpose(x, [0, 2, 1]), [-1, 24]), tf.reduce_mean(x, axis=1, keepdims=True)
        both = tf.concat([x, x - mean], axis=-1)
        product = tf.matmul(both, both, transpose_b=True)
        bounded = tf.clip_by_value(tf.expand_dims(x, -1), 0.1, 0.9)
        ends = [tf.squeeze(bounded, -1) / (3.0 - x / 2.0) ** 2, -tf.sqrt(tf.abs(x))]
    return keras.Model(x, [flat, product, *ends, x[:, :, -1:], x[:, :2, 1]])


def functions_of_elements(keras: Any) -> Any:
    """Return a model of functions of ``keras.ops`` of elements, with tensors, numbers and arrays."""
    import numpy as np

    ops = keras.ops
    x, image = keras.Input((6, 4)), keras.Input((5, 6, 4))
    row, size = np.array([-1.5, -0.5, 0.5, 1.5], "float32"), ops.abs(x)
    functions = [ops.arctan, ops.ceil, ops.celu, ops.cos, ops.erf, ops.exp2, ops.expm1, ops.floor, ops.glu]
    functions += [ops.hard_tanh, ops.log_sigmoid, ops.negative, ops.ones_like, ops.sin, ops.tan, ops.tanh_shrink]
    ends = [each(x) for each in functions]
    ends += [each(size) for each in (ops.log, ops.log10, ops.log1p, ops.log2, ops.reciprocal, ops.rsqrt)]
    ends += [
        x + row,
        ops.subtract(row, image),
        image * np.full((4,), 2.0, "float32"),
        x / (row + 3),
        ops.maximum(x, row),
    ]
    ends += [1 - x, 2 / x, 2.0**x, x // 0.5, x % 0.7, x[:, :1] + np.ones((6, 4), "float32")]
    ends += [ops.where(x > 0, x, x * 0.1), ops.where(x <= row, 1.0, x), ops.where(image == image, row, image)]
    ends += [ops.cast(each, "float32") for each in (ops.logical_and(x > 0, x < 1), ops.logical_not(x >= 0))]
    return keras.Model([x, image], [*ends, ops.one_hot(ops.cast(ops.argmax(x, -1), "int32"), 4)])


def functions_of_axes(keras: Any) -> Any:
    """Return a model of functions of ``keras.ops`` that rearrange, repeat, join and cut axes."""
    ops = keras.ops
    x, image = keras.Input((6, 4)), keras.Input((5, 6, 4))
    ends = [
        ops.swapaxes(image, 1, 2),
        ops.moveaxis(image, [1, 2], [3, 1]),
        ops.squeeze(ops.expand_dims(x, (1, -1)), (1, 4)),
    ]
    ends += [ops.stack([x, 2 * x], 1), ops.stack([image, -image], -1), ops.concatenate([image, image], 2)]
    ends += [ops.repeat(x, 3, 1), ops.tile(image, [1, 2, 1, 3]), ops.roll(image, [1, -2], [1, 2]), ops.flip(x, 1)]
    ends += [ops.pad(x, [[0, 0], [1, 2], [0, 0]]), ops.pad(image, [[0, 0], [1, 2], [0, 3], [0, 0]], "reflect")]
    ends += [ops.pad(image, [[0, 0], [1, 2], [0, 0], [1, 0]]), ops.pad(image, [[0, 0], [1, 2], [1, 0], [1, 0]])]
    ends += [ops.split(x, 2, -1)[1], ops.split(image, [1, 3], 1)[1], ops.unstack(image, axis=1)[2]]
    ends += [ops.take(x, [0, 2, 3], 1), ops.take(image, 2, 2), x[:, None], image[:, 1, :, None, 1:3], image[..., 0]]
    ends += [image[:, ::2, 1::2], x[:, -2:, 2], ops.reshape(image, (-1, 30, 4)), ops.depth_to_space(image, 2)]
    ends += [ops.max_pool(image, 2), ops.average_pool(image, 2, 1, "same"), ops.max_pool(x, 3, 2, "same")]
    return keras.Model([x, image], [*ends, ops.image.resize(image, (10, 12)), ops.space_to_depth(image[:, :4], 2)])


def functions_over_axes(keras: Any) -> Any:
    """Return a model of functions of ``keras.ops`` that combine the elements along axes, and of products."""
    import numpy as np

    ops, random = keras.ops, np.random.default_rng(1)
    x, image = keras.Input((6, 4)), keras.Input((5, 6, 4))
    row, matrix, square, cube = (random.normal(size=size).astype("float32") for size in (4, (4, 3), (6, 6), (4, 2, 3)))
    ends = [ops.mean(image, (1, 2)), ops.sum(image, 2), ops.max(image, -1), ops.min(image, 1, keepdims=True)]
    ends += [ops.prod(x, 1), ops.var(x, -1, keepdims=True), ops.std(image, [1, 2]), *ops.moments(x, [1])]
    ends += [ops.norm(x, axis=-1), ops.norm(x, ord=1, axis=1), ops.norm(image, axis=(1, 2)), ops.normalize(image, -1)]
    ends += [ops.logsumexp(x, -1), ops.cumsum(x, 1), ops.argmax(image, 1, keepdims=True), *ops.top_k(x, 2)]
    ends += [ops.matmul(x, matrix), ops.matmul(square, x), ops.matmul(x, row), ops.matmul(x[:, 0], matrix)]
    ends += [ops.dot(x, matrix), ops.tensordot(x, cube, 1), ops.tensordot(x, square[:, :4], [[1, 2], [0, 1]])]
    ends += [ops.einsum("bij,bkj->bik", x, x), ops.einsum("bijk,kmn->bijmn", image, cube), ops.einsum("bij->bj", x)]
    ends += [ops.einsum("bij,bkj,jl->bikl", x, x, matrix), ops.einsum("...ij,jk->...ik", image, matrix)]
    ends += [ops.dot_product_attention(image, image[:, :, :2], image[:, :, 3:5], scale=0.3, is_causal=True)]
    ends += [ops.dot_product_attention(image, image, image, bias=square[None, None, :5, :5])]
    ends += [ops.layer_normalization(image, row, row, -1, 1e-5), ops.rms_normalization(x, row, -1)]
    return keras.Model([x, image], ends)


def reversed_embedding(keras: Any) -> Any:
    layers = keras.layers
    x = keras.Input((6,), dtype="int32")
    table = layers.ReversibleEmbedding(10, 4)
    return keras.Model(x, table(layers.Dense(4)(table(x)), reverse=True))


def flattened(keras: Any) -> Any:
    """Return a model of layers that read maps as vectors: joined ones, and sums and parts of them."""
    layers = keras.layers
    x = keras.Input((5, 4, 3))
    maps = [layers.Conv2D(4, 3, padding="same", name="left")(x), layers.Conv2D(2, 1, name="right")(x)]
    long = layers.BatchNormalization(name="norm")(layers.Flatten()(layers.Concatenate()(maps)))
    short = layers.LayerNormalization(name="whole", axis=[1, 2, 3])(layers.MaxPooling2D()(maps[0]))
    short = layers.Add()([layers.Flatten()(short), layers.Dense(16, name="like_maps")(long)])
    made = layers.PReLU(name="slopes")(layers.Concatenate()([long, short, layers.Dense(5, name="plain")(long)]))
    return keras.Model(x, layers.Dense(3, name="classes")(made))


def cut(keras: Any) -> Any:
    """Return a model that takes parts of flattened maps, of channels, and of what a dense layer makes maps of."""
    layers = keras.layers
    x = keras.Input((4, 5, 3))
    long = layers.Flatten()(layers.Conv2D(6, 2, name="maps")(x))
    made = layers.Dense(24, name="made")(long[:, 7:40])
    maps = layers.Conv2D(2, 2, name="of_part")(layers.Reshape((2, 3, 2))(made[:, 6:18]))
    odd = layers.Dense(3, name="odd")(long[:, 1::2])
    return keras.Model(x, [layers.Flatten()(maps), odd, layers.Dense(2)(layers.Reshape((-1,))(x[:, :, :, 1:])[:, :9])])


def in_columns(keras: Any) -> Any:
    """Return a model that reads the columns of maps one after another, as those that recognise lines of text do."""
    layers = keras.layers
    x = keras.Input((6, 8, 2))
    made = layers.MaxPooling2D(name="pool")(layers.Conv2D(4, 3, padding="same", name="first")(x))
    made = layers.Reshape((4, 12))(layers.Permute((2, 1, 3))(made))
    made = layers.Bidirectional(layers.LSTM(3, return_sequences=True), name="columns")(made)
    return keras.Model(x, layers.Dense(5, name="classes")(layers.Flatten()(made)))


SMALL: dict[str, Callable[[Any], Any]] = {
    "flattened": flattened,
    "cut": cut,
    "in_columns": in_columns,
    "made_maps": _sequential(
        (5,),
        lambda k: k.Dense(24, use_bias=False, name="first"),
        lambda k: k.BatchNormalization(name="norm"),
        lambda k: k.Dense(48, "relu", name="second"),
        lambda k: k.Reshape((3, 4, 4)),
        lambda k: k.Conv2DTranspose(3, 3, strides=2, padding="same", name="up"),
        lambda k: k.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise"),
        lambda k: k.Conv2D(4, 2, groups=2, name="grouped"),
    ),
    "of_sequences": _sequential(
        (6, 3),
        lambda k: k.GRU(4, return_sequences=True, reset_after=False, name="before"),
        lambda k: k.GRU(5, return_sequences=True, name="after"),
        lambda k: k.Conv1D(4, 2, name="slide"),
        lambda k: k.Flatten(),
        lambda k: k.Dense(4, name="classes"),
    ),
    "in_steps": in_steps,
    "wrapped": wrapped,
    "functions": functions,
    "functions_of_axes": functions_of_axes,
    "functions_of_elements": functions_of_elements,
    "functions_over_axes": functions_over_axes,
    "reversed_embedding": reversed_embedding,
    "two_ends": two_ends,
    "attention": attention,
    "vision_transformer": vision_transformer,
    "merges": merges,
    "channels_first": channels_first,
    "states": states,
    "convolutions": _sequential(
        (11, 13, 4),
        lambda k: k.Conv2D(6, (3, 2), strides=2, padding="same", groups=2),
        lambda k: k.DepthwiseConv2D(3, depth_multiplier=2, padding="same"),
        lambda k: k.SeparableConv2D(5, 3, depth_multiplier=2, padding="same", activation="swish"),
        lambda k: k.Conv2D(3, 3, dilation_rate=2, padding="same", activation="elu"),
    ),
    "transposed": _sequential(
        (3, 2, 3),
        lambda k: k.Conv2DTranspose(4, 3, strides=2, padding="same"),
        lambda k: k.Conv2DTranspose(3, 2, strides=3),
        lambda k: k.Conv2DTranspose(2, 3, strides=2, padding="same", output_padding=1),
    ),
    "sequences": _sequential(
        (20, 4),
        lambda k: k.Conv1D(6, 3, padding="causal", dilation_rate=2),
        lambda k: k.SeparableConv1D(5, 3),
        lambda k: k.MaxPooling1D(2),
        lambda k: k.DepthwiseConv1D(3, padding="same"),
        lambda k: k.Conv1DTranspose(4, 3, strides=2),
        lambda k: k.UpSampling1D(2),
        lambda k: k.ZeroPadding1D(2),
        lambda k: k.Cropping1D((1, 2)),
        lambda k: k.GRU(5, return_sequences=True, reset_after=False),
        lambda k: k.Bidirectional(k.GRU(4), merge_mode="sum"),
        lambda k: k.RepeatVector(3),
        lambda k: k.TimeDistributed(k.Dense(2)),
    ),
    "volumes": _sequential(
        (6, 7, 8, 2),
        lambda k: k.Conv3D(4, 3, padding="same"),
        lambda k: k.AveragePooling3D(2, padding="same"),
        lambda k: k.ZeroPadding3D(1),
        lambda k: k.Cropping3D(1),
        lambda k: k.UpSampling3D(2),
        lambda k: k.Conv3DTranspose(3, 2, strides=2),
        lambda k: k.GlobalAveragePooling3D(),
    ),
    "normalisations": _sequential(
        (6, 5, 8),
        lambda k: k.Rescaling(1 / 127.5, offset=-1),
        lambda k: k.Normalization(),
        lambda k: k.BatchNormalization(scale=False),
        lambda k: k.BatchNormalization(center=False, scale=False),
        lambda k: k.BatchNormalization(center=False),
        lambda k: k.LayerNormalization(),
        lambda k: k.LayerNormalization(axis=[1, 2, 3]),
        lambda k: k.LayerNormalization(center=False),
        lambda k: k.GroupNormalization(4),
        lambda k: k.RMSNormalization(),
        lambda k: k.UnitNormalization(),
    ),
    "activations": _sequential(
        (4, 3, 6),
        *[
            _named_activation(name)
            for name in ("relu", "gelu", "selu", "softplus", "softsign", "hard_sigmoid", "mish", "hard_silu", "relu6")
        ],
        lambda k: k.ReLU(max_value=4, negative_slope=0.1),
        lambda k: k.LeakyReLU(),
        lambda k: k.PReLU(shared_axes=[1, 2]),
        lambda k: k.PReLU(),
        lambda k: k.ELU(0.5),
        lambda k: k.Softmax(),
        lambda k: k.Softmax(axis=1),
        lambda k: k.Dropout(0.5),
    ),
    "shapes": _sequential(
        (4, 6, 5),
        lambda k: k.ZeroPadding2D(((1, 2), (0, 1))),
        lambda k: k.Cropping2D(((0, 1), (1, 0))),
        lambda k: k.Permute((2, 1, 3)),
        lambda k: k.Reshape((12, 3, 5)),
        lambda k: k.UpSampling2D(2, interpolation="bilinear"),
        lambda k: k.AveragePooling2D(3, 2, padding="same"),
        lambda k: k.Dense(4),
        lambda k: k.Reshape((-1, 4)),
        lambda k: k.Flatten(),
        lambda k: k.Dense(3),
    ),
    "prepared": _sequential(
        (16, 15, 3),
        lambda k: k.RandomCrop(11, 10) if hasattr(k, "Pipeline") else k.CenterCrop(11, 10),  # version 2 resizes
        lambda k: k.CenterCrop(9, 8),
        lambda k: k.RandomFlip(),
        lambda k: k.RandomElasticTransform(),
        lambda k: k.Pipeline([k.RandomZoom(0.1), k.Rescaling(0.5)]),
        lambda k: k.Conv2D(2, 3),
    ),
    "images": _sequential(
        (9, 8, 3),
        lambda k: k.Conv2D(4, 3, name="first"),
        lambda k: k.BatchNormalization(name="norm"),
        lambda k: k.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise"),
        lambda k: k.SeparableConv2D(5, 2, name="separable"),
        lambda k: k.Conv2DTranspose(6, 3, strides=2, name="up"),
        lambda k: k.Flatten(),
        lambda k: k.Dropout(0.5),
        lambda k: k.Dense(7, "relu", name="hidden"),
        lambda k: k.Dense(3, name="classes"),
    ),
    "tokens": _sequential(
        (6,),
        lambda k: k.Embedding(10, 8, name="table"),
        lambda k: k.LSTM(5, return_sequences=True, name="once"),
        lambda k: k.Bidirectional(k.GRU(4, return_sequences=True), name="both"),
        lambda k: k.LayerNormalization(name="norm"),
        lambda k: k.SimpleRNN(3, name="last"),
        dtype="int32",
    ),
    "text": _sequential(
        (7,),
        lambda k: k.Embedding(10, 4),
        lambda k: k.Conv1D(5, 3),
        lambda k: k.GlobalMaxPooling1D(),
        lambda k: k.Dense(2, "softmax"),
        dtype="int32",
    ),
}
"""What builds the small models."""


FIXTURES = Path(__file__).parents[1] / "tests" / "readers" / "keras" / "files"
OLD = "version2"
"""The folder of the fixtures that Keras 2 wrote."""

STORED = ("ConvNeXtTiny", "EfficientNetB0", "InceptionV3", "MobileNetV2", "ResNet50")
"""The models of keras.applications that tests read."""


def write_fixtures(folder: Path) -> None:
    """Write the models that tests read, in compressed archives, with what Keras says about them."""
    import keras

    target = FIXTURES / OLD if keras.__version__.startswith("2.") else FIXTURES
    target.mkdir(parents=True, exist_ok=True)
    for name in (*(() if target.name == OLD else STORED), *SMALL):
        if not Path(folder, f"{name}.facts").exists():
            continue
        with zipfile.ZipFile(target / f"{name}.keras", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
            made.write(folder / f"{name}.facts", "facts.json")
            if name in STORED:
                made.write(folder / f"{name}.json", "config.json")
                continue
            made.write(folder / f"{name}.npz", "arrays.npz")
            made.write(folder / f"{name}.h5", ENTIRE)
            with zipfile.ZipFile(folder / f"{name}.keras") as written:
                for member in written.namelist():
                    made.writestr(member, written.read(member))

    if target.name != OLD:
        write_shards(folder, target)
        known = (name for name, each in vars(keras.layers).items() if isinstance(each, type) and name not in NO_LAYERS)
        Path(target, CLASSES).write_text("".join(f"{name}\n" for name in sorted(known)))


def write_shards(folder: Path, target: Path) -> None:
    """Write the weights of a small model in several files, with their index."""
    import keras

    model = keras.models.load_model(folder / f"{SHARDED}.keras", compile=False)
    largest = max(sum(prod(array.shape) * 4 for array in layer.weights) for layer in model.layers)
    model.save_weights(folder / f"{SHARDED}.weights.json", max_shard_size=largest / 1024**3)
    with zipfile.ZipFile(target / SHARDS, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        for each in sorted(folder.glob(f"{SHARDED}*.weights.*")):
            made.write(each, each.name)


SHARDED, SHARDS = "images", "shards.zip"
"""The small model whose weights are also in several files, and the fixture with these."""
CLASSES = "classes.txt"
"""The fixture with the names of all layers of ``keras.layers``, a line each."""
NO_LAYERS = ("InputLayer", "InputSpec", "Layer", "Wrapper")
"""The classes in ``keras.layers`` that are inputs, or bases of others."""
ENTIRE = "model.h5"
"""The member of a fixture that is the entire model in HDF5."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="only the models whose names contain this")
    parser.add_argument("--fixtures", action="store_true", help="write the files of the tests")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    corpora: dict[str, tuple[list[str], Callable[[str, Path], None], dict[str, Any]]] = {
        "small models": ([*SMALL], write_small, {".keras": small_differences, ".h5": small_differences}),
        "keras.applications": (applications(), write_application, {".json": differences}),
    }
    for corpus, (names, write, compared) in corpora.items():
        tried, exact = 0, 0
        for name in names:
            if options.only not in name:
                continue
            if not Path(options.folder, f"{name}.facts").exists():
                try:
                    write(name, options.folder)
                except Exception as error:
                    print(f"{name}: not written by this version of Keras: {str(error).splitlines()[0]}", flush=True)
                    continue
            known = json.loads(Path(options.folder, f"{name}.facts").read_text())
            for suffix, compare in compared.items():
                tried += 1
                try:
                    found = compare(Path(options.folder, f"{name}{suffix}"), known)
                except archcalc.SpecError as error:
                    found = [str(error)]
                exact += not found
                if found:
                    print(f"{name}{suffix}: {'; '.join(found[:3])}", flush=True)
        print(f"{corpus}: {exact}/{tried} exact", flush=True)
    if options.fixtures:
        write_fixtures(options.folder)


if __name__ == "__main__":
    main()
