"""What replies cost, as the columns that every table of a model's answers has."""

from videopasta_assets.engines import Reply
from videopasta_assets.lake import Row


def cost_of(*replies: Reply) -> Row:
    """The cost columns of a row that these replies made, but for `created_at`.

    Cached tokens are told where every reply that had a prompt tells them; the GPUs are the first one's.
    """
    return {
        "prompt_tokens": sum(reply.prompt_tokens for reply in replies),
        "cached_tokens": cached_tokens(*replies),
        "completion_tokens": sum(reply.completion_tokens for reply in replies),
        "seconds": sum(reply.seconds for reply in replies),
        "gpus": replies[0].gpus,
    }


def cached_tokens(*replies: Reply) -> int | None:
    """Prompt tokens that were not computed again; None where an engine does not say."""
    told = [reply.cached_tokens for reply in replies if reply.prompt_tokens]
    known = [count for count in told if count is not None]
    return sum(known) if told and len(known) == len(told) else None
