"""Which pairs an experiment trains on: the preference set, or a baseline drawn from what the verifier saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import log

from videopasta_assets.config.recipe import RecipeSettings
from videopasta_assets.config.settings import ExperimentSettings
from videopasta_assets.errors import UserError
from videopasta_assets.hashing import combined_hash, stable_hash
from videopasta_assets.lake import Row
from videopasta_assets.recipes.answer_text import same_answer
from videopasta_assets.recipes.text_balance import balanced_weights, effective_size
from videopasta_assets.stages import preference_set
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.taxonomy import MODES


@dataclass(frozen=True)
class TrainingSet:
    """Pairs of one experiment.

    Attributes:
        source: hash of the whole set that they were drawn from: the preference set's, when the pairs are verified.
        content: hash of the pairs themselves; a new pair of a mode that is not trained on leaves it alone.
        members: rows with pair_id, pair_shard, video_id, query_mode, query_category, query, chosen, rejected,
            adv_mode and data_version.
    """

    source: str
    content: str
    members: tuple[Row, ...]


def training_set(project: Project, experiment: ExperimentSettings) -> TrainingSet | None:
    """The experiment's pairs as the lake holds them now; None while there are none."""
    if experiment.mixture is not None:
        return _mixture(project, experiment)
    if experiment.pairs == "verified":
        current = preference_set.current(project)
        source, pairs = (current.hash, current.members) if current else ("", ())
    else:
        pairs = unfiltered_pairs(project) if experiment.pairs == "unfiltered" else on_policy_pairs(project)
        source = _content(pairs)
    members = [pair for pair in pairs if pair["adv_mode"] in experiment.modes]
    if experiment.balance == "words":
        weights = balanced_weights([(pair["chosen"], pair["rejected"]) for pair in members])
        wanted = experiment.max_pairs or max(1, effective_size(weights))
        members = _draw(members, wanted, experiment.seed, weights.tolist())
    elif experiment.max_pairs is not None:
        members = _draw(members, experiment.max_pairs, experiment.seed)
    members.sort(key=lambda row: str(row["pair_id"]))
    return TrainingSet(source, _content(tuple(members)), tuple(members)) if members else None


def training_content(project: Project, experiment: ExperimentSettings) -> str | None:
    """The `content` of the experiment's training set, as far as possible without reading the pairs' texts."""
    drawn = experiment.max_pairs is not None or experiment.mixture is not None or experiment.balance != "none"
    if experiment.pairs != "verified" or drawn:
        chosen = training_set(project, experiment)
        return chosen.content if chosen else None
    columns = ["pair_id", "pair_version", "adv_mode"]
    rows = project.lake.columns(project.address("preference_set", preference_set.ALL), columns).to_pydict()
    members = [
        f"{pair} {version}"
        for pair, version, mode in zip(*(rows[name] for name in columns), strict=True)
        if mode in experiment.modes
    ]
    return combined_hash(members) if members else None


def with_recipe(project: Project, name: str) -> Project:
    """The project with another recipe of its lake, in its published settings; its own as it is."""
    if name == project.recipe:
        return project
    recipe = RecipeSettings(name=name, prompts=project.settings.recipe.prompts)
    return Project(project.settings.model_copy(update={"recipe": recipe}))


def _mixture(project: Project, experiment: ExperimentSettings) -> TrainingSet | None:
    """So many pairs of each recipe; their names say whose they are, as two recipes may name pairs alike.

    Raises:
        UserError: a recipe has fewer pairs than are wanted of it.
    """
    members: list[Row] = []
    sources: list[str] = []
    for name, wanted in sorted((experiment.mixture or {}).items()):
        current = preference_set.current(with_recipe(project, name))
        pairs = [pair for pair in (current.members if current else ()) if pair["adv_mode"] in experiment.modes]
        if len(pairs) < wanted:
            raise UserError(
                f"recipe {name!r} has {len(pairs)} pairs, and {wanted} are wanted of it",
                where=f"experiment {experiment.name}, mixture",
                fix=f"Lower the number, or make more pairs with recipe: {name}.",
            )
        sources.append(f"{name} {current.hash if current else ''}")
        for pair in _draw(pairs, wanted, experiment.seed):
            members.append({**pair, "pair_id": f"{name}-{pair['pair_id']}", "pair_recipe": name})
    members.sort(key=lambda row: str(row["pair_id"]))
    return TrainingSet(combined_hash(sources), _content(tuple(members)), tuple(members)) if members else None


def unfiltered_pairs(project: Project) -> tuple[Row, ...]:
    """Every slot's first attempt against its aligned response, whatever its verdict was.

    Two answers in the same words are left out: they hold no preference.
    """
    pairs: list[Row] = []
    for shard in project.shards_of("adversaries"):
        aligned_rows = {row["query_id"]: row for row in good_rows(project, "aligned_responses", shard)}
        for adversary in good_rows(project, "adversaries", shard):
            aligned = aligned_rows.get(adversary["query_id"])
            if adversary["attempt"] != 1 or aligned is None:
                continue
            if same_answer(aligned["response"], adversary["response"]):
                continue
            pairs.append(
                {
                    "pair_id": adversary["adversary_id"],
                    "pair_shard": shard,
                    "data_version": stable_hash(aligned["data_version"], adversary["data_version"]),
                    "adv_mode": adversary["adv_mode"],
                    "chosen": aligned["response"],
                    "rejected": adversary["response"],
                    **{name: aligned[name] for name in ("video_id", "query_mode", "query_category", "query")},
                }
            )
    return tuple(pairs)


def on_policy_pairs(project: Project) -> tuple[Row, ...]:
    """Aligned responses that passed their check, against samples of the same model that say something else.

    Nothing asked for the rejected text: it is what the model itself says when it errs. Its mode is the question's.
    There are such pairs only where responses are checked by self-consistency.
    """
    pairs: list[Row] = []
    seconds = project.settings.recipe.aligned_check.seconds
    for shard in project.shards_of("aligned_checks"):
        aligned_rows = {row["response_id"]: row for row in good_rows(project, "aligned_responses", shard)}
        for check in good_rows(project, "aligned_checks", shard):
            aligned = aligned_rows.get(check["response_id"])
            if aligned is None or not check["passed"] or check["method"] != "self_consistency":
                continue
            for sample in sorted(set(check["replies"])):
                if sample.strip() and not same_answer(aligned["response"], sample, seconds):
                    pairs.append(
                        {
                            "pair_id": stable_hash("sample", check["response_id"], sample),
                            "pair_shard": shard,
                            "data_version": stable_hash(aligned["data_version"], sample),
                            "adv_mode": aligned["query_mode"],
                            "chosen": aligned["response"],
                            "rejected": sample.strip(),
                            **{name: aligned[name] for name in ("video_id", "query_mode", "query_category", "query")},
                        }
                    )
    return tuple(pairs)


def _draw(pairs: list[Row], count: int, seed: int, weights: Sequence[float] | None = None) -> list[Row]:
    """A seeded draw, as even over the modes as they allow; a larger count extends a smaller one.

    With `weights`, one a pair, heavier ones tend to come first (Efraimidis and Spirakis 2006).
    """
    places = [int(stable_hash("draw", seed, row["pair_id"])[:12], 16) / 16**12 for row in pairs]
    keys = places if weights is None else [-log(1.0 - u) / max(w, 1e-12) for u, w in zip(places, weights, strict=True)]
    shuffled = [row for _, _, row in sorted(zip(keys, range(len(pairs)), pairs, strict=True))]
    by_mode = [[row for row in shuffled if row["adv_mode"] == mode] for mode in MODES]
    in_turn = [row for rows in zip_longest(*by_mode) for row in rows if row is not None]
    return in_turn[:count]


def _content(pairs: tuple[Row, ...]) -> str:
    return combined_hash(f"{pair['pair_id']} {pair['data_version']}" for pair in pairs)
