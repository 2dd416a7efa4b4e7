"""SubRip files: what is said, without times and numbers."""

import re
from pathlib import Path
from typing import Final

LINES_SHOWN: Final = 20_000
"""Characters of subtitles that a question shows, at most."""

_TIMES: Final = re.compile(r"^\d+:\d\d:\d\d[,.]\d+\s*-->")
_MARKUP: Final = re.compile(r"<[^>]+>|\{\\[^}]*\}")


def read_srt(path: Path) -> str:
    """The lines of a SubRip file; nothing if there is none."""
    if not path.is_file():
        return ""
    spoken = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        text = _MARKUP.sub("", line).strip()
        if text and not text.isdigit() and not _TIMES.match(text):
            spoken.append(text)
    return "\n".join(spoken)[:LINES_SHOWN]
