"""The preference set, or an experiment's pairs, as a data set of a trainer."""

from pathlib import Path

from videopasta_assets.errors import UserError
from videopasta_assets.exports.card import Licence, dataset_card
from videopasta_assets.exports.folder import Export, finished, fresh_folder
from videopasta_assets.exports.formats import FORMATS
from videopasta_assets.exports.record import records
from videopasta_assets.exports.videos import VideoPlace, place_videos
from videopasta_assets.stages import preference_set
from videopasta_assets.stages.lora_checkpoint import experiment_named
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.training_set import training_set


def export_pairs(
    project: Project,
    format_name: str,
    target: Path,
    *,
    kto: bool = False,
    videos: VideoPlace = "relative",
    experiment: str | None = None,
    licence: Licence | None = None,
) -> Export:
    """Write the pairs of the current preference set, with a card, into the folder `target`.

    Args:
        project: whose lake holds them.
        format_name: key of `FORMATS`.
        target: folder of the export.
        kto: two labelled answers a pair in place of the pair.
        videos: how rows name the videos.
        experiment: only the pairs that this experiment trains on; none: the whole set.
        licence: licence of the data, for the card.

    Raises:
        UserError: no such format or experiment, no pairs yet, a video is gone, or `target` holds something else.
        LakeError: it cannot be written.
    """
    if format_name not in FORMATS:
        raise UserError(f"no export format is named {format_name!r}", fix=f"There are: {', '.join(FORMATS)}.")
    if experiment is None:
        chosen = preference_set.current(project)
        name, members = (chosen.hash, chosen.members) if chosen else ("", ())
    else:
        drawn = training_set(project, experiment_named(project, experiment))
        name, members = (drawn.content, drawn.members) if drawn else ("", ())
    if not members:
        raise UserError(
            "there is no preference set yet", where=str(project.lake.root), fix="`videopasta run` makes it."
        )
    made_from = {"preference_set": name, "recipe": project.recipe, "format": format_name, "kto": kto, "videos": videos}
    with fresh_folder(target, made_from) as folder:
        placed = place_videos(records(project, members), folder, videos)
        rows = FORMATS[format_name].write(placed, folder, kto)
        text = dataset_card(project, placed, name, format_name, rows=rows, kto=kto, videos=videos, licence=licence)
        (folder / "README.md").write_text(text, encoding="utf-8")
    return finished(target, "dataset", rows)
