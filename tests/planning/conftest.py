"""The bench of the stages' tests serves the plan too."""

from tests.stages.conftest import bench

__all__ = ["bench"]
