"""SQL models over the lake: each file in `models/` is a Dagster asset, its header's checks are asset checks."""
