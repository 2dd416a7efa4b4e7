"""A procedural world with exact truth: short videos of coloured shapes, questions about them, and their answers."""
