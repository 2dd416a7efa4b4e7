"""What a training run reads: pairs that share one clip and one prompt.

A pair has no field for an adversarial instruction: chosen and rejected are both scored under the aligned
query on the dense frames (VideoPASTA section 3.5: one input (V, q) for r+ and r-).
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from videopasta_assets.errors import UserError
from videopasta_assets.hashing import combined_hash, stable_hash
from videopasta_assets.prompts import Prompt
from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.plan import FramePlan


@dataclass(frozen=True)
class TrainingPair:
    """One preference: of two responses to `prompt` about `clip`, `chosen` is the better.

    `prompt` is the aligned query's prompt exactly as the policy sees it at inference, `clip` the dense frames;
    `mode` is the failure mode that the rejected response shows (it selects the pair's subset in Eq. 3).

    Raises:
        UserError: the prompt comes from an adversary template, or a response is empty or equals the other.
    """

    pair_id: str
    clip: Clip
    prompt: Prompt
    chosen: str
    rejected: str
    mode: FailureMode

    def __post_init__(self) -> None:
        where = f"training pair {self.pair_id}"
        if self.prompt.template.startswith("adversary/"):
            raise UserError(
                f"its prompt is an adversarial instruction ({self.prompt.template})",
                where=where,
                fix="Render the aligned template for the pair's query.",
            )
        if not self.chosen.strip() or not self.rejected.strip():
            raise UserError("a response is empty", where=where, fix="Leave the pair out of the preference set.")
        if self.chosen.strip() == self.rejected.strip():
            raise UserError("chosen equals rejected", where=where, fix="Leave the pair out of the preference set.")

    @property
    def content_hash(self) -> str:
        """Hash of everything that training sees of the pair: frames by identity, never by path."""
        return stable_hash(
            self.clip.key, self.prompt.system, self.prompt.text, self.chosen, self.rejected, self.mode.value
        )


def pairs_hash(pairs: Iterable[TrainingPair]) -> str:
    """Identity of a preference set: independent of order, paths and pair names."""
    return combined_hash(pair.content_hash for pair in pairs)


def count_by_mode(pairs: Iterable[TrainingPair]) -> dict[FailureMode, int]:
    """N_m of Eq. 3, for the modes that have pairs, in the taxonomy's order."""
    counts = Counter(pair.mode for pair in pairs)
    return {mode: counts[mode] for mode in FailureMode if counts[mode]}


def write_pairs(pairs: Sequence[TrainingPair], path: Path) -> None:
    """Write a manifest that trains without a lake: JSONL, one pair a line."""
    lines = (json.dumps(_record(pair), ensure_ascii=False, sort_keys=True) for pair in pairs)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def read_pairs(path: Path) -> list[TrainingPair]:
    """Read a manifest: `.jsonl` as `write_pairs` writes it, or `.parquet` with the same columns.

    Raises:
        UserError: the file is missing or a line is not a pair, with its line number.
    """
    if not path.is_file():
        raise UserError("no such preference manifest", where=str(path), fix="Check `pairs` in the configuration.")
    pairs = []
    for number, record in _records(path):
        try:
            pairs.append(_pair(record))
        except (KeyError, TypeError, ValueError) as error:
            detail = f"missing {error}" if isinstance(error, KeyError) else str(error)
            raise UserError(
                f"not a training pair: {detail}", where=f"{path}:{number}", fix="See docs/training.md for its fields."
            ) from error
    if not pairs:
        raise UserError("the preference manifest is empty", where=str(path), fix="Train on at least one pair.")
    return pairs


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        yield from enumerate(pq.read_table(path).to_pylist(), start=1)
        return
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except json.JSONDecodeError as error:
                    raise UserError(f"not JSON: {error.msg}", where=f"{path}:{number}", fix="Mend the line.") from error


def _record(pair: TrainingPair) -> dict[str, Any]:
    record = asdict(pair)
    record["clip"]["path"] = str(pair.clip.path)
    return record


def _pair(record: dict[str, Any]) -> TrainingPair:
    clip, plan = record["clip"], dict(record["clip"]["plan"])
    plan["indices"] = tuple(plan["indices"])
    plan["timestamps"] = tuple(plan["timestamps"])
    return TrainingPair(
        pair_id=record["pair_id"],
        clip=Clip(video_id=clip["video_id"], path=Path(clip["path"]), plan=FramePlan(**plan)),
        prompt=Prompt(**record["prompt"]),
        chosen=record["chosen"],
        rejected=record["rejected"],
        mode=FailureMode(record["mode"]),
    )
