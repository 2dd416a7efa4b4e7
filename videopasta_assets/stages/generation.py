"""From derivations to rows through an engine: the part that queries, answers and verdicts share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from videopasta_assets.engines import Engine, Reply, Request
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.stages.project import Engines


@dataclass(frozen=True)
class Ask:
    """Payload of a derivation that an engine answers: the request, and the columns that are known beforehand."""

    request: Request
    known: Row


def answer(engine: Engine, derivations: Sequence[Derivation], columns: Callable[[Reply, Row], Row]) -> Iterator[Row]:
    """Send the requests of `derivations` and yield a row a reply, in the order of arrival.

    Requests are sorted by clip so that an engine pays for a video's prefix once.

    Args:
        engine: answers the requests.
        derivations: their payload is an `Ask`; the request's id is the row key.
        columns: what the reply adds to the known columns; a returned `error` makes an error row.
    """
    asks: dict[str, Ask] = {derivation.row_key: derivation.payload for derivation in derivations}
    grouped = sorted(asks.values(), key=lambda ask: ask.request.clip.key if ask.request.clip else "")
    for reply in engine.generate(ask.request for ask in grouped):
        known = asks[reply.request_id].known
        yield {
            "row_key": reply.request_id,
            **known,
            **({"error": reply.error} if reply.error is not None else columns(reply, known)),
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": reply.completion_tokens,
            "seconds": reply.seconds,
            "gpus": reply.gpus,
            "created_at": datetime.now(UTC),
        }


def respond(engines: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Ask the responder, aligned or adversarial; an empty reply is an error row."""

    def columns(reply: Reply, known: Row) -> Row:  # noqa: ARG001 - the generation callback's signature
        text = reply.text.strip()
        if not text:
            return {"error": "the reply is empty"}
        return {"response": text, "finish_reason": str(reply.finish_reason)}

    return answer(engines.engine("responder"), derivations, columns)


PROMPT: Final = "prompt "
"""How parts of a specification begin that are templates."""

EXTENT: Final = "rows: "
"""How parts of a specification begin that decide which rows there are, and leave what is in them alone."""


def of_content(parts: Mapping[str, str]) -> dict[str, str]:
    """A specification without what only decides which rows there are."""
    return {name: part for name, part in parts.items() if not name.startswith(EXTENT)}


def of_every_row(parts: Mapping[str, str]) -> dict[str, str]:
    """The parts of a stage's specification that all its rows depend on.

    Left out are templates, as a row depends on its own, and what only decides which rows there are.
    """
    return {name: part for name, part in parts.items() if not name.startswith((PROMPT, EXTENT))}
