"""When a training run is given up: numbers that are not finite, and rewards that collapse.

Two collapses are known of DPO. The margin turns negative for good: the policy prefers what it should reject. Or the
chosen responses become unlikely too, while the margin still grows, so that probability goes to text that nobody chose
(likelihood displacement: Razin et al., arXiv 2410.08847; Pal et al., arXiv 2402.13228). One bad record is noise of a
small batch; `patience` of them in a row end the run.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from videopasta_assets.config.training import EarlyStopSettings
from videopasta_assets.errors import VideoPastaError


class TrainingDivergedError(VideoPastaError):
    """The loss or a gradient is no longer a finite number, or rewards collapsed."""


@dataclass
class DivergenceWatch:
    """Counts bad records in a row.

    Attributes:
        settings: what is bad, and how often in a row it may be seen.
        bad: so many records up to now were bad.
    """

    settings: EarlyStopSettings
    bad: int = 0

    @property
    def is_healthy(self) -> bool:
        """The last record was good: a state that is worth keeping."""
        return self.bad == 0

    def see(self, record: Mapping[str, Any]) -> None:
        """Look at the metrics of a logged step.

        Raises:
            TrainingDivergedError: it is one bad record too many.
        """
        symptom = self._symptom(record)
        self.bad = self.bad + 1 if symptom else 0
        if symptom and 0 < self.settings.patience <= self.bad:
            raise TrainingDivergedError(f"rewards collapsed by step {record['step']}: {symptom}")

    def _symptom(self, record: Mapping[str, Any]) -> str | None:
        margin, chosen = (float(record.get(f"rewards/{name}", math.nan)) for name in ("margins", "chosen"))
        if margin < self.settings.min_margin:
            return f"the mean margin is {margin:.2f}, the model prefers the rejected responses"
        if chosen < self.settings.min_chosen:
            return f"the mean reward of the chosen is {chosen:.2f}, they become unlikely together with the rejected"
        return None
