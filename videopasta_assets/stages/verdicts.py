"""Verdicts: the text-only verifier on (query, aligned, adversary), section 3.4 and figure 13."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from videopasta_assets.engines import Reply, Request
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.recipes import parse_verdict, verdict_schema, verdict_status
from videopasta_assets.stages.generation import Ask, answer
from videopasta_assets.stages.project import Engines, Project, decoding
from videopasta_assets.stages.repair import REPAIR, Form
from videopasta_assets.taxonomy import VerdictStatus

STAGE_VERSION = "1"

_OF_ADVERSARY: Final = ("adversary_id", "query_id", "video_id", "slot", "attempt", "adv_mode", "adv_strategy")


def spec(project: Project) -> dict[str, str]:
    """Parts of the specification, by name."""
    return {
        "stage": STAGE_VERSION,
        "model": project.model_id("verifier"),
        "decoding": stable_hash(project.role("verifier").decoding),
        "prompt verify": project.prompts("verifier").hash("verify"),
        REPAIR: project.prompts("verifier").hash(REPAIR),
    }


def derive(project: Project, aligned_by_query: Mapping[str, Row], adversaries: Sequence[Row]) -> list[Derivation]:
    """One verdict an attempt that has a text."""
    parts, schema = spec(project), verdict_schema(project.role("verifier").style)
    derivations = []
    for adversary in adversaries:
        if adversary["error"] is not None:
            continue
        aligned = aligned_by_query[adversary["query_id"]]
        prompt = project.prompts("verifier").render(
            "verify",
            query=aligned["query"],
            aligned=aligned["response"],
            adversary=adversary["response"],
            mode=adversary["adv_mode"],
        )
        key = adversary["adversary_id"]
        known = {
            **{name: adversary[name] for name in _OF_ADVERSARY},
            **{name: aligned[name] for name in ("query_mode", "query_category")},
            "verifier": parts["model"],
            "prompt_version": prompt.template_hash,
        }
        provenance = stable_hash(aligned["data_version"], adversary["data_version"], parts)
        request = Request(key, prompt, None, decoding(project.role("verifier").decoding), 0, schema)
        derivations.append(
            Derivation(key, provenance, (Ask(request, known), aligned["response"], adversary["response"]))
        )
    return derivations


def compute(project: Project, engines: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Decide what needs no model, ask the verifier about the rest."""
    texts: dict[str, tuple[str, str]] = {}
    asks: list[Derivation] = []
    for derivation in derivations:
        ask, aligned, adversary = derivation.payload
        status, reason = verdict_status(None, aligned, adversary)
        if status is VerdictStatus.REJECTED_PARSE:
            texts[derivation.row_key] = (aligned, adversary)
            asks.append(Derivation(derivation.row_key, derivation.provenance, ask))
            continue
        yield {
            "row_key": derivation.row_key,
            **ask.known,
            "verdict": status.value,
            "reason": reason,
            "created_at": datetime.now(UTC),
        }

    def columns(reply: Reply, known: Row) -> Row:  # noqa: ARG001 - the generation callback's signature
        parsed = parse_verdict(reply.text)
        status, reason = verdict_status(parsed, *texts[reply.request_id])
        return {
            "verdict": status.value,
            "reason": reason,
            "reply": reply.text,
            "preferred_coherent": parsed.preferred_ok if parsed else None,
            "is_contradiction": parsed.is_contradiction if parsed else None,
            "is_rephrase": parsed.is_rephrase if parsed else None,
            "mode_specific": parsed.mode_specific if parsed else None,
        }

    if asks:
        form = Form(lambda text, _: parse_verdict(text) is not None, project.prompts("verifier"))
        yield from answer(engines.engine("verifier"), asks, columns, form)
