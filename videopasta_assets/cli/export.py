"""`videopasta export`: pairs and checkpoints as other programs read them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from videopasta_assets.cli.console import OUT, print_json, print_table, say, table
from videopasta_assets.cli.options import HERE, JsonOption, ProjectOption, open_project
from videopasta_assets.errors import UserError

if TYPE_CHECKING:
    from videopasta_assets.exports.push import Upload


def export(
    format: Annotated[
        Literal["trl", "swift", "llamafactory", "llava-hound", "hf", "parquet"],
        typer.Option("--format", "-f", help="Whose format."),
    ] = "hf",
    project: ProjectOption = HERE,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write.", show_default="exports/<format> of the project")
    ] = None,
    kto: Annotated[bool, typer.Option("--kto", help="Two labelled answers a pair, for KTO.")] = False,
    videos: Annotated[
        Literal["relative", "link", "copy"],
        typer.Option(help="Name the videos where they lie, or put links or copies into the folder."),
    ] = "relative",
    experiment: Annotated[str, typer.Option(help="Only the pairs that this experiment trains on.")] = "",
    checkpoint: Annotated[str, typer.Option(help="Export this experiment's adapter in place of pairs.")] = "",
    licence: Annotated[str, typer.Option("--license", help="The hub's identifier of your licence.")] = "other",
    licence_name: Annotated[str, typer.Option("--license-name", help="Its name, where it is other.")] = "unspecified",
    licence_link: Annotated[str, typer.Option("--license-link", help="Its address, where it is other.")] = "",
    push: Annotated[str, typer.Option("--push", help="Upload to this repository of the hub: user/name.")] = "",
    public: Annotated[bool, typer.Option("--public", help="A repository that --push makes is public.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write the folder, say what --push would upload.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Upload without asking.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the preference set for a trainer, or a checkpoint, with a card; upload it if asked to."""
    from videopasta_assets.exports import export_checkpoint, export_pairs
    from videopasta_assets.exports.card import Licence
    from videopasta_assets.exports.push import plan_upload

    if (public or dry_run or yes) and not push:
        raise UserError("--public, --dry-run and --yes belong to --push", fix="Give --push user/name too.")
    opened = open_project(project)
    terms = Licence(licence, licence_name, licence_link)
    name = f"checkpoint-{checkpoint}" if checkpoint else f"{format}{'-kto' if kto else ''}"
    target = out or opened.settings.root / "exports" / name
    if checkpoint:
        made = export_checkpoint(opened, checkpoint, target, licence=terms)
    else:
        made = export_pairs(
            opened, format, target, kto=kto, videos=videos, experiment=experiment or None, licence=terms
        )
    upload = plan_upload(made, push, private=not public) if push else None
    if as_json:
        print_json({"folder": made.folder, "rows": made.rows, "files": made.files})
    else:
        OUT.print(f"{made.rows} rows in {made.folder}" if made.rows else str(made.folder), markup=False)
    if upload is not None:
        _push(upload, dry_run=dry_run, yes=yes)


def _push(upload: "Upload", *, dry_run: bool, yes: bool) -> None:
    from videopasta_assets.exports.push import push

    what = "private unless it exists" if upload.private else "PUBLIC unless it exists"
    say(f"To be uploaded to the {upload.export.kind} repository {upload.repository} ({what}):")
    shown = [(file, f"{size:,}") for file, size in list(upload.sizes.items())[:20]]
    print_table(table("", ("file", "bytes"), shown, right=("bytes",)))
    say(f"{len(upload.sizes)} files, {upload.bytes:,} bytes.")
    if dry_run:
        return
    if not yes and not typer.confirm("Upload them?", err=True):
        say("Nothing was uploaded.")
        return
    say(push(upload))
