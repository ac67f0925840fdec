"""The command line: thin commands, one file per verb, each imported only when it is called."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import partial
from importlib import import_module

import click

from archcalc.cli.termination import ended_by_signals

VERBS = {
    "show": "Print shapes, parameters, MACs and receptive fields by layer.",
    "explain": "Derive the figures of a layer or network step by step.",
    "formula": "Print closed forms in input sizes and variables.",
    "sweep": "Evaluate all combinations of settings; filter and rank them.",
    "solve": "Find the values of a setting that meet a condition.",
    "rf": "Print receptive fields, or what a single unit sees.",
    "fold": "Fold batch norms into their neighbours, and print what that saves.",
    "convert": "Write a network as a spec, an ONNX model, code, a diagram or a table.",
    "run": "Run a network on arrays.",
    "verify": "Run networks, and compare the analysis with what is measured.",
    "counters": "Print what other tools report for a network, and why it differs.",
    "draw": "Draw a network as SVG, PNG or PDF.",
    "report": "Write a page about a network: drawing, layers, memory.",
    "compare": "Compare networks side by side.",
    "diff": "Show what changed between two networks or revisions of files.",
    "check": "Grade answers, audit published figures, or judge a claim.",
    "validate": "Check specs in CI: errors, warnings, expectations, budgets, growth.",
    "zoo": "List the bundled networks.",
    "ops": "List the operators, or print the documentation of one.",
    "schema": "Print the JSON Schemas of spec files and JSON outputs.",
}


class Verbs(click.Group):
    """A group that imports a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command: click.Command = import_module(f"archcalc.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of verbs, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from archcalc.spec.errors import suggest

            hint = suggest(
                args[0], VERBS, "`archcalc --help` lists the commands; a SPEC comes after one: archcalc show lenet5"
            )
            raise click.UsageError(f"no command '{args[0][:80]}': {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="A SPEC is the name of a bundled network, a file (a spec, or a model in .pt2, .onnx, .tflite, .keras or .h5 "
    "format), package.module:object or ./file.py:object for a PyTorch module, '-' for standard input, or a quoted "
    'inline expression: "3x32x32 -> conv 6 k5 -> relu". `archcalc COMMAND --help` documents a command.',
)
@click.version_option(package_name="archcalc")
def cli() -> None:
    """Analyse neural-network architectures: shapes, parameters, operations, receptive fields and memory."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit.

    The status is 0 for success, 1 if a claim, budget or verification failed, 2 for an input or usage error, and 3 if
    ``validate --diff`` shows corrections of specs that pass.
    """
    import gc

    gc.disable()  # the process ends after one answer: collecting garbage would only take time
    status = ended_by_signals(partial(status_of, args))
    gc.freeze()  # the collection at exit would gain nothing, either
    sys.exit(status)


def status_of(args: list[str] | None) -> int:
    """Run the command line, and return the exit status."""
    from archcalc.spec.errors import SpecError
    from archcalc.terminal import READABLE

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=READABLE)  # any character of a name can be printed
    stdout = sys.stdout
    try:
        status = cli.main(args=args, standalone_mode=False)
        if sys.stdout is not None:  # closed by the caller
            sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except SpecError as error:
        return _print_error(f"{error}\n")
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 130
    except SystemExit:
        if sys.stdout is stdout:
            raise
        return _abandon_output(0)  # click replaces it and exits if the reader has closed the pipe
    except BrokenPipeError:  # ``| head``: not an error
        return _abandon_output(0)
    except OSError as error:
        return _abandon_output(_print_error(f"error[output]: {error.strerror or error}\n"))


def _print_error(text: str) -> int:
    with suppress(OSError):  # standard error is closed: only the exit status remains
        click.echo(text, err=True, nl=False)
    return 2


def _abandon_output(status: int) -> int:
    """Redirect standard output to the null device, because the interpreter flushes it again at exit."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status
