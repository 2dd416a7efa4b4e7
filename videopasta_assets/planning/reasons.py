"""From two specifications to reasons: which named parts differ, and of which kind each is."""

from collections.abc import Iterable, Mapping
from typing import Final

from videopasta_assets.planning.step import Reason, ReasonKind
from videopasta_assets.stages.generation import EXTENT

VERDICT: Final = "verdict "
"""How parts of the verdicts' specification are named in the step `adversaries`, which computes both."""

_MODELS: Final = frozenset({"model", "verifier"})


def changed_parts(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the parts that differ, in alphabetical order."""
    return tuple(name for name in sorted({*old, *new}) if old.get(name) != new.get(name))


def kind_of(part: str) -> ReasonKind:
    """Kind of a change of the part."""
    name = part.removeprefix(VERDICT)
    if name.startswith("prompt "):
        return ReasonKind.PROMPT_CHANGED
    if name in _MODELS or name.endswith(" model"):
        return ReasonKind.MODEL_CHANGED
    if name.endswith("sampling"):
        return ReasonKind.SAMPLING_CHANGED
    return ReasonKind.SETTING_CHANGED


def change(part: str, rows: int = 0) -> Reason:
    """The reason that a changed part is."""
    return Reason(kind_of(part), part.replace(EXTENT, ""), rows)


def counted(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Equal reasons as one, with the sum of their rows; in the order of their first appearance."""
    rows: dict[tuple[ReasonKind, str], int] = {}
    for reason in reasons:
        key = (reason.kind, reason.subject)
        rows[key] = rows.get(key, 0) + reason.rows
    return tuple(Reason(kind, subject, count) for (kind, subject), count in rows.items())
