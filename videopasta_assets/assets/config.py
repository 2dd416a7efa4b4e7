"""What a person may set for one run of an asset, in the launchpad or on the command line."""

import dagster as dg
from pydantic import Field


class ShardConfig(dg.Config):
    """Configuration of the assets whose rows may fail."""

    retry_failed: bool = Field(default=False, description="Compute rows again that failed; they are kept otherwise.")
