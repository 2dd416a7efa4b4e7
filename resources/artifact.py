"""Which Dagster asset holds which table of the lake."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import dagster as dg
import pyarrow as pa

from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import TABLES, TableSchema
from videopasta_assets.stages.project import Project

LANDING: Final = "1_landing"
GENERATION: Final = "2_generation"
VERIFICATION: Final = "3_verification"
TRAINING: Final = "4_training"
EVALUATION: Final = "5_evaluation"
QUESTIONS: Final = "6_questions"
"""Groups in pipeline order: Dagster sorts them by name."""

OWNERS: Final = ("team:videopasta",)
GPU_POOL: Final = "gpu"


def asset_key(project: Project, table: str) -> dg.AssetKey:
    """The asset of a table: tables of a recipe have its name as prefix."""
    return dg.AssetKey([project.recipe, table] if TABLES[table].per_recipe else [table])


def op_name(key: dg.AssetKey) -> str:
    """Name of the step that materializes an asset."""
    return "__".join(key.path)


def artifact_spec(
    project: Project,
    table: str,
    *,
    group: str,
    spec: Mapping[str, str],
    deps: Iterable[dg.AssetDep | str] = (),
    kinds: Iterable[str] = (),
) -> dg.AssetSpec:
    """The asset of `table`: described by the table's own schema, versioned by the stage's spec.

    Args:
        project: gives the key prefix.
        table: table of the lake.
        group: place in the pipeline.
        spec: named parts of everything beside inputs that decides the output; its hash is the code version.
        deps: tables that it is derived from, or dependencies with a partition mapping.
        kinds: technologies, shown as icons; Dagster allows three in all.
    """
    schema = TABLES[table]
    return dg.AssetSpec(
        asset_key(project, table),
        deps=[asset_key(project, dep) if isinstance(dep, str) else dep for dep in deps],
        description=schema.meaning,
        metadata={"dagster/column_schema": column_schema(schema)},
        group_name=group,
        code_version=stable_hash(spec),
        owners=list(OWNERS),
        kinds={"parquet", *kinds},
    )


def column_schema(schema: TableSchema) -> dg.TableSchema:
    """A table's columns with their meanings, as Dagster shows them."""
    return dg.TableSchema(
        [dg.TableColumn(column.name, _type_name(column.type), column.meaning) for column in schema.columns]
    )


def _type_name(kind: Any) -> str:
    return f"list<{kind.value_type}>" if pa.types.is_list(kind) else str(kind)
