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
from pathlib import Path

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
            path = lake.path(Address(table, "videopasta", f"s{shard:06d}"))
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(first, path)
    return lake


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
    return lake.path(address)


def best(action: Callable[[], object], repeats: int) -> float:
    """Seconds of the quickest of `repeats` runs, after one that warms up."""
    action()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


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
                path = lake.path(Address("verified_pairs", "videopasta", f"s{shard:06d}"))
                path.parent.mkdir(parents=True)
                shutil.copyfile(first, path)
        start = time.perf_counter()
        connection = connect(lake)
        opened = time.perf_counter() - start
        connection.execute("SET threads = 2")
        seconds = best(lambda held=connection: held.execute(COUNT.format("true")).fetchall(), 1)
        one = best(lambda held=connection: held.execute(COUNT.format("shard = 's000003'")).fetchall(), 1)
        print(f"{count:7,d} files: open {opened:6.2f} s, count by mode {seconds:6.2f} s, one shard {one:6.2f} s")
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
    start = time.perf_counter()
    connection = connect(lake)
    print(f"opened all views in {time.perf_counter() - start:.2f} s")
    connection.execute("SET threads = 2")
    connection.execute("SET memory_limit = '8GB'")
    queries = {model.name: model.query for model in load_models()}
    figure = best(lambda: connection.execute(queries["pair_retention"]).fetchall(), given.repeats)
    full = best(lambda: connection.execute(queries["retention_by_category"]).fetchall(), given.repeats)
    pairs, attempts, slots = connection.execute(
        "SELECT sum(pairs), sum(attempts), sum(slots) FROM retention_by_category"
    ).fetchall()[0]
    print(
        f"retention by mode and category over {pairs:,} pairs, {attempts:,} attempts, {slots:,} slots: {figure:.2f} s"
    )
    one = best(lambda: connection.execute("FROM retention WHERE shard = 's000007'").fetchall(), given.repeats)
    print(f"{pairs:,} pairs, {attempts:,} attempts, {slots:,} slots")
    print(f"pair_retention: {figure:.2f} s; retention_by_category, with every attempt and verdict: {full:.2f} s")
    one = best(lambda: connection.execute("FROM retention WHERE shard = 's000007'").fetchall(), given.repeats)
    print(f"retention of one shard: {one:.2f} s")
    naive = best(lambda: connection.execute(NAIVE).fetchall(), 1) if given.baseline else None
    if naive is not None:
        print(f"the same by joining the tables: {naive:.2f} s")
    if given.small_files:
        small_files(given.folder, given.small_files)
    print(
        json.dumps(
            {
                "name": f"retention by mode and category, {given.pairs:,} pairs in {given.shards:,} shards, 2 threads",
                "figure": round(figure, 3),
                "unit": "s",
                "with attempts": round(full, 3),
                "baseline": None if naive is None else round(naive, 3),
                "ratio": None if naive is None else round(naive / full, 2),
                "goal": GOAL_SECONDS,
            }
        )
    )


if __name__ == "__main__":
    main()
