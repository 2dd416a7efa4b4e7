"""Train the embedded model from nothing: `python -m videopasta_assets.embedded.train --out DIR --minutes N --seed S`.

Three things in one run: a tokenizer over toyworld's language, the vision tower on per-cell scene labels, then every task by
its template with a loss on the replies alone. The learning rate follows the share of the time that has passed, so a run
of any length ends annealed. `--resume` goes on from the last state in DIR/state.pt.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch.utils.data import DataLoader, IterableDataset
from transformers import PreTrainedTokenizerFast

from videopasta_assets.embedded.architecture import EmbeddedModel, build_model, build_processor
from videopasta_assets.embedded.corpus import pack_at
from videopasta_assets.embedded.packing import Batch, Packer, packed_loss
from videopasta_assets.embedded.pretrain import pretrain_vision
from videopasta_assets.embedded.tokenizer import load_tokenizer, train_tokenizer

VOCABULARY: Final = 1100
TOKENIZER_PACKS: Final = 1200
ROWS: Final = 4
VISION_SHARE: Final = 0.07
PEAK_RATE: Final = 2e-3
EMA: Final = 0.998
SAVE_EVERY_S: Final = 180.0
LOG_EVERY: Final = 50


@dataclass
class Clock:
    """Seconds of training so far, over all runs, of a budget."""

    spent: float
    budget: float
    _since: float = 0.0

    def start(self) -> None:
        self._since = time.monotonic()

    def tick(self) -> float:
        now = time.monotonic()
        self.spent += now - self._since
        self._since = now
        return self.progress

    @property
    def progress(self) -> float:
        return min(1.0, self.spent / self.budget)


class Packs(IterableDataset[Batch]):
    """Batches from pack index `start` on; the mixture's progress follows the index in blocks of the shared value."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, seed: int, start: int, progress: torch.Tensor) -> None:
        self.tokenizer, self.seed, self.start, self.progress = tokenizer, seed, start, progress

    def __iter__(self) -> Iterator[Batch]:
        torch.set_num_threads(1)
        packer = Packer(self.tokenizer)
        index = self.start
        while True:
            progress = float(self.progress)
            rows = [packer.row(pack_at(self.seed, index + i, progress)) for i in range(ROWS * 4)]
            index += ROWS * 4
            rows.sort(key=lambda row: len(row.tokens))
            for i in range(4):
                yield packer.batch(rows[i * ROWS : (i + 1) * ROWS])


def corpus_texts(seed: int) -> Iterator[str]:
    for index in range(TOKENIZER_PACKS):
        for exchange in pack_at(seed, index, 1.0).exchanges:
            yield f"{exchange.prompt}\n{exchange.reply}"


def rate(progress: float, step: int) -> float:
    """Linear warm-up over 200 steps, flat for a third, then down to zero."""
    return PEAK_RATE * min(1.0, step / 200) * min(1.0, 1.5 * (1.0 - progress)) + 1e-5


def train(out: Path, minutes: float, seed: int, resume: bool) -> None:
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    log = out / "training_log.jsonl"
    state_file = out / "state.pt"
    state: dict[str, Any] = {}
    if resume and state_file.exists():
        state = torch.load(state_file, weights_only=True)
        tokenizer = load_tokenizer(out)
    else:
        tokenizer = train_tokenizer(corpus_texts(seed), VOCABULARY)
        log.unlink(missing_ok=True)
    model = build_model(tokenizer)
    build_processor(tokenizer).save_pretrained(out)
    clock = Clock(state.get("spent", 0.0), minutes * 60)
    if state:
        model.load_state_dict(state["model"])
    else:
        clock.start()
        pretrain_vision(model, seed, minutes * 60 * VISION_SHARE, log)
        clock.tick()
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    if state:
        average = state["average"]
    optimizer = torch.optim.AdamW(_groups(model), lr=PEAK_RATE, betas=(0.9, 0.98), eps=1e-8)
    if "optimizer" in state:
        optimizer.load_state_dict(state["optimizer"])
    step = int(state.get("step", 0))
    shared = torch.tensor(clock.progress).share_memory_()
    loader = DataLoader(
        Packs(tokenizer, seed, step * ROWS, shared), batch_size=None, num_workers=1, prefetch_factor=16
    )
    model.train()
    clock.start()
    saved = clock.spent
    sums = torch.zeros(2)
    for batch in loader:
        step += 1
        progress = clock.tick()
        shared.fill_(progress)
        for group in optimizer.param_groups:
            group["lr"] = rate(progress, step)
        loss, accuracy = packed_loss(model, batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        decay = min(EMA, step / (step + 10))
        with torch.no_grad():
            for name, value in model.state_dict().items():
                average[name].lerp_(value, 1 - decay)
        sums += torch.stack([loss.detach(), accuracy])
        if step % LOG_EVERY == 0:
            mean = (sums / LOG_EVERY).tolist()
            sums.zero_()
            line = {"step": step, "seconds": round(clock.spent, 1), "loss": round(mean[0], 4), "token_accuracy": round(mean[1], 4)}
            with log.open("a") as sink:
                sink.write(json.dumps(line) + "\n")
            print(f"{progress:6.1%} step {step} loss {mean[0]:.4f} accuracy {mean[1]:.4f}", flush=True)
        done = progress >= 1.0
        if done or clock.spent - saved > SAVE_EVERY_S:
            saved = clock.spent
            _save(out, model, average, optimizer, step, clock.spent)
        if done:
            break


def _groups(model: EmbeddedModel) -> list[dict[str, Any]]:
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": 0.03},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]


def _save(
    out: Path,
    model: EmbeddedModel,
    average: dict[str, torch.Tensor],
    optimizer: torch.optim.Optimizer,
    step: int,
    spent: float,
) -> None:
    """The resumable state, and the averaged weights as a loadable model in bfloat16."""
    state = {"model": model.state_dict(), "average": average, "optimizer": optimizer.state_dict(), "step": step, "spent": spent}
    partial = out / "state.pt.partial"
    torch.save(state, partial)
    partial.replace(out / "state.pt")
    current = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(average)
    model.to(torch.bfloat16).save_pretrained(out)
    model.to(torch.float32).load_state_dict(current)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the embedded model from nothing.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=75.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()
    train(args.out, args.minutes, args.seed, args.resume)


if __name__ == "__main__":
    main()
