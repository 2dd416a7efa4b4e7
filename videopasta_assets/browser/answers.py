"""What the browser shows of benchmarks: items with both models' answers, the frames that they saw, and what changed."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from videopasta_assets.browser.strips import strip_json
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.lake import Row
from videopasta_assets.stages.answer_changes import AnsweredItem, AskedItems, Change, answered_items
from videopasta_assets.stages.benchmark_items import benchmark_named
from videopasta_assets.stages.lora_checkpoint import experiment_named
from videopasta_assets.stages.project import Project, good_rows

DEFAULT_ITEMS: Final = 2_000
_ITEM: Final = ("kind", "form", "mode", "category", "facets", "question", "options", "reference", "answer_index")
_ANSWER: Final = ("reply", "judgement", "parsed", "correct", "margin", "error", "prompt_tokens", "completion_tokens")


@dataclass(frozen=True)
class AnswerSelection:
    """Whose answers are shown.

    Attributes:
        experiment: its tuned model, beside the base.
        benchmark: of this benchmark alone; None: of all.
        items: at most so many; where there are more, those that changed come first.
    """

    experiment: str
    benchmark: str | None = None
    items: int = DEFAULT_ITEMS


@dataclass(frozen=True)
class AnswerCatalog:
    """Everything that the page needs but pictures.

    Attributes:
        items: one a benchmark item; `video` is an index into `videos`.
        videos: with the layout of their film strips; a part of a video is one of its own.
        rows: of `videos`, in the same order, as `sampled_videos` has them: what film strips are drawn from.
        items_in_lake: items that either model was asked, shown or not.
        facts: of the experiment.
    """

    items: tuple[Row, ...]
    videos: tuple[Row, ...]
    rows: tuple[Row, ...]
    items_in_lake: int
    facts: Row

    def to_json(self, project: Project) -> dict[str, Any]:
        """The page's data."""
        return {
            "project": project.settings.root.name,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "items_in_lake": self.items_in_lake,
            **self.facts,
            "videos": self.videos,
            "items": self.items,
        }


def load_answers(project: Project, selection: AnswerSelection) -> AnswerCatalog:
    """The catalog of the project's lake as it is now.

    Raises:
        UserError: there is no such experiment or benchmark.
    """
    experiment_named(project, selection.experiment)
    if selection.benchmark is not None:
        benchmark_named(project, selection.benchmark)
    known = [benchmark.name for benchmark in project.settings.evaluation.benchmarks]
    names = known if selection.benchmark is None else [selection.benchmark]
    found = answered_items(project, selection.experiment, names)
    shown = sorted(found, key=lambda item: item.change not in (Change.BROKEN, Change.FIXED))[: selection.items]
    seen = _Seen(project)
    items = tuple({**_item_json(item), **seen.text_of(item), **seen.of(item)} for item in shown)
    checkpoint: Row = next(good_rows(project, "lora_checkpoint", selection.experiment), {})
    facts = {
        "experiment": selection.experiment,
        "base_model": project.model_id("responder"),
        "adapter": checkpoint.get("adapter_hash"),
    }
    return AnswerCatalog(items, tuple(map(_video_json, seen.rows)), tuple(seen.rows), len(found), facts)


def _item_json(item: AnsweredItem) -> Row:
    row = item.row
    return {
        "id": f"{item.benchmark}/{item.item_id}",
        "item": item.item_id,
        "benchmark": item.benchmark,
        "group": row["item_group"],
        "change": str(item.change),
        **{name: row[name] for name in _ITEM},
        "base": _answer_json(item.base),
        "tuned": _answer_json(item.tuned),
    }


def _answer_json(row: Row | None) -> Row | None:
    if row is None:
        return None
    return {
        **{name: row[name] for name in _ANSWER},
        "predicted": row["predicted_index"],
        "version": row["data_version"],
    }


class _Seen:
    """The frames that models see of items' videos, each video's (or part's) once."""

    def __init__(self, project: Project) -> None:
        self.rows: list[Row] = []
        self._asked = AskedItems(project)
        self._places: dict[str, int] = {}

    def text_of(self, answered: AnsweredItem) -> Row:
        """Question and options of an item whose answers are older than these columns."""
        if answered.row["question"] is not None:
            return {}
        try:
            item = self._asked.item(answered)
        except UserError:
            return {}
        return {"question": item.question, "options": list(item.options)}

    def of(self, answered: AnsweredItem) -> Row:
        """`video`, a place in `rows`; None with the reason under `unseen`."""
        try:
            path = self._asked.item(answered).video
            clip, info = self._asked.clip(answered)
        except VideoPastaError as error:
            return {"video": None, "unseen": str(error)}
        key = f"{clip.video_id}-{clip.plan.identity}"
        if key not in self._places:
            self._places[key] = len(self.rows)
            self.rows.append(
                {
                    "video_id": clip.video_id,
                    "path": str(info.path),
                    **{name: getattr(info, name) for name in ("width", "height", "fps", "total_frames", "duration")},
                    "dense_frames": list(clip.plan.indices),
                    "dense_timestamps": list(clip.plan.timestamps),
                    "dense_plan": clip.plan.identity,
                    "shown_path": path,
                }
            )
        return {"video": self._places[key]}


def _video_json(row: Row) -> Row:
    return {
        "id": f"{row['video_id']}-{row['dense_plan']}",
        "video": row["video_id"],
        "path": row["shown_path"],
        **{name: row[name] for name in ("duration", "total_frames")},
        "dense": strip_json(row, "dense"),
    }
