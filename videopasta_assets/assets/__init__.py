"""The artifacts as Dagster assets, one file each, in pipeline order; thin over `videopasta_assets.stages`."""

import warnings

import dagster as dg

# Partitioned checks and mappings of multi-partitions are marked as young in Dagster 1.13. We pin its minor version
# and test what we use of them, so a user need not read a warning at every start.
for _category in (dg.BetaWarning, dg.PreviewWarning):
    warnings.filterwarnings("ignore", category=_category)
