"""How the pair browser feels with many pairs: the lake's side, and headless Chromium's.

    python benchmarks/pair_browser.py [--pairs 10000]

Fills a lake with synthetic rows, ten questions a video, three slots a question and two attempts a slot: the second one
passed. Film strips are left out of the page, as in an export with `--strips none`: those beside a page are loaded one
pair at a time. The best of five counts.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.browser.chromium import chromium_page, open_page
from tests.browser.synthetic import ATTEMPTS, synthetic_catalog
from videopasta_assets.browser.catalog import Selection
from videopasta_assets.browser.export import export
from videopasta_assets.config.loader import parse_project
from videopasta_assets.lake import TABLES
from videopasta_assets.stages.project import Project

REPEATS = 5
ACTIONS = {
    "filter by mode": "byId('mode').value = ['spatial', 'temporal'][turn % 2]; applyFilters(true)",
    "filter by two words": "byId('mode').value = ''; byId('text').value = 'behind camera'; applyFilters(true)",
    "filter away": "byId('text').value = ''; applyFilters(true)",
    "scroll by 5,000 pixels": "byId('list').scrollTop += 5000; drawRows()",
    "next pair": "move(1)",
}


def fill(project: Project, pairs: int) -> None:
    """Write the tables that the browser reads."""
    data = synthetic_catalog(pairs)
    tables: dict[str, dict[str, list[dict[str, Any]]]] = {}

    def add(table: str, shard: str, key: str, **columns: Any) -> None:
        row = TABLES[table].versioned({"row_key": key, "provenance": "synthetic", **columns})
        tables.setdefault(table, {}).setdefault(shard, []).append(row)

    shard_of: dict[int, str] = {}
    for attempt in data["attempts"]:
        query = data["queries"][attempt["query"]]
        shard = shard_of.setdefault(query["video"], f"s{query['video'] // 32:06d}")
        video = data["videos"][query["video"]]["id"]
        common = {"query_id": query["id"], "video_id": video, "slot": attempt["slot"], "attempt": attempt["attempt"]}
        common |= {"adv_mode": attempt["mode"], "adv_strategy": attempt["strategy"]}
        key = attempt["id"]
        add("adversaries", shard, key, adversary_id=key, response=attempt["text"], **common)
        add(
            "verdicts",
            shard,
            key,
            adversary_id=key,
            verdict=str(attempt["verdict"]),
            reason=attempt["reason"],
            **common,
        )
        if attempt["paired"]:
            add("verified_pairs", shard, key, pair_id=key, query=query["text"], rejected=attempt["text"], **common)
    for query in data["queries"]:
        shard, video = shard_of[query["video"]], data["videos"][query["video"]]["id"]
        common = {"query_id": query["id"], "video_id": video, "query": query["text"], "query_mode": query["mode"]}
        common |= {"query_category": query["category"]}
        add("queries", shard, query["id"], **common)
        add("aligned_responses", shard, query["id"], response_id=query["id"], response=query["chosen"], **common)
    for place, video in enumerate(data["videos"]):
        names = ("path", "duration", "fps", "total_frames", "width", "height", "codec")
        plans = {
            f"{role}_{part}": [shown[index] for shown in video[role]["shown"]]
            for role in ("dense", "sparse")
            for index, part in enumerate(("frames", "timestamps"))
        }
        known = {name: video[name] for name in names}
        add("sampled_videos", shard_of[place], video["id"], video_id=video["id"], **known, **plans)
    for table, shards in tables.items():
        for shard, rows in shards.items():
            project.lake.write(project.address(table, shard), rows, {})


def measure(pairs: int, folder: Path) -> dict[str, Any]:
    """All figures, in milliseconds unless the name says otherwise."""
    (folder / "videopasta.yaml").write_text("{}")
    project = Project(parse_project("{}", folder / "videopasta.yaml"))
    fill(project, pairs)
    took = []
    for _ in range(3):
        started = time.perf_counter()
        done = export(project, folder / "pairs.html", Selection(pairs), strips="none")
        took.append(time.perf_counter() - started)
    figures: dict[str, Any] = {
        "pairs": pairs,
        "attempts": done.attempts,
        "page, MB": round(done.page.stat().st_size / 1e6, 1),
        "write the page": round(1000 * min(took)),
    }
    assert done.attempts == pairs * ATTEMPTS
    with chromium_page() as page:
        opened = []
        for _ in range(3):
            started = time.perf_counter()
            open_page(page, done.page.as_uri())
            opened.append(time.perf_counter() - started)
        figures["open the page"] = round(1000 * min(opened))
        for name, action in ACTIONS.items():
            best = page.evaluate(
                f"Math.min(...[...Array({REPEATS}).keys()].map(turn => {{ const from = performance.now(); {action}; "
                "document.body.offsetHeight; return performance.now() - from }))"
            )
            figures[name] = round(best, 1)
        figures["rows in the document"] = page.locator("#rows li").count()
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10_000)
    with tempfile.TemporaryDirectory() as made:
        print(json.dumps(measure(parser.parse_args().pairs, Path(made)), indent=1))
