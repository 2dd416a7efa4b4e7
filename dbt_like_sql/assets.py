"""Each model as a Dagster asset with lineage to what it reads, each check line as an asset check."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import dagster as dg

from dbt_like_sql.catalog import PROVIDED, load_models
from dbt_like_sql.check import SqlCheck
from dbt_like_sql.materialize import materialize_model
from dbt_like_sql.model import SqlModel
from dbt_like_sql.views import Warehouse, column_meanings, connect
from resources.artifact import OWNERS, QUESTIONS, asset_key
from videopasta_assets.errors import VideoPastaError
from videopasta_assets.lake import TABLES
from videopasta_assets.lake.sql import MANIFESTS, PREFERENCE_SETS
from videopasta_assets.lake.tables import PREFERENCE_SET
from videopasta_assets.stages.project import Project

PREFIX: Final = "sql"
QUESTIONS_JOB: Final = "questions"
SQL_JOB: Final = dg.define_asset_job(
    QUESTIONS_JOB,
    dg.AssetSelection.groups(QUESTIONS),
    description="Run every SQL model over the lake as it is now.",
)


@dg.resource(required_resource_keys={"project"}, description="DuckDB over the lake, opened once a run.")
def warehouse(context: dg.InitResourceContext) -> Iterator[Warehouse]:
    """Tables and models as views; in a bucket, as the lake is when a run's first SQL model starts."""
    project = context.resources.project
    with connect(project.lake, recipe=project.settings.recipe, frozen=True) as connection:
        yield Warehouse(connection)


def model_key(name: str) -> dg.AssetKey:
    """The asset of a model."""
    return dg.AssetKey([PREFIX, name])


def sql_assets(project: Project, existing: set[dg.AssetKey]) -> list[dg.AssetsDefinition]:
    """One asset a model.

    Args:
        project: whose lake they read.
        existing: assets of the pipeline; a table without an asset here is no dependency.

    Raises:
        UserError: a model is broken.
    """
    return [_asset(project, model, existing) for model in load_models()]


def _asset(declared: Project, model: SqlModel, existing: set[dg.AssetKey]) -> dg.AssetsDefinition:
    inputs = _inputs(declared, model)
    key = model_key(model.name)
    check_specs = [dg.AssetCheckSpec(check.name, asset=key, description=str(check)) for check in model.checks]
    columns = [dg.TableColumn(name, "string", meaning) for name, meaning in model.columns.items()]

    @dg.multi_asset(
        name=f"{PREFIX}__{model.name}",
        specs=[
            dg.AssetSpec(
                key,
                deps=[dep for dep in inputs if dep in existing or dep.path[0] == PREFIX],
                description=f"{model.description}\n\n```sql\n{model.statement}\n```",
                metadata={"dagster/column_schema": dg.TableSchema(columns)} if columns else {},
                group_name=QUESTIONS,
                code_version=model.code_version,
                owners=list(OWNERS),
                kinds={"sql", "duckdb", *(() if model.is_view else ("parquet",))},
            )
        ],
        check_specs=check_specs,
    )
    def sql_model(
        project: dg.ResourceParam[Project], warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        meanings = column_meanings(warehouse.connection, model.name)
        try:
            result = materialize_model(project.lake, model, warehouse.connection)
        except VideoPastaError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error
        yield dg.MaterializeResult(
            asset_key=key,
            data_version=dg.DataVersion(result.data_version),
            metadata={
                "dagster/row_count": result.rows,
                **({"path": dg.MetadataValue.path(str(result.path))} if result.path else {}),
                "dagster/column_schema": _schema_of(result.first.schema, meanings),
                "rows": _preview(result.first.to_pylist()),
            },
        )
        for check in model.checks:
            yield _checked(warehouse.connection.execute(check.violations(model.name)).fetchall(), check, key)

    return sql_model


def _inputs(declared: Project, model: SqlModel) -> list[dg.AssetKey]:
    """Assets that the model reads; manifests and settings are none."""
    tables = {PREFERENCE_SETS: PREFERENCE_SET.name}
    named = {tables.get(name, name) for name in model.references} - {MANIFESTS, *PROVIDED}
    return [asset_key(declared, name) if name in TABLES else model_key(name) for name in sorted(named)]


def _schema_of(schema: Any, known: Mapping[str, str]) -> dg.TableSchema:
    return dg.TableSchema([dg.TableColumn(field.name, str(field.type), known.get(field.name)) for field in schema])


def _preview(rows: list[dict[str, Any]]) -> dg.TableMetadataValue | dg.TextMetadataValue:
    if not rows:
        return dg.MetadataValue.text("no rows")
    plain = [
        {
            name: value if isinstance(value, str | int | float | bool | None) else str(value)
            for name, value in row.items()
        }
        for row in rows
    ]
    names = list(rows[0])
    return dg.MetadataValue.table(
        [dg.TableRecord(row) for row in plain], schema=dg.TableSchema([dg.TableColumn(name) for name in names])
    )


def _checked(violations: list[tuple[Any, ...]], check: SqlCheck, key: dg.AssetKey) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=check.name,
        asset_key=key,
        passed=not violations,
        description=f"{len(violations)} rows break it" if violations else "holds",
        metadata={"violations": len(violations), **({"first": str(violations[0])} if violations else {})},
    )
