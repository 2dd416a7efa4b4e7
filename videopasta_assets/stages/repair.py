"""One more try for a reply that cannot be read: the model is shown it, and asked for its form again.

Engines that hold a model to a JSON schema seldom need it; with the others, and where a reply was cut off, it saves
a row that costs a video's tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from videopasta_assets.engines import Reply, Request
from videopasta_assets.lake import Row
from videopasta_assets.prompts import PromptLibrary
from videopasta_assets.stages.reply_cost import cached_tokens

REPAIR: Final = "repair"
"""The template of the second request, and the name of its part of a specification."""

_SHOWN_CHARACTERS: Final = 2000


class Parsed(StrEnum):
    """How a reply was read: column `parsed`."""

    FIRST = "first"
    REPAIRED = "repaired"
    NO = "no"


@dataclass(frozen=True)
class Form:
    """What replies of a stage must look like.

    Attributes:
        reads: whether a reply's text can be read, given the row's known columns.
        prompts: has the template of the second request.
    """

    reads: Callable[[str, Row], bool]
    prompts: PromptLibrary

    def again(self, request: Request, reply: Reply) -> Request | None:
        """The second request; None where the prompt asks for no JSON, so that there is no form to ask for again."""
        if request.json_schema is None:
            return None
        prompt = self.prompts.render(REPAIR, prompt=request.prompt.text, reply=reply.text[:_SHOWN_CHARACTERS])
        return replace(request, prompt=prompt)

    def settled(self, first: Reply, second: Reply, known: Row) -> tuple[Reply, Parsed]:
        """The reply that counts, with what both cost."""
        repaired = second.error is None and self.reads(second.text, known)
        whole = replace(
            second if repaired else first,
            prompt_tokens=first.prompt_tokens + second.prompt_tokens,
            cached_tokens=cached_tokens(first, second),
            completion_tokens=first.completion_tokens + second.completion_tokens,
            seconds=first.seconds + second.seconds,
        )
        return whole, Parsed.REPAIRED if repaired else Parsed.NO
