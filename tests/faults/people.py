"""What a reason must be to be one for people."""

import re

_MACHINE_WORDS = re.compile(
    r"Errno|Traceback|Error\(|\bNone\b|0x[0-9a-f]+|<[a-z_.]+ |\bexception\b|^\s*$", re.IGNORECASE
)


def is_for_people(reason: str) -> bool:
    """One sentence of words: no error number alone, no traceback, no Python names, no line breaks."""
    words = re.findall(r"[A-Za-z]{2,}", reason)
    return not _MACHINE_WORDS.search(reason) and "\n" not in reason and len(words) >= 4 and len(reason) <= 250
