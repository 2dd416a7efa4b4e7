"""An engine for counting calls and injecting faults. It answers by rule, at once, and remembers every request."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from videopasta_assets.engines import Engine, FinishReason, Reply, Request
from videopasta_assets.hashing import stable_hash


class Killed(BaseException):
    """Stands for kill -9: nothing in the product may catch it."""


class CountingEngine:
    """Answers every task of the pipeline; each reply depends on its request alone.

    Args:
        accept: decides from an adversary's text whether the verifier accepts it.
        fault: may raise, or return an error text, for a request.
    """

    def __init__(
        self,
        accept: Callable[[str], bool] = lambda text: int(stable_hash(text), 16) % 2 == 0,
        fault: Callable[[Request], str | None] = lambda request: None,
    ) -> None:
        self.requests: list[Request] = []
        self.accept = accept
        self.fault = fault
        self.truth: Callable[[str], bool] = lambda text: True

    @property
    def model_id(self) -> str:
        return "counting@1"

    @property
    def calls(self) -> Counter[str]:
        """Requests by task: query, aligned, adversary, verify, ..."""
        return Counter(request.prompt.template.split("/")[0] for request in self.requests)

    def forget(self) -> None:
        self.requests.clear()

    def generate(self, requests: Iterable[Request]) -> Iterator[Reply]:
        for request in requests:
            self.requests.append(request)
            error = self.fault(request)
            text = "" if error else self._answer(request)
            finish = FinishReason.ERROR if error else FinishReason.STOP
            yield Reply(request.request_id, text, finish, 10, 5, 0.001, error, cached_tokens=4)

    def close(self) -> None:
        self.requests.clear()

    def _answer(self, request: Request) -> str:
        task = request.prompt.template.split("/")[0]
        digest = stable_hash(request.prompt.text, request.seed, request.clip.key if request.clip else "")[:8]
        if task == "query":
            return f"what happens to {digest}?"
        if task == "verify":
            accepted = self.accept(request.prompt.text)
            return json.dumps(
                {
                    "preferred_ok": True,
                    "is_contradiction": accepted,
                    "is_rephrase": False,
                    "mode_specific": True,
                    "reason": "by rule",
                }
            )
        if task == "check_answer":
            return "true" if self.truth(request.prompt.text) else "false"
        return f"{task} {digest}"


class OneEngine:
    """Gives the same engine for every role."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def engine(self, role: str) -> Engine:
        return self._engine


def write_templates(folder: Path, names: Iterable[str]) -> None:
    """A complete set of short templates, so that these tests do not hang on the wording of the real ones."""
    for name in names:
        path = folder / f"{name}.j2"
        path.parent.mkdir(parents=True, exist_ok=True)
        fields = {
            "query": "{{ mode }} {{ category }}",
            "aligned": "{{ query }}",
            "adversary": "{{ mode }} {{ strategy }} {{ query }}",
            "check_answer": "{{ query }} | {{ answer }}",
            "verify": "{{ query }} | {{ aligned }} | {{ adversary }} | {{ mode }}",
        }
        path.write_text(f"{name}: {fields[name.split('/')[0]]}", encoding="utf-8")
