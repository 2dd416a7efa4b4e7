"""Seeds of single requests: every row draws its own random numbers, whatever else is generated beside it."""

from typing import Any, Final

from videopasta_assets.hashing import stable_hash

# Servers differ in the integers that they take as a seed; all of them take 31 bits.
_SEED_BITS: Final = 31


def request_seed(base_seed: int, *parts: Any) -> int:
    """The seed of one request, in [0, 2**31): a stable function of the run's seed and of what names the row.

    `parts` are the row's key, for example `(query_id, slot, attempt)`; any value with a stable hash will do.
    """
    return rotation(2**_SEED_BITS, "seed", base_seed, *parts)


def rotation(size: int, *parts: Any) -> int:
    """A stable number in [0, size), spread evenly over different `parts`: where a rotation starts."""
    if size < 1:
        raise ValueError("a rotation needs at least one element")
    return int(stable_hash(*parts), 16) % size
