"""Asset `human_verdicts`: what people said in the pair browser. No run makes it: it is there for its lineage."""

import dagster as dg

from resources.artifact import VERIFICATION, artifact_spec
from resources.partitions import SHARDS
from videopasta_assets.stages import human_verdicts as stage
from videopasta_assets.stages.project import Project


def build(declared: Project) -> dg.AssetsDefinition:
    """The asset for the project that the definitions were loaded with."""
    spec = artifact_spec(
        declared,
        "human_verdicts",
        group=VERIFICATION,
        spec={"stage": stage.STAGE_VERSION},
        deps=["adversaries"],
    )
    return dg.AssetsDefinition(specs=[spec.replace_attributes(partitions_def=SHARDS)])
