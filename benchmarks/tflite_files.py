"""Files that TensorFlow Lite's converter writes, against its interpreter and against the Keras models they are made of.

The constructors of keras.applications with random weights, on small images, and small models of other kinds of layers,
each in up to four number formats: float32, weights in float16, weights in int8, and all in int8. archcalc must read
each file, find the multiplications of the Keras model and the shapes of all tensors that the interpreter allocates, and
compute what the interpreter does: to 1e-4 of the largest number in float32, less closely where the interpreter rounds.
Prints each file that differs, and exact/tried for each format.

Files are kept in a folder, and not written again. Needs TensorFlow, Keras, ai-edge-litert, and tflite. With --fixtures,
small files are written to tests/readers/tflite/files, with inputs and outputs beside them.

    python -m benchmarks.tflite_files FOLDER [--only WORD] [--formats float32,float16,dynamic,int8] [--fixtures]
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import archcalc
from archcalc.graph import Graph
from archcalc.readers.onnx.inputs import Inputs
from archcalc.readers.tflite.decode import decoder_of
from archcalc.readers.tflite.schema import read_model

IMAGE = 96
MAX_PARAMETERS = 70_000_000
FORMATS = ("float32", "float16", "dynamic", "int8")
LEFT_OUT = {"lstm_unrolled": 64}
"""The multiplications that the converter computes itself: those of the first state, which is 0."""
TOLERANCES = {"float32": 1e-4, "float16": 1e-4, "dynamic": 0.1, "int8": 0.05}
"""The largest difference to the interpreter, relative to its largest number. It rounds what it reads to int8, also
where only weights are stored so."""
NOT_IN_CODES = ("gru", "lstm", "lstm_unrolled")
"""The models on which the converter to int8 crashes."""
IN_TESTS = (
    *("attention.float32", "conv1d.float16", "decoder.float32", "embedding.int8", "lstm.float32"),
    *("mobile.float32", "mobile.int8"),
)
"""The files of the tests."""
FIXTURES = Path(__file__).parent.parent / "tests" / "readers" / "tflite" / "files"


def small_models(keras: Any) -> dict[str, Callable[[], Any]]:
    """Return what builds small models, by name."""
    layers = keras.layers

    def chain(shape: tuple[int, ...], *made: Any, **options: Any) -> Any:
        return keras.Sequential([keras.Input(shape, **options), *made])

    def attention() -> Any:
        x = tokens = keras.Input((12, 8), name="tokens")
        x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 4)(x, x))
        return keras.Model(tokens, layers.Dense(5, activation="gelu")(x))

    def mobile() -> Any:
        image = keras.Input((12, 10, 3), name="image")
        x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(image)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
        y = layers.DepthwiseConv2D(3, padding="same", activation="relu")(x)
        s = layers.Dense(8, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(y))
        x = layers.Add()([x, layers.Multiply()([y, s])])
        x = layers.Concatenate()([layers.MaxPooling2D()(x), layers.AveragePooling2D(2)(x)])
        return keras.Model(image, layers.Dense(4, activation="softmax")(layers.Flatten()(x)))

    def decoder() -> Any:
        image = keras.Input((6, 5, 4), name="image")
        x = layers.Conv2DTranspose(6, 3, strides=2, padding="same")(image)
        x = layers.Concatenate()([layers.UpSampling2D(2)(image), x])
        x = layers.UpSampling2D(2, interpolation="bilinear")(x)
        x = layers.Conv2D(3, 3, dilation_rate=2, padding="same", activation="tanh")(x)
        return keras.Model(image, layers.Cropping2D(((1, 2), (0, 3)))(layers.ZeroPadding2D(((1, 0), (2, 1)))(x)))

    def activations() -> Any:
        x = image = keras.Input((4, 5, 3), name="image")
        names = ("elu", "gelu", "hard_swish", "leaky_relu", "relu6", "selu", "sigmoid", "silu", "softplus", "tanh")
        found = [layers.Activation(name)(x) for name in names if hasattr(keras.activations, name)]
        found += [layers.PReLU(shared_axes=[1, 2])(x), layers.Softmax()(x), layers.UnitNormalization()(x)]
        return keras.Model(
            image, [layers.Concatenate()(found), layers.Minimum()(found[:2]), layers.Subtract()(found[:2])]
        )

    return {
        "attention": attention,
        "mobile": mobile,
        "decoder": decoder,
        "activations": activations,
        "conv1d": lambda: chain(
            (20, 3),
            layers.Conv1D(6, 5, strides=2, padding="same", activation="relu"),
            layers.MaxPooling1D(2),
            layers.SeparableConv1D(4, 3),
            layers.GlobalMaxPooling1D(),
            layers.Dense(2),
        ),
        "conv3d": lambda: chain((6, 7, 5, 2), layers.Conv3D(4, 3, padding="same"), layers.GlobalAveragePooling3D()),
        "embedding": lambda: chain(
            (9,), layers.Embedding(20, 6), layers.Conv1D(4, 3), layers.Flatten(), layers.Dense(3), dtype="int32"
        ),
        "lstm": lambda: chain(
            (7, 5), layers.LSTM(4, return_sequences=True), layers.LSTM(3), layers.Dense(2), batch_size=1
        ),
        "lstm_unrolled": lambda: chain((5, 3), layers.LSTM(4, unroll=True), layers.Dense(2), batch_size=1),
        "gru": lambda: chain((7, 5), layers.GRU(4, return_sequences=True), layers.GRU(3), batch_size=1),
        "instance_norm": lambda: chain(
            (8, 8, 4),
            layers.Conv2D(8, 3),
            layers.GroupNormalization(2),
            layers.LayerNormalization(),
            layers.Permute((3, 1, 2)),
            layers.Reshape((8, 36)),
            layers.Dense(5),
        ),
    }


def applications(keras: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield the constructors of models in ``keras.applications`` that are not too large."""
    for name, each in sorted(vars(keras.applications).items()):
        if name[0].isupper() and callable(each):
            yield name, lambda make=each: make(weights=None, input_shape=(IMAGE, IMAGE, 3), classes=10)


def randomized(model: Any) -> Any:
    """Give a model random weights under which the numbers of all layers stay of a similar size."""
    random = np.random.default_rng(0)
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            layer.set_weights([random.uniform(0.5, 1.5, each.shape) for each in layer.get_weights()])
        elif type(layer).__name__ == "Normalization":
            layer.finalize_state()
        elif not hasattr(layer, "layers"):
            layer.set_weights(
                [
                    each if each.ndim > 1 else random.normal(0, 0.1, each.shape) + (each > 0.5) * 1.0
                    for each in layer.get_weights()
                ]
            )
    return model


def write(name: str, model: Any, folder: Path, formats: list[str]) -> None:
    """Write the files of a model, and its description."""
    import tensorflow as tf

    Path(folder, f"{name}.json").write_text(model.to_json())
    shapes = [(1, *each.shape[1:]) for each in model.inputs]
    dtypes = [str(each.dtype) for each in model.inputs]

    def examples() -> Iterator[list[Any]]:
        random = np.random.default_rng(1)
        for _ in range(4):
            yield [example(random, shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]

    for form in formats:
        if form == "int8" and name in NOT_IN_CODES:
            continue
        path = Path(folder, f"{name}.{form}.tflite")
        if path.exists():
            continue
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        if form != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if form == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if form == "int8":
            converter.representative_dataset = examples
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            if all(each.startswith("float") for each in dtypes):
                converter.inference_input_type = converter.inference_output_type = tf.int8
        try:
            path.write_bytes(converter.convert())
        except Exception as error:  # the converter raises what its passes raise
            print(f"{path.name}: not converted: {str(error).splitlines()[0][:120]}", flush=True)


def example(random: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Any:
    """Return an input."""
    if dtype.startswith("int"):
        return random.integers(0, 9, shape).astype(dtype)
    return random.uniform(-1, 1, shape).astype(dtype)


def write_fixture(path: Path) -> None:
    """Write a file of the tests, with two inputs and what the interpreter computes of each beside it."""
    FIXTURES.mkdir(exist_ok=True)
    runs = [interpreted(path, seed)[1:] for seed in (2, 3)]
    inputs, outputs = ([np.concatenate(each) for each in zip(*(run[at] for run in runs), strict=True)] for at in (0, 1))
    arrays = {f"input_{at}": each for at, each in enumerate(inputs)}
    arrays |= {f"output_{at}": each for at, each in enumerate(outputs)}
    (FIXTURES / path.name).write_bytes(path.read_bytes())
    np.savez_compressed(FIXTURES / f"{path.stem}.npz", **arrays)


def interpreted(path: Path, seed: int = 2) -> tuple[Any, list[Any], list[Any]]:
    """Return an interpreter after a run, the inputs that it was given, and the real numbers of its outputs."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=2, experimental_preserve_all_tensors=False)
    interpreter.allocate_tensors()
    random = np.random.default_rng(seed)
    given = []
    for each in interpreter.get_input_details():
        scale, zero = each["quantization"]
        array = example(random, tuple(each["shape"]), np.dtype(each["dtype"]).name if not scale else "float32")
        if scale:
            codes = np.iinfo(each["dtype"])
            array = np.clip(np.round(array / scale) + zero, codes.min, codes.max).astype(each["dtype"])
        interpreter.set_tensor(each["index"], array)
        given.append(array)
    interpreter.invoke()
    made = []
    for each in interpreter.get_output_details():
        scale, zero = each["quantization"]
        array = interpreter.get_tensor(each["index"])
        made.append((array.astype(np.float32) - zero) * scale if scale else array)
    return interpreter, given, made


def shapes_differ(path: Path, interpreter: Any) -> list[str]:
    """Return the tensors to which archcalc gives other sizes than the interpreter."""
    decoder = decoder_of(read_model(path, path.name), path, path.name, partial=False)[0](Inputs(path.name, {}, {}))
    decoder.program()
    known = {each["index"]: tuple(map(int, each["shape"])) for each in interpreter.get_tensor_details()}
    found = decoder.sizes_in_file()
    COMPARED["tensors"] += len(found)
    return [f"tensor {at}: {own}, interpreter {known[at]}" for at, own in found.items() if own != known[at]]


COMPARED: Counter[str] = Counter()


def first(array: Any, layout: str) -> Any:
    """Return an array as our graphs have it."""
    return np.moveaxis(array, -1, 1) if layout == "hwc" and array.ndim > 2 else array


def inputs_of(graph: Graph, arrays: Iterable[Any]) -> dict[str, Any]:
    """Return the inputs of a graph, given those of the interpreter."""
    turned = any("channels first" in note for note in graph.notes)
    layout = "hwc" if turned else graph.layout
    return {name: first(array, layout) for name, array in zip(graph.inputs, arrays, strict=True)}


def differences(path: Path, form: str, *, run: bool) -> list[str]:
    """Return how archcalc's figures and results of a file differ."""
    network = archcalc.load(str(path))
    description = path.parent / (path.name.partition(".")[0] + ".json")
    found = []
    if description.exists():
        macs, expected = (each.analyze().totals.macs for each in (network, archcalc.load(str(description))))
        if macs != expected - LEFT_OUT.get(path.name.partition(".")[0], 0):
            found.append(f"MACs {macs:,}, Keras model {expected:,}")
    if not run:
        return found
    interpreter, given, expected_outputs = interpreted(path)
    found += shapes_differ(path, interpreter)
    graph = network.graph
    outputs = network.run(inputs_of(graph, given)).outputs
    for (name, computed), array in zip(outputs.items(), expected_outputs, strict=True):
        whole = first(array, graph.layout)
        if computed.size != whole.size:
            found.append(f"{name}: {computed.shape}, interpreter {whole.shape}")
            continue
        error = np.abs(computed.reshape(whole.shape) - whole).max() / max(np.abs(whole).max(), 1e-6)
        LARGEST[form] = max(LARGEST.get(form, 0.0), float(error))
        if not error <= TOLERANCES[form]:
            found.append(f"{name}: differs by {error:.1e} of the largest number")
    return found


LARGEST: dict[str, float] = {}


def main(arguments: list[str] | None = None) -> None:
    """Write and compare all files."""
    parser = argparse.ArgumentParser(description="TensorFlow Lite files against the interpreter.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="models whose name contains this word")
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--fixtures", action="store_true", help="write the files of the tests")
    given = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import logging

    import keras

    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    formats = given.formats.split(",")
    given.folder.mkdir(parents=True, exist_ok=True)
    exact, tried = Counter[str](), Counter[str]()
    small = small_models(keras)
    for name, build in (*small.items(), *applications(keras)):
        if given.only not in name:
            continue
        paths = {form: Path(given.folder, f"{name}.{form}.tflite") for form in formats}
        if not all(path.exists() for form, path in paths.items() if form != "int8" or name not in NOT_IN_CODES):
            keras.backend.clear_session()
            keras.utils.set_random_seed(0)
            model = build()
            if model.count_params() > MAX_PARAMETERS:
                print(f"{name}: {model.count_params():,} parameters, skipped", flush=True)
                continue
            write(name, randomized(model), given.folder, formats)
        for form, path in paths.items():
            if not path.exists():
                continue
            tried[form] += 1
            try:
                found = differences(path, form, run=True)
            except archcalc.SpecError as error:
                found = [f"{error}"]
            exact[form] += not found
            if given.fixtures and f"{name}.{form}" in IN_TESTS:
                write_fixture(path)
            print(f"{path.name}: {'; '.join(found[:4]) or 'exact'}", flush=True)
    for form in formats:
        largest = f", largest difference {LARGEST[form]:.1e}" if form in LARGEST else ""
        print(f"{form}: {exact[form]} of {tried[form]} exact{largest}")
    print(f"{COMPARED['tensors']:,} shapes of tensors compared")


if __name__ == "__main__":
    main()
