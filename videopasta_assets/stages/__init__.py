"""The stages of the pipeline as pure functions over the lake: what should exist, what is missing, computing it."""
