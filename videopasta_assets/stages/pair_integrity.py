"""What must hold of every preference pair before it may train a model."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from videopasta_assets.lake import Row
from videopasta_assets.prompts import PromptLibrary
from videopasta_assets.stages.recipes.videopasta import adversary_template

_TELLING_CHARACTERS: Final = 24
"""A line of a template that is shorter may occur in an honest answer by chance."""

_TEXTS: Final = ("query", "chosen", "rejected")


def broken_pairs(pairs: Sequence[Mapping[str, Any]]) -> list[str]:
    """One sentence a defect: a repeated identity, an empty text, equal answers, no frames."""
    counts = Counter(pair["pair_id"] for pair in pairs)
    broken = [f"pair {key} occurs {count} times" for key, count in counts.items() if count > 1]
    for pair in pairs:
        name = f"pair {pair['pair_id']}"
        broken += [f"{name} has no {text}" for text in _TEXTS if not (pair[text] or "").strip()]
        if _plain(pair["chosen"]) == _plain(pair["rejected"]):
            broken.append(f"{name} rejects what it chooses")
        if not pair["dense_frames"] or len(pair["dense_frames"]) != len(pair["dense_timestamps"] or ()):
            broken.append(f"{name} has no complete dense frame plan")
    return broken


def leaked_instructions(
    pairs: Sequence[Row], prompts: PromptLibrary, instruction: Callable[[Row], str | None] = adversary_template
) -> list[str]:
    """Pairs with a line of an adversarial template in a text that training reads.

    Args:
        pairs: rows of `verified_pairs`.
        prompts: the responder's templates.
        instruction: the template that a pair's rejected answer was asked with; None where there was none.
    """
    leaks = []
    for pair in pairs:
        name = instruction(pair)
        if name is None:
            continue
        prompt = prompts.render(
            name, mode=pair["adv_mode"], strategy=pair["adv_strategy"], query=pair["query"], duration=0.0
        )
        telling = [
            line
            for raw in prompt.text.splitlines()
            if len(line := _plain(raw)) >= _TELLING_CHARACTERS and _plain(pair["query"]) not in line
        ]
        leaks += [
            f"pair {pair['pair_id']} has the adversarial instruction in its {text}"
            for text in _TEXTS
            if any(line in _plain(pair[text]) for line in telling)
        ]
    return leaks


def _plain(text: str | None) -> str:
    return " ".join((text or "").casefold().split())
