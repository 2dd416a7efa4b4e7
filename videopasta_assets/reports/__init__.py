"""Reports: one page a preference set and one a checkpoint."""
