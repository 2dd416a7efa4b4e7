"""Cards of data sets, in the hub's format: YAML front matter, then provenance, counts, fields, limits."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

import yaml

from videopasta_assets.exports.record import ExportRecord
from videopasta_assets.exports.videos import VideoPlace
from videopasta_assets.stages.project import Project, RoleName

_SIZES: Final = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_ROLES: Final[tuple[RoleName, ...]] = ("query_writer", "responder", "verifier")
_WHERE: Final = {
    "relative": "Videos are not part of this export: rows name the files where they lay when it was made.",
    "link": "`videos/` holds symbolic links to the files, named by the hash of their bytes.",
    "copy": "`videos/` holds copies of the files, named by the hash of their bytes.",
}


@dataclass(frozen=True)
class Licence:
    """Licence of what is exported: an identifier of the hub, or `other` with a name and a link."""

    id: str = "other"
    name: str = "unspecified"
    link: str = ""

    def fields(self) -> dict[str, str]:
        """Front matter."""
        if self.id != "other":
            return {"license": self.id}
        return {"license": "other", "license_name": self.name, **({"license_link": self.link} if self.link else {})}


def dataset_card(
    project: Project,
    records: Sequence[ExportRecord],
    preference_set: str,
    format_name: str,
    *,
    rows: int,
    kto: bool,
    videos: VideoPlace,
    licence: Licence | None,
) -> str:
    """Markdown that says what the data is, where it comes from and what it cannot do."""
    matter: dict[str, Any] = {
        **(licence or Licence()).fields(),
        "task_categories": ["video-text-to-text"],
        "language": ["en"],
        "size_categories": [next((name for limit, name in _SIZES if rows < limit), "n>1M")],
        "tags": ["kto" if kto else "dpo", "preference", "video", "synthetic", "videopasta-assets"],
    }
    if format_name == "hf":
        matter["configs"] = [{"config_name": "default", "data_files": [{"split": "train", "path": "data/*.parquet"}]}]
    kind = "labelled answers (KTO): two a pair" if kto else "preference pairs (DPO)"
    models = [(role.replace("_", " "), project.model_id(role)) for role in _ROLES]
    return f"""{front_matter(matter)}
# Preference pairs of the recipe {project.recipe}

{rows} {kind}, of {len(records)} pairs about {len({record.video_id for record in records})} videos. In each, two answers
to one question about one video are given: the aligned one (chosen), and an adversary with a deliberate error of one
failure mode (rejected). Both are to be trained on the same frames under the same prompt.

## Provenance

- preference set: `{preference_set}`
- made by: videopasta-assets {version("videopasta-assets")}
- recipe: `{project.recipe}` (VideoPASTA, arXiv 2504.14096), seed {project.settings.seed}
- frames: dense `{project.sampling("dense").spec_hash}`, sparse `{project.sampling("sparse").spec_hash}`

{table(("role", "model@revision"), models)}

Every question and every answer was written by these models; no person wrote or checked them unless the pair says so.

## Counts

{_counted("failure mode of the rejected answer", (record.mode for record in records))}

{_counted("category of the question", (record.category for record in records))}

{_counted("strategy of the adversary", (record.strategy or "not recorded" for record in records))}

## Fields

Format `{format_name}`. `prompt` is the text that the policy sees; a rejected answer's instruction is nowhere in it.
{_WHERE[videos]}

## Licence

The front matter's licence is that of the texts, as whoever made this export declared it. The videos have licences of
their own, and so do the models above, whose terms may reach to what they wrote.

## Limits

- The verifier read texts alone: it cannot see whether a chosen answer is true of its video. Measure that before use.
- Errors are deliberate, of {len({record.mode for record in records})} failure modes; they are not a sample of
  the errors that models make by themselves.
- Questions and answers have the language, the style and the biases of the models that wrote them.
"""


def front_matter(fields: Mapping[str, Any]) -> str:
    """YAML between two lines of dashes."""
    return f"---\n{yaml.safe_dump(dict(fields), sort_keys=False, allow_unicode=True)}---\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; nothing in a cell can break out of it."""
    lines = [heads, ["---"] * len(heads), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def _counted(head: str, names: Iterable[str]) -> str:
    return table((head, "pairs"), sorted(Counter(names).items()))


def _cell(value: object) -> str:
    text = "" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
