"""`videopasta browse`: look at pairs and judge them, in a browser."""

import getpass
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from videopasta_assets.cli.console import ERR, print_json, say
from videopasta_assets.cli.options import HERE, JsonOption, ProjectOption, open_project
from videopasta_assets.cli.ui import is_free
from videopasta_assets.errors import UserError


def browse(
    project: ProjectOption = HERE,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 3001,
    author: Annotated[str | None, typer.Option(help="Whose verdicts they are; default: the login name.")] = None,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page that opens from disk, and start no server.")
    ] = None,
    slots: Annotated[
        int, typer.Option(min=1, help="Slots at most, each with all its attempts; of more a fixed draw is shown.")
    ] = 10_000,
    pairs_only: Annotated[bool, typer.Option("--pairs-only", help="Only slots that ended in a verified pair.")] = False,
    strips: Annotated[
        Literal["auto", "embed", "files", "none"],
        typer.Option(help="Film strips of an export: in the page, in a folder beside it, left out."),
    ] = "auto",
    experiment: Annotated[
        str | None, typer.Option(help="Look at answers to benchmark items: of the base, and of this one's checkpoint.")
    ] = None,
    benchmark: Annotated[str | None, typer.Option(help="With --experiment: the items of one benchmark.")] = None,
    items: Annotated[
        int, typer.Option(min=1, help="With --experiment: items at most; of more, those that changed come first.")
    ] = 2_000,
    as_json: JsonOption = False,
) -> None:
    """Look at pairs: film strips, question, both answers with their differences, verdicts, provenance.

    The local server also takes your verdicts: accept, reject or comment. They win over the verifier's in the next
    preference set. An export only shows. With --experiment: benchmark items that training fixed or broke.
    """
    from videopasta_assets.browser.answers import AnswerSelection, load_answers
    from videopasta_assets.browser.catalog import Selection

    if benchmark is not None and experiment is None:
        raise UserError("whose answers?", where=f"--benchmark {benchmark}", fix="Name an --experiment too.")
    opened = open_project(project)
    selection = Selection(slots, pairs_only)
    answers = None if experiment is None else AnswerSelection(experiment, benchmark, items)
    if export is not None:
        from videopasta_assets.browser import export as writer

        if export.suffix.lower() not in (".html", ".htm"):
            raise UserError("the page's name has to end in .html", where=f"--export {export}")
        with ERR.status("film strips ...") as status:

            def progress(done: int, total: int) -> None:
                status.update(f"film strips: {done} of {total} videos")

            written = (
                writer.export(opened, export, selection, strips=strips, progress=progress)
                if answers is None
                else writer.export_answers(opened, export, answers, strips=strips, progress=progress)
            )
        if as_json:
            print_json(vars(written))
            return
        if isinstance(written, writer.ExportedAnswers):
            say(f"Wrote {written.page}: {written.items} of {written.items_in_lake} items.")
        else:
            say(f"Wrote {written.page}: {written.attempts} of {written.attempts_in_lake} attempts.")
        if written.strips:
            say(f"Its film strips are in {written.strips}: keep them together.")
        if written.lost:
            say(f"{written.lost} film strips could not be drawn; the page says why.")
        return
    from videopasta_assets.browser.server import HOST, AnswerBrowser, Browser, serve

    if not is_free(port):
        raise UserError(f"port {port} is in use", where=HOST, fix="Stop what uses it, or give another --port.")
    if answers is not None:
        load_answers(opened, replace(answers, items=0))  # a name that is not there is said before anything runs
        say(f"Open http://{HOST}:{port}   (Ctrl-C stops it)")
        serve(AnswerBrowser(project=opened, port=port, selection=answers))
        return
    browser = Browser(project=opened, author=(author or _login()).strip(), port=port, selection=selection)
    say(f"Open http://{HOST}:{port}   (you judge as {browser.author}; Ctrl-C stops it)")
    serve(browser)


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise UserError("nobody is logged in here", where="--author", fix="Say who you are: --author NAME.") from error
