"""What a lake holds, as hashes: two lakes with equal fingerprints hold the same content."""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from dbt_like_sql.views import connect
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import TABLES, Lake
from videopasta_assets.lake.address import Address

_BOOKKEEPING = re.compile(r"second|_at$")
"""Columns of SQL models that tell how long something took, or when: no two runs agree on them."""


def fingerprint(lake_root: Path) -> dict[str, str]:
    """Hashes by what they are of: each shard of each table, shard lists, preference sets, adapters, SQL models."""
    lake = Lake(lake_root)
    found: dict[str, str] = {}
    for address in addresses(lake):
        schema = TABLES[address.table]
        content = ["row_key", "provenance", "data_version", "error"]
        content += [column.name for column in schema.own_columns if column.content]
        rows = [{name: row[name] for name in content} for row in lake.rows(address)]
        manifest = lake.manifest(address)
        assert manifest is not None
        found[address.folder] = stable_hash(rows, manifest.data_version, manifest.rows, manifest.errors, manifest.spec)
    for path in sorted((lake_root / "shards").glob("*.json")):
        found[f"shards/{path.name}"] = stable_hash(json.loads(path.read_bytes())["videos"])
    for path in sorted(lake_root.glob("preference_sets/**/*.json")):
        found[path.relative_to(lake_root).as_posix()] = stable_hash(json.loads(path.read_bytes()))
    for path in sorted(lake_root.glob("checkpoints/**/*.safetensors")):
        found[path.relative_to(lake_root).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    for path in sorted(lake_root.glob("models/*.parquet")):
        found[path.relative_to(lake_root).as_posix()] = _model(path)
    return found


def defects(lake_root: Path, *, finished: bool) -> list[str]:
    """What must never be seen, even in the lake of a run that was just killed; more once a run has finished."""
    lake = Lake(lake_root)
    wrong: list[str] = []
    for address in addresses(lake):
        keys = Counter(row["row_key"] for row in lake.rows(address))
        manifest = lake.manifest(address)
        wrong += [f"{address.folder}: row {key} is there {count} times" for key, count in keys.items() if count > 1]
        if manifest is None or manifest.rows != sum(keys.values()):
            wrong.append(f"{address.folder}: the manifest does not match the rows")
    with connect(lake) as connection:
        for table in TABLES:
            connection.execute(f'SELECT count(*) FROM "{table}"')
    if finished:
        wrong += [f"left behind: {path.relative_to(lake_root)}" for path in lake_root.glob("journal/*")]
        wrong += [f"left behind: {path.relative_to(lake_root)}" for path in lake_root.rglob("*.tmp")]
        wrong += [
            f"left behind: {path.relative_to(lake_root)}" for path in (lake_root / "checkpoints").rglob("checkpoint-*")
        ]
    return wrong


def addresses(lake: Lake) -> list[Address]:
    """Every shard of every table that was written."""
    return [
        Address(path.parts[-4], path.parts[-3].removeprefix("recipe="), path.parts[-2].removeprefix("shard="))
        for path in sorted(lake.root.glob("tables/*/recipe=*/shard=*/rows.parquet"))
    ]


def _model(path: Path) -> str:
    rows: list[dict[str, Any]] = pq.ParquetFile(path).read(use_threads=False).to_pylist()
    plain = [{name: str(value) for name, value in row.items() if not _BOOKKEEPING.search(name)} for row in rows]
    return stable_hash(sorted(plain, key=str))
