"""The command line: thin commands, one file per verb, each imported only when it is called."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module

import click

VERBS = {
    "show": "the table of a network: shapes, parameters, MACs, receptive fields",
    "explain": "the derivation of a layer's numbers, step by step",
    "formula": "closed forms: quantities as functions of sizes and variables",
    "sweep": "every combination of settings: ranges, conditions, the best ones",
    "solve": "which value of a variable, size or attribute meets a target?",
    "rf": "receptive fields, and what a single unit sees",
    "fold": "what folding batch norms saves; the folded network and its weights",
    "run": "a network evaluated on arrays",
    "verify": "the analysis against what the executor measures",
    "compare": "networks side by side",
    "check": "answers graded, papers audited, claims reconciled: what went wrong",
    "validate": "for CI: do specs parse, fit together and meet their expectations?",
    "zoo": "the bundled networks",
    "ops": "the operators and their documentation",
    "schema": "the JSON Schemas of spec files and of JSON output, for editors and programs",
}


class Verbs(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command: click.Command = import_module(f"archcalc.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from archcalc.spec.errors import suggest

            hint = suggest(args[0], VERBS, "`archcalc --help` lists them (a SPEC follows one: archcalc show lenet5)")
            raise click.UsageError(f"no command '{args[0][:80]}': {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="A SPEC is the name of a bundled network, a file, '-' for standard input, or an expression in quotes: "
    '"3x32x32 -> conv 6 k5 -> relu".',
)
@click.version_option(package_name="archcalc")
def cli() -> None:
    """Exact answers about neural-network architectures, from a short text."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit: 0 all well, 1 an expectation failed, 2 the input or the usage is wrong."""
    import gc

    gc.disable()  # one question, one answer, then the process ends: collecting garbage only takes time
    status = status_of(args)
    gc.freeze()  # nor is there anything to gain from the collection at exit
    sys.exit(status)


def status_of(args: list[str] | None) -> int:
    """Run the command line; the exit status."""
    from archcalc.spec.errors import SpecError

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # whatever a name contains, it can be printed
    stdout = sys.stdout
    try:
        status = cli.main(args=args, standalone_mode=False)
        if sys.stdout is not None:  # closed by who called us
            sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except SpecError as error:
        return _complain(f"{error}\n")
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 130
    except SystemExit:
        if sys.stdout is stdout:
            raise
        return _abandon_output(0)  # click exchanges it and exits where the reader has gone
    except BrokenPipeError:  # ``| head``: that is its right, and not an error of ours
        return _abandon_output(0)
    except OSError as error:
        return _abandon_output(_complain(f"error[output]: {error.strerror or error}\n"))


def _complain(text: str) -> int:
    with suppress(OSError):  # nobody can be told: the status says it
        click.echo(text, err=True, nl=False)
    return 2


def _abandon_output(status: int) -> int:
    """Lead what is still to be written nowhere: the interpreter tries once more at exit."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status
