"""What a task of ours tells lmms-eval: how an item is asked, and how its reply is read.

`stages/lmms_task.py` copies this file and `multiple_choice.py` beside the task; lmms-eval imports it there, in an
environment that has none of our packages.
"""

from pathlib import Path
from runpy import run_path
from typing import Any

_parse_choice = run_path(str(Path(__file__).with_name("multiple_choice.py")))["parse_choice"]

Item = dict[str, Any]
"""A line of the task's file: item_id, video, start, end, system, prompt, options, answer_index."""


def visuals(item: Item) -> list[str]:
    """The item's video, for models of lmms-eval that are told videos and text apart."""
    return [item["video"]]


def text(item: Item, lmms_eval_specific_kwargs: object = None) -> str:  # noqa: ARG001 - lmms-eval's signature
    """The prompt, for those models."""
    return str(item["prompt"])


def messages(item: Item) -> list[dict[str, Any]]:
    """The whole conversation, video first, for models that are told it."""
    video = {"type": "video", "url": item["video"]}
    if item["end"] is not None:
        video |= {"start_time": item["start"], "end_time": item["end"]}
    asked = [{"role": "user", "content": [video, {"type": "text", "text": item["prompt"]}]}]
    if not item["system"]:
        return asked
    return [{"role": "system", "content": [{"type": "text", "text": item["system"]}]}, *asked]


def target(item: Item) -> str:
    """The right option's text."""
    return str(item["options"][item["answer_index"]])


def score(item: Item, replies: list[str]) -> dict[str, float]:
    """Whether the reply names the right option, and whether it names one at all: as our own runner reads it."""
    chosen = _parse_choice(replies[0], item["options"])
    return {"accuracy": float(chosen == item["answer_index"]), "parsed": float(chosen is not None)}
