"""A training process ends with the one that started it: a killed run must not go on unseen beside its successor."""

import os
import signal
import threading
import time
from typing import Final

import psutil

PARENT_VARIABLE: Final = "VIDEOPASTA_PARENT"
"""Environment variable that names the process to live as long as: its number and its time of start."""

_LOOK_SECONDS: Final = 0.5


def parent_tag() -> str:
    """What `PARENT_VARIABLE` says of this process."""
    return f"{os.getpid()}:{psutil.Process().create_time()}"


def follow_parent() -> None:
    """End this process by force as soon as the one that `PARENT_VARIABLE` names is gone."""
    tag = os.environ.get(PARENT_VARIABLE)
    if tag:
        threading.Thread(target=_follow, args=(tag,), name="follow-parent", daemon=True).start()


def _follow(tag: str) -> None:
    number, _, started = tag.partition(":")
    while _lives(int(number), float(started)):
        time.sleep(_LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def _lives(number: int, started: float) -> bool:
    try:
        process = psutil.Process(number)
        return bool(process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - started) < 1)
    except psutil.NoSuchProcess:
        return False
