"""From derivations to rows through an engine: the part that queries, answers and verdicts share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from videopasta_assets.engines import Engine, Reply, Request
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.stages.project import Engines
from videopasta_assets.stages.repair import Form, Parsed
from videopasta_assets.stages.reply_cost import cost_of


@dataclass(frozen=True)
class Ask:
    """Payload of a derivation that an engine answers: the request, and the columns that are known beforehand."""

    request: Request
    known: Row


def answer(
    engine: Engine,
    derivations: Sequence[Derivation],
    columns: Callable[[Reply, Row], Row],
    form: Form | None = None,
) -> Iterator[Row]:
    """Send the requests of `derivations` and yield a row a reply, in the order of arrival.

    Requests are sorted by clip so that an engine pays for a video's prefix once.

    Args:
        engine: answers the requests.
        derivations: their payload is an `Ask`; the request's id is the row key.
        columns: what the reply adds to the known columns; a returned `error` makes an error row.
        form: what replies must look like. One that does not is asked for once more, when all others are there, and
            its row says in `parsed` what came of it.
    """
    asks: dict[str, Ask] = {derivation.row_key: derivation.payload for derivation in derivations}
    grouped = sorted(asks.values(), key=lambda ask: ask.request.clip.key if ask.request.clip else "")

    def row(reply: Reply, parsed: Parsed | None) -> Row:
        known = asks[reply.request_id].known
        return {
            "row_key": reply.request_id,
            **known,
            **({"error": reply.error} if reply.error is not None else columns(reply, known)),
            **({} if parsed is None else {"parsed": parsed.value}),
            **cost_of(reply),
            "created_at": datetime.now(UTC),
        }

    first: dict[str, Reply] = {}
    second: list[Request] = []
    for reply in engine.generate(ask.request for ask in grouped):
        ask = asks[reply.request_id]
        if form is None or reply.error is not None:
            yield row(reply, None)
        elif form.reads(reply.text, ask.known):
            yield row(reply, Parsed.FIRST)
        elif (again := form.again(ask.request, reply)) is None:
            yield row(reply, Parsed.NO)
        else:
            first[reply.request_id] = reply
            second.append(again)
    if form is not None and second:
        for reply in engine.generate(second):
            yield row(*form.settled(first[reply.request_id], reply, asks[reply.request_id].known))


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
