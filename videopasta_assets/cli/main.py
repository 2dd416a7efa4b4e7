"""The entry point: commands, and what an error becomes on the way out.

Exit codes: 0 done, 1 work failed, 2 wrong use. A user's mistake is one sentence, never a traceback.
"""

import atexit
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from videopasta_assets import __version__
from videopasta_assets.cli import (
    ablate,
    browse,
    compare,
    doctor,
    experiment,
    export,
    import_set,
    init,
    plan,
    report,
    run,
    sql,
    status,
    timewar,
    toyworld,
    ui,
)
from videopasta_assets.cli.console import ERR
from videopasta_assets.cli.options import PROJECT_VARIABLE
from videopasta_assets.errors import UserError, VideoPastaError

WORK_FAILED: Final = 1
WRONG_USE: Final = 2

app = typer.Typer(
    name="videopasta",
    help="From a folder of videos to verified preference pairs, a DPO-tuned LoRA checkpoint and its scores.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    init.init,
    toyworld.toyworld,
    run.run,
    plan.plan,
    status.status,
    timewar.timewar,
    sql.sql,
    browse.browse,
    report.report,
    ui.ui,
    doctor.doctor,
    experiment.experiment,
    ablate.ablate,
    compare.compare,
    export.export,
):
    app.command()(command)
app.command("import")(import_set.import_set)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"videopasta-assets {__version__}")
        raise typer.Exit


@app.callback()
def options(
    project: Annotated[
        Path | None,
        typer.Option(
            "--project", "-p", help="Folder of the project; also accepted after a command.", show_default=False
        ),
    ] = None,
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options before the command."""
    if project is not None:
        os.environ[PROJECT_VARIABLE] = str(project)


def main() -> None:
    """Entry point of the installed command.

    Leaves without taking the interpreter down: once torch and DuckDB have run in one process, DuckDB's bindings
    fill the terminal with leak reports on the way out. Exit handlers and buffers are taken care of.
    """
    try:
        command_line()
        code: str | int | None = 0
    except SystemExit as ended:
        code = ended.code
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def command_line(arguments: Sequence[str] | None = None) -> None:
    """Run one command and raise SystemExit with its code."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="videopasta")
    except UserError as error:
        _fail(error, WRONG_USE)
    except VideoPastaError as error:
        _fail(error, WORK_FAILED)


def _fail(error: VideoPastaError, code: int) -> None:
    ERR.print("[bold red]error:[/bold red] ", end="")
    ERR.print(str(error), markup=False, highlight=False)
    sys.exit(code)
