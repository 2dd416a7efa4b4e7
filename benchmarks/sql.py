"""Seconds for retention by mode and category over a large lake, warm, on two threads.

    python benchmarks/sql.py [--pairs 10000000] [--shards 1000] [--small-files 100000] [--folder FOLDER]

The lake has `--pairs` verified pairs in `--shards` shards, with the questions, attempts and verdicts that they came
from: three slots a question, an attempt a slot, and half of the attempts accepted. Files have the lake's schema;
columns that no retention reads are null, so that the lake fits on a laptop: DuckDB reads only the columns that a query
names. Identities are as long as real ones. It is made in `--folder` once, and reused.

Measured are the ready-made questions `pair_retention` (the figure) and `retention_by_category` (which counts attempts
and verdicts too), the latter's answer from a plain join of the tables (the baseline of the ratio), a question about one
shard, opening all views, and how counting depends on the number of files. The best of `--repeats` warm runs counts.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import duckdb

from dbt_like_sql.catalog import load_models
from dbt_like_sql.views import connect
from videopasta_assets.lake import TABLES, Address, Lake
from videopasta_assets.lake.sql import SQL_TYPES
from videopasta_assets.taxonomy import CATEGORIES, MODES

GOAL_SECONDS = 1.0
SLOTS_A_QUESTION = 3
SLOTS_A_PAIR = 2

COUNT = "SELECT adv_mode, count(*) FROM verified_pairs WHERE {} GROUP BY adv_mode"

NAIVE = """
SELECT recipe, query_mode, query_category, adv_mode, count(DISTINCT (query_id, slot)) AS tried,
       count(*) AS attempts, count(*) FILTER (verdict = 'accepted') AS accepted
FROM (SELECT adversaries.recipe, queries.query_mode, queries.query_category, adversaries.adv_mode, adversaries.query_id,
             adversaries.slot, verdicts.verdict
      FROM adversaries
      LEFT JOIN verdicts USING (recipe, shard, adversary_id)
      LEFT JOIN queries ON queries.shard = adversaries.shard AND queries.query_id = adversaries.query_id)
GROUP BY ALL
"""


def make_lake(root: Path, pairs: int, shards: int) -> Lake:
    """Write the tables, a shard at a time, through DuckDB; the lake's own footers are written over them."""
    lake = Lake(root)
    a_shard = pairs // shards
    slots = a_shard * SLOTS_A_PAIR
    counts = {
        "queries": slots // SLOTS_A_QUESTION,
        "adversaries": slots,
        "verdicts": slots,
        "verified_pairs": a_shard,
    }
    for table, rows in counts.items():
        first = _one_shard(lake, table, rows)
        for shard in range(1, shards):
            path = file_of(lake, Address(table, "videopasta", f"s{shard:06d}"))
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(first, path)
    return lake


def file_of(lake: Lake, address: Address) -> Path:
    """A shard's file on this machine's disk."""
    return Path(str(lake.path(address)))


def _one_shard(lake: Lake, table: str, rows: int) -> Path:
    """A shard in the lake's own form; the others are copies of it, which reads no faster."""
    modes = json.dumps([mode.value for mode in MODES]).replace('"', "'")
    categories = json.dumps([name for mode in MODES for name in CATEGORIES[mode]]).replace('"', "'")
    ids = "sha256(n::VARCHAR)"
    question = "n" if table == "queries" else f"n // {SLOTS_A_QUESTION}"
    columns = {
        "row_key": ids, "query_id": f"sha256(({question})::VARCHAR)",
        "adversary_id": ids, "pair_id": ids, "data_version": "'v' || n", "slot": f"n % {SLOTS_A_QUESTION}",
        "query_category": f"{categories}[1 + (hash({question}) % 15)::INT]",
        "query_mode": f"{modes}[1 + (hash({question}) % 15)::INT // 5]", "adv_mode": f"{modes}[1 + (n % 3)::INT]",
        "attempt": "1",
        "verdict": f"if(n % {SLOTS_A_PAIR} = 0, 'accepted', 'rejected_similar')",
    }  # fmt: skip
    schema = TABLES[table]
    expressions = ", ".join(
        f'({columns.get(column.name, "NULL")})::{SQL_TYPES[str(column.type)]} AS "{column.name}"'
        for column in schema.columns
    )
    with duckdb.connect() as connection:
        made = connection.sql(f"SELECT {expressions} FROM range({rows}) AS numbers(n)").to_arrow_table()
    address = Address(table, "videopasta", "s000000")
    spec = {"rows: adversaries per query": str(SLOTS_A_QUESTION), "rows: adversary policy": "one_per_mode"}
    lake.write_table(address, made.cast(schema.arrow), spec, {}, {})
    return file_of(lake, address)


Result = TypeVar("Result")


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and of processors: where other work shares the machine, only the latter is ours."""

    clock: float
    processor: float

    def __str__(self) -> str:
        return f"{self.clock:.2f} s ({self.processor:.2f} s of processors)"


def once(action: Callable[[], Result]) -> tuple[Result, Cost]:
    """What `action` gives, and costs."""
    clock, processor = time.perf_counter(), time.process_time()
    result = action()
    return result, Cost(time.perf_counter() - clock, time.process_time() - processor)


def answer(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    """All rows of a query."""
    return connection.execute(query).fetchall()


def opened_views(lake: Lake) -> tuple[duckdb.DuckDBPyConnection, Cost]:
    """A connection to `lake`, and what opening it costs."""
    return once(lambda: connect(lake))


def best(action: Callable[[], object], repeats: int) -> Cost:
    """The least seconds of `repeats` runs, after one that warms up."""
    action()
    costs = [once(action)[1] for _ in range(repeats)]
    return Cost(min(cost.clock for cost in costs), min(cost.processor for cost in costs))


def small_files(folder: Path, files: int) -> None:
    """The same 100,000 rows in more and more files: what one file costs, and what larger shards save."""
    rows = 100_000
    for count in (10, 100, 1000, 10_000, 100_000):
        if count > files:
            break
        lake = Lake(folder / f"files-{count}")
        if not (lake.root / "tables").exists():
            first = _one_shard(lake, "verified_pairs", max(rows // count, 1))
            for shard in range(1, count):
                path = file_of(lake, Address("verified_pairs", "videopasta", f"s{shard:06d}"))
                path.parent.mkdir(parents=True)
                shutil.copyfile(first, path)
        connection, opened = opened_views(lake)
        connection.execute("SET threads = 2")
        seconds = best(partial(answer, connection, COUNT.format("true")), 1)
        one = best(partial(answer, connection, COUNT.format("shard = 's000003'")), 1)
        print(f"{count:7,d} files: open {opened}, count by mode {seconds}, one shard {one}")
        connection.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10_000_000)
    parser.add_argument("--shards", type=int, default=1000)
    parser.add_argument("--small-files", type=int, default=0, help="also measure up to so many files")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--baseline", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "videopasta-sql-benchmark")
    given = parser.parse_args()
    root = given.folder / f"{given.pairs}-{given.shards}"
    if not (root / "made").exists():
        start = time.perf_counter()
        make_lake(root, given.pairs, given.shards)
        (root / "made").touch()
        print(f"made the lake in {time.perf_counter() - start:.0f} s")
    lake = Lake(root)
    connection, opened = opened_views(lake)
    print(f"opened all views in {opened}")
    connection.execute("SET threads = 2")
    connection.execute("SET memory_limit = '8GB'")
    queries = {model.name: model.query for model in load_models()}
    figure = best(partial(answer, connection, queries["pair_retention"]), given.repeats)
    full = best(partial(answer, connection, queries["retention_by_category"]), given.repeats)
    pairs, attempts, slots = connection.execute(
        "SELECT sum(pairs), sum(attempts), sum(slots) FROM retention_by_category"
    ).fetchall()[0]
    print(f"{pairs:,} pairs, {attempts:,} attempts, {slots:,} slots")
    print(f"pair_retention: {figure}; retention_by_category, with every attempt and verdict: {full}")
    one = best(partial(answer, connection, "FROM retention WHERE shard = 's000007'"), given.repeats)
    print(f"retention of one shard: {one}")
    naive = best(partial(answer, connection, NAIVE), 1) if given.baseline else None
    if naive is not None:
        print(f"the same by joining the tables: {naive}")
    if given.small_files:
        small_files(given.folder, given.small_files)
    print(
        json.dumps(
            {
                "name": f"retention by mode and category, {given.pairs:,} pairs in {given.shards:,} shards, 2 threads",
                "figure": round(figure.clock, 3),
                "unit": "s",
                "seconds of processors": round(figure.processor, 3),
                "with attempts": round(full.clock, 3),
                "baseline": None if naive is None else round(naive.clock, 3),
                "ratio of processors' seconds": None if naive is None else round(naive.processor / full.processor, 2),
                "goal": GOAL_SECONDS,
            }
        )
    )


if __name__ == "__main__":
    main()
