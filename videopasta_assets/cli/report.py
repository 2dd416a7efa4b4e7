"""`videopasta report`: a page about the preference set, and one about each checkpoint."""

from typing import Annotated

import typer

from videopasta_assets.cli.console import OUT, print_json
from videopasta_assets.cli.options import HERE, JsonOption, ProjectOption, open_project
from videopasta_assets.errors import UserError


def report(
    project: ProjectOption = HERE,
    experiment: Annotated[str | None, typer.Option(help="Only this experiment's checkpoint.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the reports: HTML pages with plots inside, that open from disk.

    The preference set's shows where pairs came from, what was rejected and why; a checkpoint's how training went and
    how it scores. The paper's values stand beside ours under their own name. Runs write them too.
    """
    from videopasta_assets.reports import write_checkpoint_report, write_preference_set_report
    from videopasta_assets.stages.lora_checkpoint import experiment_named

    opened = open_project(project)
    names = [one.name for one in opened.settings.experiments]
    if experiment is not None:
        names = [experiment_named(opened, experiment).name]
    first = [write_preference_set_report(opened)] if experiment is None else []
    pages = (*first, *(write_checkpoint_report(opened, name) for name in names))
    written = [page.path for page in pages if page]
    if not written:
        what = "there is no preference set yet" if experiment is None else f"{experiment!r} is not trained yet"
        raise UserError(what, where=str(opened.lake.root), fix="`videopasta run` makes it.")
    if as_json:
        print_json([str(path) for path in written])
        return
    for path in written:
        OUT.print(str(path), highlight=False, markup=False)
