"""What an engine's work consisted of: how long the model worked, how long it waited, and which videos it paid for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EngineUsage:
    """Sums since an engine was made, or between two such moments.

    Attributes:
        busy_seconds: the model encoded prompts and wrote replies.
        waiting_seconds: it had nothing to do, because frames or tokens were not ready.
        prefixes_computed: clips that went through the model.
        prefixes_reused: clips of a batch whose keys and values were there already.
    """

    busy_seconds: float = 0.0
    waiting_seconds: float = 0.0
    prefixes_computed: int = 0
    prefixes_reused: int = 0

    @property
    def idle_share(self) -> float:
        """Share of the time that the model waited for its input."""
        whole = self.busy_seconds + self.waiting_seconds
        return self.waiting_seconds / whole if whole else 0.0

    @property
    def prefix_hit_rate(self) -> float:
        """Share of the clips of all batches that were there already."""
        clips = self.prefixes_computed + self.prefixes_reused
        return self.prefixes_reused / clips if clips else 0.0

    def __add__(self, other: "EngineUsage") -> "EngineUsage":
        """Both together."""
        return EngineUsage(
            self.busy_seconds + other.busy_seconds,
            self.waiting_seconds + other.waiting_seconds,
            self.prefixes_computed + other.prefixes_computed,
            self.prefixes_reused + other.prefixes_reused,
        )

    def __sub__(self, earlier: "EngineUsage") -> "EngineUsage":
        """What came after `earlier`."""
        return EngineUsage(
            self.busy_seconds - earlier.busy_seconds,
            self.waiting_seconds - earlier.waiting_seconds,
            self.prefixes_computed - earlier.prefixes_computed,
            self.prefixes_reused - earlier.prefixes_reused,
        )
