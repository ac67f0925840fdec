"""Arrays as people write them."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from archcalc.arrays.written_arrays import Fill, Number, WrittenArray, WrittenArrayError, is_written, read_array


def read(text: str) -> WrittenArray[Number]:
    found = read_array(text)
    assert isinstance(found, WrittenArray)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "1 2 3; 4 5 6",
        "1, 2, 3\n4, 5, 6\n",
        "1,2,3;4,5,6;",
        "[[1, 2, 3], [4, 5, 6]]",
        "[[1. 2. 3.]\n [4. 5. 6.]]",
        "[1 2 3; 4 5 6]",
        "((1, 2, 3), (4, 5, 6))",
        "array([[1, 2, 3],\n       [4, 5, 6]])",
        "np.array([[1., 2., 3.], [4., 5., 6.]], dtype=float32)",
        "tensor([[1., 2., 3.], [4., 5., 6.]], device='cuda:0')",
    ],
)
def test_rows_are_written_in_many_ways(text: str) -> None:
    assert read(text) == WrittenArray((2, 3), tuple(map(Fraction, range(1, 7))))


@pytest.mark.parametrize(
    "text", ["1 2; 3 4;; 5 6; 7 8", "1 2\n3 4\n\n5 6\n7 8", "[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]"]
)
def test_an_empty_row_begins_a_new_matrix(text: str) -> None:
    assert read(text).shape == (2, 2, 2)


def test_numbers_are_read_exactly() -> None:
    assert read("1/3 0.1 -2e-3 .5 −1 1e2").numbers == (
        Fraction(1, 3),
        Fraction(1, 10),
        Fraction(-1, 500),
        Fraction(1, 2),
        -1,
        100,
    )
    nan, positive, negative = read("nan inf -inf").numbers
    assert math.isnan(nan)
    assert (positive, negative) == (math.inf, -math.inf)


@given(arrays.arrays(np.float64, arrays.array_shapes(min_dims=1, max_dims=4, max_side=4)))
def test_what_numpy_and_json_write_is_read(array: np.ndarray) -> None:  # type: ignore[type-arg]
    texts = [np.array2string(array, threshold=10_000, floatmode="unique")]
    if np.isfinite(array).all():
        texts.append(json.dumps(array.tolist()))
    for text in texts:
        found = read(text)
        assert found.shape == array.shape
        np.testing.assert_array_equal(np.array([float(each) for each in found.numbers]).reshape(found.shape), array)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there are no numbers"),
        ("1 2 3; 4 5", "row 2 has 2 numbers, but the rows before it have 3"),
        ("1 2; 3 4;; 5 6", "matrix 2 has 1 rows, but the first has 2"),
        ("1 2; 3 x", "'x' is not a number (row 2, number 2)"),
        ("1,,2", "a number is missing between two commas (row 1, number 2)"),
        ("1/0", "'1/0' divides by zero"),
        ("[1, 2", "'[' is not closed (character 1)"),
        ("[1, 2)", "'[' is closed by ')' (character 1)"),
        ("[[1, 2], [3]]", "row 2 has 1 number, the rows before it have 2 (character 1)"),
        ("[[1, 2],\n [3, y]]", "'y' is not a number (line 2, column 6)"),
        ("[]", "a list is empty"),
        ("[1] 2", "'2' follows the closing bracket"),
        ("eye 3", "'eye' must stand alone"),
        ("[" * 40, "lists are nested more than 32 deep"),
        ("9" * 500, "is not a number"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(text: str, message: str) -> None:
    with pytest.raises(WrittenArrayError) as caught:
        read_array(text)
    assert message in str(caught.value)


@given(st.text(alphabet="0123456789[]();,. \n-+e/naif"))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = read_array(text)
    except WrittenArrayError:
        return
    assert isinstance(found, Fill) or len(found.numbers) == math.prod(found.shape)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("1 2; 3 4", (1, 1, 2, 2)),  # leading axes of size 1
        ("1 2 3", (3, 1, 1)),  # a vector in any direction
        ("1; 2; 3", (3,)),
        ("[[[5]]]", (1,)),
        ("1 2; 3 4; 5 6; 7 8", (2, 2, 2)),  # matrices without an empty row between them
    ],
)
def test_arrays_fit_shapes_that_can_only_mean_the_same(text: str, shape: tuple[int, ...]) -> None:
    assert read(text).fitted(shape) == read(text).numbers


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("1 2; 3 4", (1, 5, 5), "must have shape 1x5x5, got 2x2 (2 rows of 2 numbers)"),
        ("1 2 3; 4 5 6", (3, 2), "must have shape 3x2, got 2x3 (2 rows of 3 numbers)"),
        ("1 2 3 4", (2, 2), "must have shape 2x2, got 4 (4 numbers)"),
        ("[1]", (2,), "got 1 (1 number)"),
    ],
)
def test_another_shape_says_how_the_array_was_read(text: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(WrittenArrayError, match="must have shape") as caught:
        read(text).fitted(shape)
    assert message in str(caught.value)


def test_words_fill_any_shape() -> None:
    found = {text: [float(each) for each in read_array(text).fitted((2, 2))] for text in ("zeros", "ones", "eye")}
    assert found == {"zeros": [0, 0, 0, 0], "ones": [1, 1, 1, 1], "eye": [1, 0, 0, 1]}
    assert read_array("arange").fitted((3,)) == (0, 1, 2)
    assert read_array("arange 1").fitted((3,)) == (1, 2, 3)
    with pytest.raises(WrittenArrayError, match="'eye' needs the shape of a matrix"):
        read_array("eye").fitted((3,))


@pytest.mark.parametrize("text", ["1 2; 3 4", "-1", ".5", "[1]", "nan 1", "ones", "arange 1", "1x; 2", "1 2 x"])
def test_arrays_are_told_from_files(text: str) -> None:
    assert is_written(text)


@pytest.mark.parametrize("text", ["x.npy", "image=x.npy", "data/x.csv", "eyes.npy", "./1.npy"])
def test_files_are_told_from_arrays(text: str) -> None:
    assert not is_written(text)


def test_random_numbers_follow_from_their_seed() -> None:
    first, again, other = (read_array(text).fitted((40, 50)) for text in ("random 7", "random 7", "random 8"))
    assert first == again != other
    numbers = np.array([float(number) for number in first])
    assert abs(numbers.mean()) < 0.1
    assert abs(numbers.std() - 1) < 0.1
    assert all(number * 100 == round(number * 100) for number in first)
