"""Reports: one page a preference set and one a checkpoint, each a single file that opens from disk."""

from videopasta_assets.reports.checkpoint import write_checkpoint_report
from videopasta_assets.reports.preference_set import write_preference_set_report

__all__ = ["write_checkpoint_report", "write_preference_set_report"]
