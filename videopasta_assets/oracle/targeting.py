"""Stage `oracle_targeting`: which mode a blind judge names for each verified pair (VideoPASTA appendix A.2.1).

The judge reads question, chosen and rejected answer, never the intended mode. The paper samples complete triples of
adversaries; few survive its filter, so here verified pairs are judged, each mode by its own pairs.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from videopasta_assets.engines import Reply, Request
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.recipes.targeting import MODE_JUDGEMENT_SCHEMA, parse_mode_judgement
from videopasta_assets.stages.generation import Ask, answer
from videopasta_assets.stages.materialize import Outcome, Progress, Stage, run_stage, silent
from videopasta_assets.stages.project import Engines, Project, decoding, good_rows
from videopasta_assets.stages.repair import REPAIR, Form
from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.toyworld.contrast import contradicted_modes, salient_mode

STAGE_VERSION = "1"

PAPER: Final[Mapping[FailureMode, float]] = {
    FailureMode.SPATIAL: 0.961,
    FailureMode.TEMPORAL: 0.924,
    FailureMode.CROSS_FRAME: 0.883,
}
"""VideoPASTA's table 8, for orientation: GPT-4o as judge, on their data."""

_NONE: Final = "none"
_KNOWN: Final = ("pair_id", "video_id", "adv_mode", "adv_strategy")


def spec(project: Project) -> dict[str, str]:
    """Parts of the specification, by name."""
    return {
        "stage": STAGE_VERSION,
        "model": project.model_id("judge"),
        "decoding": stable_hash(project.role("judge").decoding),
        "prompt judge_mode": project.prompts("judge").hash("judge_mode"),
        REPAIR: project.prompts("judge").hash(REPAIR),
    }


def derive(project: Project, shard: str) -> list[Derivation]:
    """One row a verified pair."""
    parts, prompts = spec(project), project.prompts("judge")
    # In the compact style the whole reply is one word: no engine may press it into JSON.
    schema = MODE_JUDGEMENT_SCHEMA if project.role("judge").style == "standard" else None
    derivations = []
    for pair in good_rows(project, "verified_pairs", shard):
        key = pair["pair_id"]
        prompt = prompts.render("judge_mode", query=pair["query"], aligned=pair["chosen"], adversary=pair["rejected"])
        request = Request(key, prompt, None, decoding(project.role("judge").decoding), 0, schema)
        known = {
            **{name: pair[name] for name in _KNOWN},
            "readable_mode": readable_mode(pair["chosen"], pair["rejected"]),
            "judge": parts["model"],
        }
        provenance = stable_hash(parts, pair["query"], pair["chosen"], pair["rejected"], pair["adv_mode"])
        derivations.append(Derivation(key, provenance, Ask(request, known)))
    return derivations


def readable_mode(chosen: str, rejected: str) -> str:
    """The mode that a perfect reader of the two texts would name, or `none`."""
    return salient_mode(rejected, contradicted_modes(chosen, rejected) or frozenset()) or _NONE


def compute(project: Project, engines: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Ask the judge."""

    def columns(reply: Reply, known: Row) -> Row:
        found = parse_mode_judgement(reply.text)
        named = None if found is None else found.mode.value if found.mode else _NONE
        return {"reply": reply.text, "judged_mode": named, "hit": named == known["adv_mode"]}

    if derivations:
        form = Form(lambda text, _: parse_mode_judgement(text) is not None, project.prompts("judge"))
        yield from answer(engines.engine("judge"), derivations, columns, form)


STAGE: Final = Stage("oracle_targeting", ("verified_pairs",), spec, derive)


def run(
    project: Project, shard: str, engines: Engines, *, retry_failed: bool = False, progress: Progress = silent
) -> Outcome:
    """Bring the shard's `oracle_targeting` up to date."""
    return run_stage(
        project,
        STAGE,
        shard,
        lambda todo: compute(project, engines, todo),
        retry_failed=retry_failed,
        progress=progress,
    )
