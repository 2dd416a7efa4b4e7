"""The figures that reports and Dagster's metadata show of a lake, counted by SQL over its tables."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from videopasta_assets.lake import connect
from videopasta_assets.recipes import adversary_slots
from videopasta_assets.recipes.retention import ModeTally
from videopasta_assets.stages.project import Project
from videopasta_assets.taxonomy import MODES, FailureMode

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Agreement:
    """People and the verifier on the attempts that both judged."""

    decided: int
    same: int
    only_person_accepted: int
    only_verifier_accepted: int
    authors: int


@dataclass(frozen=True)
class Tally:
    """What a recipe's tables hold.

    Attributes:
        stages: (name, rows), in pipeline order: the funnel.
        modes: by failure mode of the adversary.
        verdicts: attempts by mode and verdict; the keys are in the order of the modes.
        strategies: (mode, strategy, attempts, accepted).
        lengths: (words of the chosen, words of the rejected), one a verified pair.
        costs: (role, calls, tokens, engine seconds).
        agreement: of people and the verifier; None where nobody judged.
        oracle: (mode, pairs, aligned right, on target, good) of the verified pairs; empty where no truth is known.
    """

    stages: tuple[tuple[str, int], ...]
    modes: tuple[ModeTally, ...]
    verdicts: dict[str, dict[str, int]]
    strategies: tuple[tuple[str, str, int, int], ...]
    lengths: tuple[tuple[int, int], ...]
    costs: tuple[tuple[str, int, int | None, float | None], ...]
    agreement: Agreement | None
    oracle: tuple[tuple[str, int, float, float, float], ...]

    @property
    def pairs(self) -> int:
        """Verified pairs."""
        return sum(mode.pairs for mode in self.modes)

    @property
    def slots(self) -> int:
        """Potential pairs."""
        return sum(mode.slots for mode in self.modes)

    @property
    def attempts(self) -> int:
        """Adversaries that were asked for, failed and rejected ones included."""
        return sum(mode.attempts for mode in self.modes)

    @property
    def accepted(self) -> int:
        """Attempts that the verifier accepted."""
        return sum(mode.accepted for mode in self.modes)


def tally(project: Project) -> Tally:
    """Count the tables of the project's recipe as they are now."""
    with connect(project.lake) as connection:
        asked = _Asked(connection, project.recipe)
        made = {mode: counts for mode, *counts in asked.rows(_MODES)}
        slots = potential_slots(project, asked.rows(_QUESTIONS))
        modes = tuple(ModeTally(mode.value, slots[mode], *made.get(mode.value, (0, 0, 0))) for mode in MODES)
        counts = dict(asked.rows(_COUNTS))
        verdicts: dict[str, dict[str, int]] = {mode.value: {} for mode in MODES if mode.value in made}
        for mode, verdict, attempts in asked.rows(_VERDICTS):
            verdicts.setdefault(mode, {})[verdict] = attempts
        decided = asked.rows(_AGREEMENT)[0]
        return Tally(
            stages=(
                ("videos", counts["videos"]),
                ("questions", counts["queries"]),
                ("aligned responses", counts["aligned_responses"]),
                *((("that passed their check", counts["passed"]),) if counts["checked"] else ()),
                ("potential pairs (slots)", sum(slots.values())),
                ("attempts at adversaries", sum(mode.attempts for mode in modes)),
                ("accepted by the verifier", sum(mode.accepted for mode in modes)),
                ("verified pairs", counts["verified_pairs"]),
                ("in the preference set", counts["preference_set"]),
            ),
            modes=modes,
            verdicts=verdicts,
            strategies=tuple(asked.rows(_STRATEGIES)),
            lengths=tuple(asked.rows(_LENGTHS)),
            costs=tuple(asked.rows(_COSTS)),
            agreement=Agreement(*decided) if decided[0] else None,
            oracle=tuple(asked.rows(_ORACLE)),
        )


def potential_slots(project: Project, questions: Iterable[tuple[Any, ...]]) -> dict[FailureMode, int]:
    """Slots by the mode that they target, of (query_id, query_mode): attempted or not."""
    recipe = project.settings.recipe
    slots = dict.fromkeys(MODES, 0)
    for query_id, mode in questions:
        for slot in adversary_slots(query_id, FailureMode(mode), recipe.adversaries_per_query, recipe.adversary_policy):
            slots[slot.mode] += 1
    return slots


class _Asked:
    """One recipe's rows of a connection."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection", recipe: str) -> None:
        self._connection, self._recipe = connection, recipe

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, {"recipe": self._recipe}).fetchall()


_QUESTIONS: Final = "SELECT query_id, query_mode FROM queries WHERE recipe = $recipe"

_COUNTS: Final = """
SELECT 'videos', count(DISTINCT video_id) FROM sampled_videos WHERE recipe = $recipe AND error IS NULL
UNION ALL SELECT 'queries', count(*) FROM queries WHERE recipe = $recipe AND error IS NULL
UNION ALL SELECT 'aligned_responses', count(*) FROM aligned_responses WHERE recipe = $recipe AND error IS NULL
UNION ALL SELECT 'checked', count(*) FROM aligned_checks WHERE recipe = $recipe
UNION ALL SELECT 'passed', count(*) FROM aligned_checks WHERE recipe = $recipe AND passed
UNION ALL SELECT 'verified_pairs', count(*) FROM verified_pairs WHERE recipe = $recipe AND error IS NULL
UNION ALL SELECT 'preference_set', count(*) FROM preference_set WHERE recipe = $recipe
"""

_MODES: Final = """
WITH counted AS (
    SELECT adv_mode, count(*) AS attempts FROM adversaries WHERE recipe = $recipe GROUP BY adv_mode
    UNION ALL BY NAME
    SELECT adv_mode, count(*) FILTER (verdict = 'accepted') AS accepted FROM verdicts WHERE recipe = $recipe
    GROUP BY adv_mode
    UNION ALL BY NAME
    SELECT adv_mode, count(*) FILTER (error IS NULL) AS pairs FROM verified_pairs WHERE recipe = $recipe
    GROUP BY adv_mode
)
SELECT adv_mode, coalesce(sum(attempts), 0)::BIGINT, coalesce(sum(accepted), 0)::BIGINT, coalesce(sum(pairs), 0)::BIGINT
FROM counted
GROUP BY adv_mode
"""

_VERDICTS: Final = """
SELECT adv_mode, verdict, count(*)
FROM verdicts
WHERE recipe = $recipe AND error IS NULL
GROUP BY adv_mode, verdict
ORDER BY verdict <> 'accepted', verdict
"""

_STRATEGIES: Final = """
SELECT adv_mode, adv_strategy, count(*), count(*) FILTER (verdict = 'accepted')
FROM verdicts
WHERE recipe = $recipe AND error IS NULL
GROUP BY adv_mode, adv_strategy
ORDER BY adv_mode, adv_strategy
"""

_LENGTHS: Final = """
SELECT len(regexp_split_to_array(trim(chosen), '\\s+')), len(regexp_split_to_array(trim(rejected), '\\s+'))
FROM verified_pairs
WHERE recipe = $recipe AND error IS NULL
"""

_COSTS: Final = """
WITH spent AS (
    SELECT 1 AS place, 'questions' AS role, prompt_tokens + completion_tokens AS tokens, seconds FROM queries
    WHERE recipe = $recipe
    UNION ALL
    SELECT 2, 'aligned responses', prompt_tokens + completion_tokens, seconds FROM aligned_responses
    WHERE recipe = $recipe
    UNION ALL
    SELECT 3, 'checks of aligned responses', prompt_tokens + completion_tokens, seconds FROM aligned_checks
    WHERE recipe = $recipe
    UNION ALL
    SELECT 4, 'adversaries', prompt_tokens + completion_tokens, seconds FROM adversaries WHERE recipe = $recipe
    UNION ALL
    SELECT 5, 'verdicts', prompt_tokens + completion_tokens, seconds FROM verdicts
    WHERE recipe = $recipe AND seconds IS NOT NULL
)
SELECT role, count(*), sum(tokens)::BIGINT, sum(seconds) FROM spent GROUP BY place, role ORDER BY place
"""

_AGREEMENT: Final = """
WITH last AS (
    SELECT decision = 'accepted' AS person, verdict = 'accepted' AS verifier, decision, author
    FROM human_verdicts
    WHERE recipe = $recipe AND error IS NULL AND decision <> 'commented' AND verdict IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY shard, adversary_id, aligned_version, adversary_version ORDER BY ordinal DESC
    ) = 1
)
SELECT
    count(*), count(*) FILTER (person = verifier), count(*) FILTER (person AND NOT verifier),
    count(*) FILTER (verifier AND NOT person), count(DISTINCT author)
FROM last
WHERE decision <> 'withdrawn'
"""

_ORACLE: Final = """
SELECT
    scores.adv_mode, count(*), avg(aligned_right::INTEGER), avg(on_target::INTEGER), avg(good_pair::INTEGER)
FROM oracle_scores AS scores
SEMI JOIN verified_pairs AS pairs ON pairs.recipe = scores.recipe AND pairs.shard = scores.shard
    AND pairs.pair_id = scores.adversary_id
WHERE scores.recipe = $recipe AND scores.error IS NULL
GROUP BY scores.adv_mode
ORDER BY scores.adv_mode
"""
