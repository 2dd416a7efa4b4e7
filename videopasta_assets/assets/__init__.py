"""The artifacts as Dagster assets, one file each, in pipeline order; thin over `videopasta_assets.stages`."""
