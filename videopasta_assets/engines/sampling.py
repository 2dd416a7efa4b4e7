"""Drawing tokens so that a row's reply depends on its own request alone.

`generate` draws a whole batch from one random stream, so a reply would change with its neighbours. Here every row
has its own numbers, one a step, drawn beforehand from its request's seed; the token is found by inverting the
cumulative distribution.
"""

from collections.abc import Sequence

import torch

from videopasta_assets.engines.protocol import Decoding


class RowDecoding:
    """A logits processor that applies penalty, temperature and top-p and draws each row's token from its own seed.

    It leaves one finite score a row, so the greedy search around it picks what was drawn.

    Args:
        decoding: shared by the batch.
        seeds: one a row.
        prompt_mask: shape (rows, prompt tokens), 0 on padding, which no penalty may count.
    """

    def __init__(self, decoding: Decoding, seeds: Sequence[int], prompt_mask: torch.Tensor) -> None:
        self._decoding = decoding
        self._mask = prompt_mask.bool()
        numbers = [
            torch.rand(decoding.max_new_tokens, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
            for seed in seeds
        ]
        self._numbers = torch.stack(numbers).to(prompt_mask.device)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores of the next token, shape (rows, vocabulary)."""
        step = input_ids.shape[1] - self._mask.shape[1]
        scores = self._penalized(input_ids, scores)
        if self._decoding.temperature == 0:
            return scores
        drawn = self._draw(scores, self._numbers[:, step])
        return torch.full_like(scores, -torch.inf).scatter(1, drawn, 0.0)

    def select(self, rows: torch.Tensor) -> None:
        """Go on with the rows `rows` alone."""
        self._mask, self._numbers = self._mask[rows], self._numbers[rows]

    def _penalized(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """CTRL's repetition penalty (arXiv 1909.05858, section 4.1) over prompt and reply, padding left out."""
        penalty = self._decoding.repetition_penalty
        if penalty == 1.0:
            return scores
        written = torch.nn.functional.pad(self._mask, (0, input_ids.shape[1] - self._mask.shape[1]), value=True)
        seen = torch.zeros_like(scores, dtype=torch.int32).scatter_add_(1, input_ids, written.int()) > 0
        return torch.where(seen, torch.where(scores > 0, scores / penalty, scores * penalty), scores)

    def _draw(self, scores: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        """One token a row, shape (rows, 1), from the smallest set of tokens whose probabilities reach top-p."""
        ordered, order = torch.softmax(scores.double() / self._decoding.temperature, dim=-1).sort(
            dim=-1, descending=True, stable=True
        )
        below = ordered.cumsum(dim=-1) - ordered
        kept = torch.where(below < self._decoding.top_p, ordered, 0.0).cumsum(dim=-1)
        place = torch.searchsorted(kept, (numbers[:, None] * kept[:, -1:]), right=True)
        last = (below < self._decoding.top_p).sum(dim=-1, keepdim=True) - 1
        return order.gather(1, torch.minimum(place, last))
