"""Closed vocabularies of the VideoPASTA recipe: failure modes, query categories, adversarial strategies.

Source: VideoPASTA (arXiv 2504.14096) sections 3.1-3.4. The paper names the modes and categories; the
strategy names are ours, one for each error that its text or figures describe.
"""

from enum import StrEnum
from typing import Final


class FailureMode(StrEnum):
    """What an adversary gets wrong about the video (section 3)."""

    SPATIAL = "spatial"
    TEMPORAL = "temporal"
    CROSS_FRAME = "cross_frame"


MODES: Final[tuple[FailureMode, ...]] = tuple(FailureMode)

CATEGORIES: Final[dict[FailureMode, tuple[str, ...]]] = {
    FailureMode.SPATIAL: (
        "occlusion",
        "depth_perception",
        "relative_positioning",
        "foreground_background",
        "frame_layout",
    ),
    FailureMode.TEMPORAL: (
        "event_ordering",
        "action_boundaries",
        "transition_points",
        "causality",
        "concurrent_actions",
    ),
    FailureMode.CROSS_FRAME: (
        "object_continuity",
        "character_persistence",
        "setting_change",
        "action_repetition",
        "foreshadowing",
    ),
}
"""Query categories by the mode that they probe (sections 3.1, 3.2, 3.3)."""

STRATEGIES: Final[dict[FailureMode, tuple[str, ...]]] = {
    FailureMode.SPATIAL: (
        "all_visible",
        "equidistant",
        "mirrored_relation",
        "false_presupposition",
        "negated_presence",
    ),
    FailureMode.TEMPORAL: (
        "simultaneous",
        "merged_phases",
        "reordered",
        "false_temporal_relation",
        "concurrency_swap",
    ),
    FailureMode.CROSS_FRAME: (
        "unrelated_object",
        "different_identity",
        "reversed_progression",
        "nothing_changed",
        "collapsed_locations",
        "close_up_shift",
    ),
}
"""How an adversary breaks its mode: one template file each (sections 3.1-3.3, figures 2 and 8)."""


class VerdictStatus(StrEnum):
    """Outcome of one (query, aligned, adversary) attempt (section 3.4)."""

    ACCEPTED = "accepted"
    REJECTED_SIMILAR = "rejected_similar"
    REJECTED_NO_CONTRADICTION = "rejected_no_contradiction"
    REJECTED_OFF_MODE = "rejected_off_mode"
    REJECTED_PREFERRED = "rejected_preferred"
    REJECTED_PARSE = "rejected_parse"
