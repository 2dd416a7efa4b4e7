"""Stable content hashes: the identity of rows, specs and shards.

Equal content gives equal hashes across processes, machines and Python versions, so `hash()` and `repr()` of
floats with platform quirks are out: values are serialized as canonical JSON (sorted keys, shortest float form).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import Any

_DIGEST_BYTES = 16


def canonical(value: Any) -> Any:  # noqa: PLR0911 - one return a kind of value
    """`value` as JSON-serializable data with one representation for each meaning.

    Raises:
        TypeError: for objects without a defined content, such as functions.
    """
    if isinstance(value, Enum):
        return canonical(value.value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, PurePath):
        return value.as_posix()
    if is_dataclass(value) and not isinstance(value, type):
        return canonical(asdict(value))
    if hasattr(value, "model_dump"):
        return canonical(value.model_dump(mode="json"))
    if isinstance(value, Mapping):
        return {str(canonical(key)): canonical(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((canonical(item) for item in value), key=str)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [canonical(item) for item in value]
    if hasattr(value, "item"):  # numpy scalars
        return canonical(value.item())
    raise TypeError(f"no stable hash for {type(value).__name__}")


def stable_hash(*values: Any) -> str:
    """128-bit hex digest of the canonical form of `values`."""
    text = json.dumps(canonical(values), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()


def combined_hash(digests: Iterable[str]) -> str:
    """Digest of a set of digests: independent of their order, sensitive to repeats."""
    joined = "\n".join(sorted(digests))
    return hashlib.blake2b(joined.encode(), digest_size=_DIGEST_BYTES).hexdigest()
