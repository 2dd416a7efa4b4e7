"""A checkpoint as a folder for the hub: the adapter's safetensors, its configuration, and a card with its scores."""

import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from videopasta_assets.errors import UserError
from videopasta_assets.exports.card import Licence, front_matter, table
from videopasta_assets.exports.folder import Export, finished, fresh_folder
from videopasta_assets.lake import Row
from videopasta_assets.stages.lora_checkpoint import experiment_named
from videopasta_assets.stages.project import Project

_FILES: Final = ("adapter_model.safetensors", "adapter_config.json")
_SCORES: Final = ("benchmark", "mode", "items", "base_accuracy", "tuned_accuracy", "difference")


def export_checkpoint(project: Project, name: str, target: Path, *, licence: Licence | None = None) -> Export:
    """Copy the adapter of experiment `name` into `target`, with a card.

    Raises:
        UserError: no such experiment, it is not trained, or `target` holds something else.
        LakeError: it cannot be written.
    """
    experiment_named(project, name)
    rows = project.lake.rows(project.address("lora_checkpoint", name))
    checkpoint = next((row for row in rows if row["error"] is None), None)
    if checkpoint is None:
        raise UserError("this experiment has no checkpoint yet", where=name, fix="`videopasta run` trains it.")
    adapter = project.lake.local_folder(checkpoint["adapter"])
    made_from = {
        "experiment": name,
        **{key: checkpoint[key] for key in ("adapter_hash", "preference_set", "base_model")},
    }
    with fresh_folder(target, made_from) as folder:
        for file in _FILES:
            shutil.copyfile(adapter / file, folder / file)
        text = checkpoint_card(project, checkpoint, _scores(project, checkpoint), licence)
        (folder / "README.md").write_text(text, encoding="utf-8")
    return finished(target, "model", 0)


def checkpoint_card(project: Project, checkpoint: Row, scores: list[Row], licence: Licence | None) -> str:
    """Markdown that says what the adapter was trained on, how it scores, and what it cannot do."""
    base, _, digest = checkpoint["base_model"].partition("@")
    matter: dict[str, Any] = {
        **(licence or Licence()).fields(),
        "base_model": base,
        "library_name": "peft",
        "pipeline_tag": "video-text-to-text",
        "tags": ["lora", "dpo", "video", "videopasta-assets"],
    }
    if scores:
        matter["model-index"] = [{"name": checkpoint["experiment"], "results": [_result(row) for row in scores]}]
    measured = [[row[column] for column in _SCORES] + [_interval(row)] for row in scores]
    worse = [row for row in scores if row["difference"] is not None and row["difference"] < 0]
    return f"""{front_matter(matter)}
# {checkpoint["experiment"]}: a LoRA adapter of {base}

Trained on {checkpoint["pairs"]} preference pairs in {checkpoint["steps"]} optimizer steps by videopasta-assets
{version("videopasta-assets")}.

## Provenance

- base model: `{base}`, files `{digest}`
- adapter: `{checkpoint["adapter_hash"]}`
- preference set: `{checkpoint["preference_set"]}`, recipe `{project.recipe}` (VideoPASTA, arXiv 2504.14096)
- trained: {checkpoint["created_at"]:%Y-%m-%d}, {checkpoint["seconds"]:.0f} s

## Scores

Multiple-choice accuracy before and after, on the same items and frames, with the 95 % paired bootstrap interval of the
difference, by video.

{table((*_SCORES, "interval"), measured) if scores else "This adapter has not been scored."}

{f"It is worse than its base model on {len(worse)} of {len(scores)} rows." if worse else ""}

## Settings

```json
{checkpoint["settings"]}
```

## Licence and limits

The front matter's licence is that of the adapter, as whoever made this export declared it; the base model's licence
holds beside it. The pairs were verified from their texts alone, and no claim is made beyond the scores above.
"""


def _scores(project: Project, checkpoint: Row) -> list[Row]:
    """Scores of this very adapter."""
    found = [
        row
        for shard in project.shards_of("benchmark_scores")
        for row in project.lake.rows(project.address("benchmark_scores", shard))
        if row["error"] is None and row["adapter_hash"] == checkpoint["adapter_hash"]
    ]
    return sorted(found, key=lambda row: (row["benchmark"], row["mode"] != "all", row["mode"]))


def _result(row: Row) -> dict[str, Any]:
    return {
        "task": {"type": "video-text-to-text", "name": "multiple choice"},
        "dataset": {"name": row["benchmark"], "type": row["benchmark"], "split": row["mode"]},
        "metrics": [{"type": "accuracy", "value": row["tuned_accuracy"]}],
    }


def _interval(row: Row) -> str:
    if row["difference_low"] is None or row["difference_high"] is None:
        return ""
    return f"[{row['difference_low']:+.4f}, {row['difference_high']:+.4f}]"
