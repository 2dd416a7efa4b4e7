"""The static form: one HTML file that opens from disk; many film strips lie as files in a folder beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from videopasta_assets.browser.catalog import DEFAULT, Selection, load_catalog
from videopasta_assets.browser.page_text import render_page
from videopasta_assets.browser.strips import ROLES, embedded_strip, strip_file
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
    if strips == "auto":
        strips = "embed" if len(catalog.rows) <= MOST_EMBEDDED else "files"
    folder = page.with_name(f"{page.stem}-strips") if strips == "files" else None
    lost = 0
    for done, (row, video) in enumerate(zip(catalog.rows, data["videos"], strict=True), start=1):
        if strips == "none":
            break
        for role in ROLES:
            made = strip_file(project, row, role, folder) if folder else embedded_strip(project, row, role)
            video[role] = {**video[role], **made}
            lost += "lost" in made
        if progress is not None:
            progress(done, len(catalog.rows))
    replace_file(page, render_page(data).encode())
    return Exported(page, len(catalog.attempts), catalog.attempts_in_lake, len(catalog.rows), lost, folder)
