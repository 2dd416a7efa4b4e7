"""Stage `preference_set`: the fan-in. All shards' pairs become one content-hashed manifest that training reads."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from videopasta_assets.hashing import combined_hash, stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.stages.materialize import Outcome, materialize
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.taxonomy import MODES

STAGE_VERSION = "1"
ALL = "all"
"""The one shard key of a table that is not partitioned by video."""

_IDENTITY: Final = ("pair_id", "data_version", "adv_mode")


@dataclass(frozen=True)
class PreferenceSet:
    """A set of pairs with the hash that names it."""

    hash: str
    members: tuple[Row, ...]


def spec(project: Project) -> dict[str, str]:
    """Parts of the specification, by name."""
    recipe = project.settings.recipe
    return {"stage": STAGE_VERSION, "pairs per mode": str(recipe.pairs_per_mode), "seed": str(project.settings.seed)}


def select(project: Project) -> PreferenceSet:
    """The pairs that belong to the set now: all of them, or a seeded draw of at most `pairs_per_mode` a mode."""
    cap = project.settings.recipe.pairs_per_mode
    pairs = [
        {**row, "pair_shard": project.partition(shard)}
        for shard in project.shards_of("verified_pairs")
        for row in good_rows(project, "verified_pairs", shard)
    ]
    if cap is not None:
        drawn = sorted(pairs, key=lambda row: stable_hash("draw", project.settings.seed, row["pair_id"]))
        pairs = [row for mode in MODES for row in [row for row in drawn if row["adv_mode"] == mode][:cap]]
    members = tuple(sorted(pairs, key=lambda row: str(row["pair_id"])))
    return PreferenceSet(combined_hash(f"{row['pair_id']} {row['data_version']}" for row in members), members)


def wanted_pairs(project: Project) -> pa.Table:
    """Columns pair_id, data_version and adv_mode of the pairs that belong to the set now, without their texts."""
    if project.settings.recipe.pairs_per_mode is not None:
        rows = [{name: row[name] for name in _IDENTITY} for row in select(project).members]
        return pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in _IDENTITY]))
    columns = [*_IDENTITY, "error"]
    tables = [
        project.lake.columns(project.address("verified_pairs", shard), columns)
        for shard in project.shards_of("verified_pairs")
    ]
    if not tables:
        return pa.schema([(name, pa.string()) for name in _IDENTITY]).empty_table()
    pairs = pa.concat_tables(tables)
    return pairs.filter(pc.is_null(pairs["error"])).select(_IDENTITY)


def versions(project: Project) -> dict[str, str]:
    """Version of all shards' pairs together."""
    shards = project.shards_of("verified_pairs")
    return {
        "verified_pairs": combined_hash(f"{shard} {project.data_version('verified_pairs', shard)}" for shard in shards)
    }


def derive(project: Project) -> list[Derivation]:
    """One row a member."""
    return _derivations(select(project))


def _derivations(chosen: PreferenceSet) -> list[Derivation]:
    return [
        Derivation(row["pair_id"], stable_hash(row["data_version"], chosen.hash), (row, chosen.hash))
        for row in chosen.members
    ]


def compute(derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Rows of the members."""
    for derivation in derivations:
        pair, set_hash = derivation.payload
        yield {
            "row_key": derivation.row_key,
            "pair_id": pair["pair_id"],
            "pair_version": pair["data_version"],
            "pair_shard": pair["pair_shard"],
            "video_id": pair["video_id"],
            "adv_mode": pair["adv_mode"],
            "preference_set": set_hash,
        }


def run(project: Project) -> Outcome:
    """Write the current set, and before it its immutable manifest: a table never names a manifest that is not there."""

    def keep_and_derive() -> list[Derivation]:
        chosen = select(project)
        _keep_manifest(project, chosen)
        return _derivations(chosen)

    return materialize(
        project.lake,
        project.address("preference_set", ALL),
        keep_and_derive,
        compute,
        spec(project),
        inputs=lambda: versions(project),
    )


def _keep_manifest(project: Project, chosen: PreferenceSet) -> None:
    name = f"preference_sets/{project.recipe}/{chosen.hash}.json"
    if not chosen.members or project.lake.has_file(name):
        return
    manifest = {
        "preference_set": chosen.hash,
        "recipe": project.recipe,
        "pairs": [[row["pair_id"], row["data_version"], row["pair_shard"]] for row in chosen.members],
    }
    project.lake.write_file(name, json.dumps(manifest).encode())


def current(project: Project) -> PreferenceSet | None:
    """The set that was last written, with the pairs' full rows; None if there is none or it is empty."""
    rows = project.lake.rows(project.address("preference_set", ALL))
    if not rows:
        return None
    wanted = {row["pair_id"]: row for row in rows}
    members = tuple(
        {**pair, "pair_shard": shard}
        for shard in sorted({row["pair_shard"] for row in rows})
        for pair in good_rows(project, "verified_pairs", shard)
        if pair["pair_id"] in wanted and pair["data_version"] == wanted[pair["pair_id"]]["pair_version"]
    )
    return PreferenceSet(rows[0]["preference_set"], members)
