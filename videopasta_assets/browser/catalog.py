"""What the browser shows: attempts with their questions, videos, verdicts, opinions and the oracle's view, as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from videopasta_assets.browser.strips import strip_json
from videopasta_assets.lake import Row, connect
from videopasta_assets.stages.project import Project

if TYPE_CHECKING:
    import duckdb

DEFAULT_SLOTS: Final = 10_000


@dataclass(frozen=True)
class Selection:
    """Which slots are shown, each with all its attempts.

    Attributes:
        slots: at most so many; where there are more, a draw that is the same every time.
        pairs_only: only slots that ended in a verified pair.
    """

    slots: int = DEFAULT_SLOTS
    pairs_only: bool = False


DEFAULT: Final = Selection()


@dataclass(frozen=True)
class Catalog:
    """Everything that the page needs but pictures.

    Attributes:
        attempts: one a generated adversary; `query` is an index into `queries`.
        queries: questions with their aligned responses; `video` is an index into `videos`.
        videos: with the layout of their film strips.
        rows: the `sampled_videos` rows of `videos`, in the same order: what film strips are drawn from.
        attempts_in_lake: attempts of the recipe, shown or not.
        slots_in_lake: slots of the recipe, shown or not.
    """

    attempts: tuple[Row, ...]
    queries: tuple[Row, ...]
    videos: tuple[Row, ...]
    rows: tuple[Row, ...]
    attempts_in_lake: int
    slots_in_lake: int

    def to_json(self, project: Project, selection: Selection) -> dict[str, Any]:
        """The page's data."""
        return {
            "project": project.settings.root.name,
            "recipe": project.recipe,
            "made_at": _text(datetime.now(UTC)),
            "pairs_only": selection.pairs_only,
            "attempts_in_lake": self.attempts_in_lake,
            "slots_in_lake": self.slots_in_lake,
            "videos": self.videos,
            "queries": self.queries,
            "attempts": self.attempts,
        }


def load_catalog(project: Project, selection: Selection) -> Catalog:
    """The catalog of the project's lake as it is now: tables alone, never the oracle's truth."""
    with connect(project.lake) as connection:
        counted = _rows(connection, _COUNTS, recipe=project.recipe)[0]
        condition = "paired" if selection.pairs_only else "true"
        chosen = _CHOSEN.replace("/*condition*/", condition)
        connection.execute(chosen, {"recipe": project.recipe, "slots": selection.slots})
        attempts = _rows(connection, _ATTEMPTS, recipe=project.recipe)
        queries = _rows(connection, _QUERIES, recipe=project.recipe)
        videos = _rows(connection, _VIDEOS, recipe=project.recipe)
        opinions = _rows(connection, _OPINIONS, recipe=project.recipe)
    video_places = {row["video_id"]: place for place, row in enumerate(videos)}
    query_places = {row["id"]: place for place, row in enumerate(queries)}
    said: dict[str, list[Row]] = {}
    for row in opinions:
        said.setdefault(row.pop("adversary_id"), []).append(row)
    for row in attempts:
        row["query"] = query_places[row["query"]]
        row["opinions"] = said.get(row["id"], [])
    for row in queries:
        row["video"] = video_places.get(row["video"])
    return Catalog(
        tuple(attempts),
        tuple(queries),
        tuple(_video_json(row) for row in videos),
        tuple(videos),
        counted["attempts"],
        counted["slots"],
    )


def opinion_json(row: Mapping[str, Any]) -> Row:
    """A `human_verdicts` row as the page shows it."""
    names = ("decision", "comment", "author", "aligned_version", "adversary_version")
    return {**{name: row[name] for name in names}, "decided_at": _text(row["decided_at"])}


def _video_json(row: Row) -> Row:
    return {
        "id": row["video_id"],
        **{name: row[name] for name in ("path", "duration", "fps", "total_frames", "width", "height", "codec")},
        "dense": strip_json(row, "dense"),
        "sparse": strip_json(row, "sparse"),
    }


def _rows(connection: "duckdb.DuckDBPyConnection", query: str, **parameters: object) -> list[Row]:
    result = connection.execute(query, {name: value for name, value in parameters.items() if f"${name}" in query})
    names: Sequence[str] = [column[0] for column in result.description or []]
    return [{name: _text(value) for name, value in zip(names, row, strict=True)} for row in result.fetchall()]


def _text(value: Any) -> Any:
    return value.astimezone(UTC).isoformat(timespec="seconds") if isinstance(value, datetime) else value


_COUNTS: Final = """
SELECT count(*) AS attempts, count(DISTINCT (query_id, slot)) AS slots FROM adversaries WHERE recipe = $recipe
"""

# md5 and not hash(): DuckDB does not promise that the latter stays the same from version to version.
_CHOSEN: Final = """
CREATE TEMP TABLE chosen AS
SELECT shard, query_id, slot
FROM (
    SELECT adversaries.shard, adversaries.query_id, adversaries.slot, bool_or(pair_id IS NOT NULL) AS paired
    FROM adversaries
    LEFT JOIN verified_pairs ON verified_pairs.recipe = adversaries.recipe
        AND verified_pairs.shard = adversaries.shard AND pair_id = adversaries.adversary_id
    SEMI JOIN queries ON queries.recipe = adversaries.recipe AND queries.shard = adversaries.shard
        AND queries.query_id = adversaries.query_id
    WHERE adversaries.recipe = $recipe
    GROUP BY ALL
)
WHERE /*condition*/
ORDER BY md5(query_id || slot)
LIMIT $slots
"""

_ATTEMPTS: Final = """
SELECT
    adversaries.adversary_id AS id, adversaries.shard, adversaries.query_id AS query, adversaries.slot,
    adversaries.attempt, adversaries.adv_mode AS mode, adversaries.adv_strategy AS strategy,
    adversaries.response AS text, adversaries.finish_reason, adversaries.error, adversaries.responder AS model,
    adversaries.prompt_version AS prompt, adversaries.seed, adversaries.prompt_tokens, adversaries.completion_tokens,
    adversaries.data_version AS version, adversaries.provenance,
    verdicts.verdict, verdicts.reason, verdicts.error AS verdict_error, verdicts.reply, verdicts.verifier,
    verdicts.prompt_version AS verifier_prompt, verdicts.preferred_coherent, verdicts.is_contradiction,
    verdicts.is_rephrase, verdicts.mode_specific,
    verified_pairs.pair_id IS NOT NULL AS paired, verified_pairs.decided_by,
    preference_set.preference_set,
    oracle_scores.adversary_id IS NOT NULL AND oracle_scores.error IS NULL AS seen_by_oracle,
    oracle_scores.aligned_truth, oracle_scores.aligned_right, oracle_scores.adversary_truth,
    oracle_scores.on_target, oracle_scores.good_pair, oracle_scores.expected_verdict
FROM adversaries
JOIN chosen USING (shard, query_id, slot)
LEFT JOIN verdicts ON verdicts.recipe = $recipe AND verdicts.shard = adversaries.shard
    AND verdicts.adversary_id = adversaries.adversary_id
LEFT JOIN verified_pairs ON verified_pairs.recipe = $recipe AND verified_pairs.shard = adversaries.shard
    AND verified_pairs.pair_id = adversaries.adversary_id
LEFT JOIN preference_set ON preference_set.recipe = $recipe AND preference_set.pair_id = verified_pairs.pair_id
    AND preference_set.iteration = verified_pairs.iteration
    AND preference_set.pair_version = verified_pairs.data_version
LEFT JOIN oracle_scores ON oracle_scores.recipe = $recipe AND oracle_scores.shard = adversaries.shard
    AND oracle_scores.adversary_id = adversaries.adversary_id
WHERE adversaries.recipe = $recipe
ORDER BY adversaries.shard, adversaries.video_id, adversaries.query_id, adversaries.slot, adversaries.attempt
"""

_QUERIES: Final = """
SELECT
    queries.query_id AS id, queries.video_id AS video, queries.query_mode AS mode, queries.query_category AS category,
    queries.query AS text, queries.generator AS model, queries.prompt_version AS prompt, queries.seed,
    aligned.response AS chosen, aligned.responder AS chosen_model, aligned.prompt_version AS chosen_prompt,
    aligned.seed AS chosen_seed, aligned.finish_reason AS chosen_finish, aligned.data_version AS version,
    checks.method AS check_method, checks.passed AS check_passed, checks.agreeing, checks.asked
FROM queries
SEMI JOIN chosen ON chosen.shard = queries.shard AND chosen.query_id = queries.query_id
LEFT JOIN aligned_responses AS aligned ON aligned.recipe = $recipe AND aligned.shard = queries.shard
    AND aligned.query_id = queries.query_id
LEFT JOIN aligned_checks AS checks ON checks.recipe = $recipe AND checks.shard = queries.shard
    AND checks.query_id = queries.query_id
WHERE queries.recipe = $recipe
ORDER BY queries.shard, queries.video_id, queries.query_id
"""

_VIDEOS: Final = """
SELECT sampled.*
FROM sampled_videos AS sampled
SEMI JOIN (
    SELECT queries.shard, queries.video_id FROM queries
    SEMI JOIN chosen ON chosen.shard = queries.shard AND chosen.query_id = queries.query_id
    WHERE queries.recipe = $recipe
) AS shown ON shown.shard = sampled.shard AND shown.video_id = sampled.video_id
WHERE sampled.recipe = $recipe AND sampled.error IS NULL
ORDER BY sampled.video_id
"""

_OPINIONS: Final = """
SELECT adversary_id, decision, comment, author, decided_at, aligned_version, adversary_version
FROM human_verdicts
SEMI JOIN chosen USING (shard, query_id, slot)
WHERE recipe = $recipe
ORDER BY shard, ordinal
"""
