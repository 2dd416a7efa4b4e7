"""Preference pairs from files of others, line by line; a line that is none keeps its number and its fault.

Layouts are told apart by their keys: LLaVA-Hound-DPO's (`id`, `video`, `prompt`, `answer`, `chosen`, `rejected` and
scores, which are placeholders and not read), and any JSONL with a video, a question, a chosen and a rejected text,
such as what `videopasta export` writes. Texts may be chat messages: the last one's content counts.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from videopasta_assets.recipes.answer_text import same_answer
from videopasta_assets.taxonomy import MODES

_VIDEO: Final = ("video_id", "video", "videos", "video_path", "image")
_QUESTION: Final = ("query", "question", "prompt", "instruction")
_CHOSEN: Final = ("chosen", "preferred", "chosen_response")
_REJECTED: Final = ("rejected", "dispreferred", "rejected_response")
_MODE: Final = ("mode", "adv_mode")
_PLACEHOLDERS: Final = ("<video>", "<image>")


@dataclass(frozen=True)
class PreferenceLine:
    """One pair of a file.

    Attributes:
        line: its number, from 1.
        pair: its own name in the file; else the line's number.
        video: what the file calls the video: an identity, a path or a name.
        query: the question, without placeholders of a video.
        chosen: the preferred answer.
        rejected: the other one.
        mode: failure mode; None where the file names none.
    """

    line: int
    pair: str
    video: str
    query: str
    chosen: str
    rejected: str
    mode: str | None


@dataclass(frozen=True)
class FaultyLine:
    """A line that is no pair: its number, what is wrong, and the line as it came."""

    line: int
    fault: str
    text: str


def read_preferences(lines: Iterable[str]) -> Iterator[PreferenceLine | FaultyLine]:
    """Pairs and faults in the order of the file; empty lines are passed over, a repeated name is a fault.

    Bytes that were no UTF-8 come as lone surrogates (`errors="surrogateescape"`).
    """
    seen: set[str] = set()
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            text.encode()
            found = _pair(json.loads(text), number)
            if found.pair in seen:
                raise ValueError(f"the name {found.pair!r} occurs twice")
        except UnicodeEncodeError:
            yield FaultyLine(number, "it is not UTF-8", text.rstrip("\n"))
        except json.JSONDecodeError as error:
            yield FaultyLine(number, f"no valid JSON ({error.msg})", text.rstrip("\n"))
        except ValueError as error:
            yield FaultyLine(number, str(error), text.rstrip("\n"))
        else:
            seen.add(found.pair)
            yield found


def _pair(data: Any, number: int) -> PreferenceLine:
    if not isinstance(data, dict):
        raise ValueError("a line must be an object")
    video = next((data[name] for name in _VIDEO if data.get(name)), None)
    if isinstance(video, list):
        video = video[0] if len(video) == 1 else None
    if not isinstance(video, str) or not video.strip():
        raise ValueError(f"it names no video (one of {', '.join(_VIDEO)})")
    query = _text(data, _QUESTION)
    for placeholder in _PLACEHOLDERS:
        query = query.replace(placeholder, "")
    chosen, rejected = _text(data, _CHOSEN), _text(data, _REJECTED)
    for name, text in (("question", query), ("chosen answer", chosen), ("rejected answer", rejected)):
        if not text.strip():
            raise ValueError(f"it has no {name}")
    if same_answer(chosen, rejected):
        raise ValueError("chosen and rejected say the same in the same words")
    mode = next((data[name] for name in _MODE if data.get(name)), None)
    if mode is not None and mode not in MODES:
        raise ValueError(f"mode {mode!r} is none of {', '.join(MODES)}")
    own_name = data.get("pair_id") or data.get("id") or number
    return PreferenceLine(number, str(own_name), video.strip(), query.strip(), chosen.strip(), rejected.strip(), mode)


def _text(data: dict[str, Any], names: tuple[str, ...]) -> str:
    value = next((data[name] for name in names if data.get(name)), "")
    if isinstance(value, list) and value and isinstance(value[-1], dict):
        value = value[-1].get("content", "")
    if isinstance(value, list):  # parts of a message
        value = " ".join(str(part.get("text", "")) for part in value if isinstance(part, dict) and part.get("text"))
    if not isinstance(value, str):
        raise ValueError(f"{names[0]} must be a text")
    return value
