"""The static form: one HTML file that opens from disk; many film strips lie as files in a folder beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from videopasta_assets.browser.answers import AnswerSelection, load_answers
from videopasta_assets.browser.catalog import DEFAULT, Selection, load_catalog
from videopasta_assets.browser.page_text import ANSWERS, render_page
from videopasta_assets.browser.strips import ROLES, embedded_strip, strip_file
from videopasta_assets.lake import Row
from videopasta_assets.lake.files import replace_file
from videopasta_assets.stages.project import Project

Strips = Literal["auto", "embed", "files", "none"]

MOST_EMBEDDED: Final = 150
"""Videos whose strips are put into the page itself; at about 40 kB a video that keeps it below some 6 MB."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Exported:
    """What an export wrote."""

    page: Path
    attempts: int
    attempts_in_lake: int
    videos: int
    lost: int
    strips: Path | None


@dataclass(frozen=True)
class ExportedAnswers:
    """What an export of answers wrote."""

    page: Path
    items: int
    items_in_lake: int
    videos: int
    lost: int
    strips: Path | None


def export(
    project: Project,
    page: Path,
    selection: Selection = DEFAULT,
    *,
    strips: Strips = "auto",
    progress: Progress | None = None,
) -> Exported:
    """Write the page, and its folder of film strips where there are many; strips that are there are not drawn again.

    Args:
        project: whose lake is shown.
        page: the HTML file.
        selection: which slots.
        strips: in the page, in a folder beside it, left out; auto: in the page up to `MOST_EMBEDDED` videos.
        progress: told of videos done and in all.

    Raises:
        LakeError: a file cannot be written.
    """
    catalog = load_catalog(project, selection)
    data = catalog.to_json(project, selection)
    folder, lost = _with_strips(project, page, catalog.rows, data["videos"], strips, progress)
    replace_file(page, render_page(data).encode())
    return Exported(page, len(catalog.attempts), catalog.attempts_in_lake, len(catalog.rows), lost, folder)


def export_answers(
    project: Project,
    page: Path,
    selection: AnswerSelection,
    *,
    strips: Strips = "auto",
    progress: Progress | None = None,
) -> ExportedAnswers:
    """Write the page of benchmark items with both models' answers; `strips` and `progress` as in `export`.

    Raises:
        UserError: there is no such experiment or benchmark.
        LakeError: a file cannot be written.
    """
    catalog = load_answers(project, selection)
    data = catalog.to_json(project)
    folder, lost = _with_strips(project, page, catalog.rows, data["videos"], strips, progress)
    replace_file(page, render_page(data, kind=ANSWERS).encode())
    return ExportedAnswers(page, len(catalog.items), catalog.items_in_lake, len(catalog.rows), lost, folder)


def _with_strips(
    project: Project,
    page: Path,
    rows: Sequence[Row],
    videos: Sequence[Row],
    strips: Strips,
    progress: Progress | None,
) -> tuple[Path | None, int]:
    """Give `videos` their film strips; the folder that these are in, if any, and how many could not be drawn."""
    if strips == "auto":
        strips = "embed" if len(rows) <= MOST_EMBEDDED else "files"
    folder = page.with_name(f"{page.stem}-strips") if strips == "files" else None
    lost = 0
    for done, (row, video) in enumerate(zip(rows, videos, strict=True), start=1):
        if strips == "none":
            break
        for role in (role for role in ROLES if role in video):
            made = strip_file(project, row, role, folder) if folder else embedded_strip(project, row, role)
            video[role] = {**video[role], **made}
            lost += "lost" in made
        if progress is not None:
            progress(done, len(rows))
    return folder, lost
