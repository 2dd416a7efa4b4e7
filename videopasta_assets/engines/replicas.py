"""Several engines with one model as one: each video has a home among them, and none waits for one that is gone.

A video's requests go to the replica that rendezvous hashing names, so that its frames and its prefix are computed on
one of them only (Thaler and Ravishankar 1998: when a replica goes, only its own videos move). Who has nothing left to
do takes whole videos from the one with the most. When a replica fails, what it was asked and did not answer goes to
the others; it is tried again now and then, and takes part as soon as it answers.
"""

import hashlib
import queue
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from videopasta_assets.engines.protocol import Engine, EngineError, Reply, Request

_PROBE_SECONDS: Final = 10.0


def home(subject: str, replicas: Sequence[str]) -> str:
    """The replica, of those there are, that a video's requests go to."""
    return max(replicas, key=lambda name: hashlib.blake2b(f"{name}\0{subject}".encode(), digest_size=8).digest())


class ReplicatedEngine:
    """Answers requests by several engines that have one model.

    Args:
        engines: by name; names decide where videos go, so they should not change from run to run.
        patience_seconds: how long all of them may be gone before a call ends.
        probe_seconds: how long one that failed is left alone.
    """

    def __init__(
        self, engines: Mapping[str, Engine], *, patience_seconds: float = 0, probe_seconds: float = _PROBE_SECONDS
    ) -> None:
        self._engines = dict(engines)
        self._patience = patience_seconds
        self._probe = probe_seconds

    @property
    def model_id(self) -> str:
        """`name@revision`, the same for all."""
        return next(iter(self._engines.values())).model_id

    def generate(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """Yield a reply a request, in the order of arrival.

        Raises:
            EngineError: no replica answers any more; what was not yielded is not answered.
            UserError: a replica knows neither key, model nor adapter.
        """
        call = _Call(self._engines, requests, self._patience, self._probe)
        try:
            yield from call.replies()
        finally:
            call.stop()

    def close(self) -> None:
        """Close every replica."""
        for engine in self._engines.values():
            engine.close()


@dataclass
class _Replica:
    """One engine's part of a call.

    Attributes:
        waiting: requests that it has to answer, grouped by video.
        current: what is left of the group that it is at.
        asked: requests that it was given and has not answered.
        tried_again: when it may be asked after it failed; None while it works.
        reason: how it failed last.
    """

    engine: Engine
    waiting: deque[list[Request]] = field(default_factory=deque)
    current: deque[Request] = field(default_factory=deque)
    asked: dict[str, Request] = field(default_factory=dict)
    tried_again: float | None = None
    reason: str = ""


class _Call:
    """One call of `generate`: a thread a replica, and this one, which yields."""

    def __init__(self, engines: Mapping[str, Engine], requests: Iterable[Request], patience: float, probe: float):
        self._replicas = {name: _Replica(engine) for name, engine in engines.items()}
        self._patience = patience
        self._probe = probe
        self._state = threading.Condition()
        self._arrived: queue.SimpleQueue[Reply | BaseException] = queue.SimpleQueue()
        self._stopped = False
        self._all_gone_since: float | None = None
        groups = _by_subject(requests)
        self._left = sum(map(len, groups.values()))
        self._total = self._left
        for subject, group in groups.items():
            self._replicas[home(subject, list(self._replicas))].waiting.append(group)

    def replies(self) -> Iterator[Reply]:
        """All replies, until there is none left or nobody to give them."""
        for name in self._replicas:
            threading.Thread(target=self._work, args=(name,), daemon=True, name=f"replica {name}").start()
        for _ in range(self._total):
            arrived = self._arrived.get()
            if isinstance(arrived, BaseException):
                raise arrived
            yield arrived

    def stop(self) -> None:
        """Give nobody anything more."""
        with self._state:
            self._stopped = True
            self._state.notify_all()

    def _work(self, name: str) -> None:
        replica = self._replicas[name]
        while self._wait_for_work(replica):
            replies = replica.engine.generate(self._feed(replica))
            try:
                for reply in replies:
                    self._take(replica, reply)
                    if self._stopped:
                        return
            except EngineError as error:
                self._went_down(name, str(error))
            except BaseException as error:  # a mistake of the user, or of ours: whoever asked has to hear of it
                self._arrived.put(error)
                return
            else:
                if replica.asked:
                    self._went_down(name, f"left {len(replica.asked)} requests unanswered")

    def _wait_for_work(self, replica: _Replica) -> bool:
        """Wait until there is something for the replica; False when there will be nothing any more."""
        with self._state:
            while self._left and not self._stopped:
                pause = 0.0 if replica.tried_again is None else replica.tried_again - time.monotonic()
                if pause <= 0 and any(other.waiting or other.current for other in self._replicas.values()):
                    return True
                self._end_if_all_are_gone()
                self._state.wait(max(pause, 0.05) if pause > 0 else None)
            return False

    def _feed(self, replica: _Replica) -> Iterator[Request]:
        """What the replica is asked, video by video. It never waits."""
        while True:
            with self._state:
                if self._stopped or not (replica.current or self._next_group(replica)):
                    return
                request = replica.current.popleft()
                replica.asked[request.request_id] = request
            yield request

    def _next_group(self, replica: _Replica) -> bool:
        """Its own next video; else the last one of whoever has the most, of one that is gone first."""
        if replica.waiting:
            replica.current.extend(replica.waiting.popleft())
            return True
        others = [other for other in self._replicas.values() if other.waiting]
        if not others:
            return False
        most = max(others, key=lambda other: (other.tried_again is not None, len(other.waiting)))
        replica.current.extend(most.waiting.pop())
        return True

    def _take(self, replica: _Replica, reply: Reply) -> None:
        with self._state:
            replica.tried_again = None
            self._all_gone_since = None
            if replica.asked.pop(reply.request_id, None) is None:
                return  # it was given to another one meanwhile
            self._left -= 1
            if not self._left:
                self._state.notify_all()
        self._arrived.put(reply)

    def _went_down(self, name: str, reason: str) -> None:
        """Move what the replica has not answered to the homes that its videos have among the others."""
        with self._state:
            replica = self._replicas[name]
            replica.tried_again = time.monotonic() + self._probe
            replica.reason = reason
            groups = _by_subject([*replica.asked.values(), *replica.current, *chain.from_iterable(replica.waiting)])
            replica.asked.clear()
            replica.current.clear()
            replica.waiting.clear()
            up = [other for other, state in self._replicas.items() if state.tried_again is None] or [name]
            for subject, group in groups.items():
                self._replicas[home(subject, up)].waiting.append(group)
            self._end_if_all_are_gone()
            self._state.notify_all()

    def _end_if_all_are_gone(self) -> None:
        if any(replica.tried_again is None for replica in self._replicas.values()):
            return
        now = time.monotonic()
        self._all_gone_since = now if self._all_gone_since is None else self._all_gone_since
        if now - self._all_gone_since >= self._patience and not self._stopped:
            self._stopped = True
            reasons = "; ".join(f"{name}: {replica.reason}" for name, replica in self._replicas.items())
            self._arrived.put(
                EngineError(
                    f"none of {len(self._replicas)} replicas answers any more; {self._total - self._left} requests are "
                    f"answered and kept, {self._left} are left ({reasons})"
                )
            )


def _by_subject(requests: Iterable[Request]) -> dict[str, list[Request]]:
    """Requests by video and frame plan, in the order in which they came; one without a video stands by itself."""
    groups: dict[str, list[Request]] = {}
    for request in requests:
        groups.setdefault(request.clip.key if request.clip else request.request_id, []).append(request)
    return groups
