"""Which requests are answered together."""

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import islice

from videopasta_assets.engines.protocol import Request

_LOOK_AHEAD = 8


def windows(requests: Iterable[Request], batch_size: int) -> Iterator[list[Request]]:
    """Pieces of a stream, each long enough to be grouped well."""
    stream = iter(requests)
    while window := list(islice(stream, batch_size * _LOOK_AHEAD)):
        yield window


def plan_batches(
    requests: Sequence[Request], batch_size: int, held: Container[str] = frozenset()
) -> list[list[Request]]:
    """Divide requests into batches of at most `batch_size`.

    A batch shares decoding parameters and adapter, and has videos in all of its requests or in none; so with
    candidates. Requests about one clip stay together, shortest text first, and a clip is split over two batches only
    where it must be or where keeping it whole would leave a batch more than half empty.

    Clips follow each other by number of frames, most first, so that few rows are padded and memory runs out at once
    or not at all. Before them come the clips of `held` (keys), whose prefixes are still there: new ones would drive
    them out of a store that does not hold all.
    """
    batches: list[list[Request]] = []
    kinds: dict[object, dict[str, list[Request]]] = {}
    for request in requests:
        clips = kinds.setdefault(
            (request.decoding, request.adapter, request.clip is None, bool(request.candidates)), {}
        )
        clips.setdefault("" if request.clip is None else request.clip.key, []).append(request)
    for clips in kinds.values():
        batch: list[Request] = []
        for group in sorted(clips.values(), key=lambda group: _turn(group[0], held)):
            if len(batch) + len(group) > batch_size and 2 * len(batch) >= batch_size:
                batches.append(batch)
                batch = []
            for request in sorted(group, key=lambda request: len(request.prompt.text)):
                batch.append(request)
                if len(batch) == batch_size:
                    batches.append(batch)
                    batch = []
        if batch:
            batches.append(batch)
    return batches


def _turn(request: Request, held: Container[str]) -> tuple[bool, int]:
    return (False, 0) if request.clip is None else (request.clip.key not in held, -len(request.clip.plan.indices))
