"""One exported pair: what every format is written from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from videopasta_assets.lake import Row
from videopasta_assets.stages.lora_checkpoint import training_pairs
from videopasta_assets.stages.project import Project


@dataclass(frozen=True)
class ExportRecord:
    """A preference as training reads it.

    Attributes:
        pair_id: identity of the pair.
        video_id: SHA-256 of the video's bytes.
        source: where the video's file lies.
        video: its path in the export, relative to the export's folder, with `/`.
        system: the system text; empty without one.
        prompt: the user's text of the aligned prompt: no adversarial word is in it.
        query: the question alone.
        chosen: the aligned response.
        rejected: the adversary.
        mode: failure mode of the adversary.
        category: category of the question.
        strategy: how the adversary breaks the mode; empty where it was not recorded.
        frame_indices: the dense frames that both answers are trained on.
        frame_timestamps: their times in seconds.
    """

    pair_id: str
    video_id: str
    source: Path
    video: str
    system: str
    prompt: str
    query: str
    chosen: str
    rejected: str
    mode: str
    category: str
    strategy: str
    frame_indices: tuple[int, ...]
    frame_timestamps: tuple[float, ...]


def records(project: Project, members: Sequence[Row]) -> list[ExportRecord]:
    """Records of pairs, in their order; `video` is still the source's path.

    Args:
        project: gives prompts and frame plans.
        members: rows of a preference set, or of an experiment's training set.
    """
    return [
        ExportRecord(
            pair_id=pair.pair_id,
            video_id=pair.clip.video_id,
            source=pair.clip.path,
            video=pair.clip.path.as_posix(),
            system=pair.prompt.system or "",
            prompt=pair.prompt.text,
            query=member["query"],
            chosen=pair.chosen,
            rejected=pair.rejected,
            mode=pair.mode.value,
            category=member["query_category"],
            strategy=member.get("adv_strategy") or "",
            frame_indices=pair.clip.plan.indices,
            frame_timestamps=pair.clip.plan.timestamps,
        )
        for pair, member in zip(training_pairs(project, tuple(members)), members, strict=True)
    ]
