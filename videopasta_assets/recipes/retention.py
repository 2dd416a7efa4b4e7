"""Retention: how many potential pairs survive verification.

Two different ratios (VideoPASTA section 4 and appendix A.3.1). Slot retention is verified pairs by the slots
that there are, so regenerating a rejected adversary can only raise it. Attempt acceptance is what the verifier accepted
by everything that was asked for: it is what a pair costs. People's decisions move the first, never the second.
"""

from dataclasses import dataclass


def potential_pairs(videos: int, queries: int, slots: int) -> int:
    """videos x queries a video x adversary slots a query: 3,000 x 10 x 3 = 90,000 in the paper."""
    if min(videos, queries, slots) < 0:
        raise ValueError("counts of videos, queries and slots cannot be negative")
    return videos * queries * slots


def slot_retention(accepted_slots: int, videos: int, queries: int, slots: int) -> float | None:
    """Share of potential pairs with an accepted adversary; None when there is no slot at all.

    Raises:
        ValueError: negative counts, or more accepted slots than there are.
    """
    return _share(accepted_slots, potential_pairs(videos, queries, slots))


def attempt_acceptance(accepted: int, attempts: int) -> float | None:
    """Share of generated adversaries that were accepted; None when nothing was attempted.

    Raises:
        ValueError: negative counts, or more accepted than attempted.
    """
    return _share(accepted, attempts)


def _share(part: int, whole: int) -> float | None:
    if part < 0 or part > whole:
        raise ValueError(f"{part} of {whole} is no share")
    return part / whole if whole else None


@dataclass(frozen=True)
class ModeTally:
    """One failure mode: places for adversaries, adversaries made, and what came of them.

    Attributes:
        mode: the failure mode that adversaries target.
        slots: places for an adversary that the questions could have, tried or not.
        attempts: adversaries that were asked for, failed and rejected ones included.
        accepted: attempts that the verifier accepted.
        pairs: verified pairs: a person's decision makes them more or fewer than accepted attempts.
    """

    mode: str
    slots: int
    attempts: int
    accepted: int
    pairs: int

    @property
    def retention(self) -> float | None:
        """Share of the slots that ended as a pair."""
        return self.pairs / self.slots if self.slots else None

    @property
    def acceptance(self) -> float | None:
        """Share of the attempts that the verifier accepted."""
        return attempt_acceptance(self.accepted, self.attempts)
