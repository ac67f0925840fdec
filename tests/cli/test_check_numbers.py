"""``archcalc check --claim`` about numbers that come out of a layer."""

from __future__ import annotations

import pytest

from archcalc.cli import status_of

NETWORK = "1x5x5 -> conv 1 k3 nobias"
GIVEN = ("--input", "1 2 0 1 3; 2 1 4 2 2; 1 0 1 0 1; 1 2 1 0 2; 2 5 3 1 2")
KERNEL = ("--weights", "conv_1.weight = 1 0 -1; 2 0 -2; 1 0 -1")


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = status_of(["check", *arguments])
    captured = capsys.readouterr()
    return status, captured.out + captured.err


@pytest.mark.parametrize(
    ("claim", "status", "message"),
    [
        ("conv_1[0,0] = -3", 0, "conv_1[0,0] is -3"),
        ("conv_1:0,0 = -3", 0, "conv_1:0,0 is -3"),
        ("conv_1 is -3 -1 1; -2 1 1; -1 8 -1", 0, "conv_1 is [[-3"),
        ("conv_1 = 3 1 -1; 2 -1 -1; 1 -8 1", 1, "Likely reason: The kernel is rotated"),
        ("conv_1 = -3 -1 1; -2 1 1; -1 8 0", 1, "Entry 3, 3 is -1, not 0."),
        ("conv_1[0,0] = 4.25", 1, "conv_1[0,0] is -3, not 4.25"),
        ("conv_1[0, 3] = 1", 2, "error[argument]: 'conv_1' has no number [0, 3]: its shape is 1x3x3"),
        ("conv_1[0, 0] = x", 2, "'x' is not a number"),
        ("conv_9 = 1", 2, "there is no layer 'conv_9'"),
        ("conv_1 > 1", 2, "must have the form NETWORK LAYER = ARRAY"),
    ],
)
def test_numbers_are_judged(capsys: pytest.CaptureFixture[str], claim: str, status: int, message: str) -> None:
    found = check(capsys, "--claim", f"{NETWORK} {claim}", *GIVEN, *KERNEL)
    assert found[0] == status
    assert message in found[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--claim", f"{NETWORK} conv_1[0,0] = -3", *GIVEN), "the numbers of conv_1.weight are not given"),
        (("--claim", f"{NETWORK} conv_1[0,0] = -3", *KERNEL), "--weights needs --input"),
        (("--claim", f"{NETWORK} conv_1[0,0] = -3", *GIVEN, *GIVEN, *KERNEL), "two arrays"),
        (("--claim", f"{NETWORK} conv_1[0,0] = -3", "--input", "1 2", *KERNEL), "must have shape 1x5x5, got 2"),
        (("answers.yaml", *GIVEN), "apply to --claim"),
    ],
)
def test_bad_input_is_one_error(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str) -> None:
    status, printed = check(capsys, *arguments)
    assert status == 2
    assert message in printed
    assert "Traceback" not in printed


FC = "2 -> fc 2"
NUMBERS = ("--input", "1 2", "--weights", "fc_1.weight = 1 2; 3 4")


@pytest.mark.parametrize(
    ("claim", "options", "status", "message"),
    [
        ("∂L/∂fc_1.weight = 1 2; 3 6", ("--upstream", "1 3"), 0, "∂L/∂fc_1.weight is [[1, 2], [3, 6]]"),
        ("dL/dfc_1.weight[1,0] = 3", ("--upstream", "1 3"), 0, "is 3"),
        ("dL/dinput = 7 15", ("--upstream", "1 3"), 1, "the product with the transposed weights"),
        ("dL/dfc_1 = 4 4", ("--loss", "mse", "--target", "1 7"), 0, "is [4, 4]"),
        ("dL/dfc_1 = 4 4", ("--loss", "mse"), 2, "give it with --target: an array with the shape of the output"),
        (
            "dL/dfc_1 = 4 4",
            ("--loss", "cross_entropy", "--target", "2"),
            2,
            "must consist of integers from 0 to 1, got 2",
        ),
        ("dL/dfc_1 = 4 4", ("--target", "2"), 2, "--target belongs to --loss"),
        ("fc_1 = 5 11", ("--loss", "mse"), 2, "--loss belongs to a claim about a gradient"),
        ("dL/dfc_9 = 4 4", (), 2, "there is no input, layer or stored array 'fc_9'"),
        ("dL/dfc_1 = 4 4", ("--upstream", "1 2", "--loss", "mse"), 2, "--upstream takes the place of a loss"),
    ],
)
def test_gradients_are_judged(
    capsys: pytest.CaptureFixture[str], claim: str, options: tuple[str, ...], status: int, message: str
) -> None:
    found = check(capsys, "--claim", f"{FC} {claim}", *NUMBERS, *options)
    assert found[0] == status
    assert message in found[1]
