"""Train the embedded model from nothing: `python -m videopasta_assets.embedded.train --out DIR --minutes N --seed S`.

Three things in one run: a tokenizer over toyworld's language, the vision tower on per-cell scene labels, then every
task by its template with a loss on the replies alone. The learning rate follows the share of the time that has passed,
so a run of any length ends annealed. `--resume` goes on from the last state in DIR/state.pt.
"""

import argparse
import copy
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch.utils.data import DataLoader, IterableDataset
from transformers import PreTrainedTokenizerFast

from videopasta_assets.embedded.architecture import build_model, build_processor
from videopasta_assets.embedded.corpus import pack_at
from videopasta_assets.embedded.forward import hidden_states, packed_loss
from videopasta_assets.embedded.optimizer import Optimizer
from videopasta_assets.embedded.packing import Batch, Packer
from videopasta_assets.embedded.pretrain import pretrain_vision
from videopasta_assets.embedded.teachers import Teachers
from videopasta_assets.embedded.tokenizer import load_tokenizer, train_tokenizer

VOCABULARY: Final = 1100
TOKENIZER_PACKS: Final = 1200
ROWS: Final = 4
TEACHER_WEIGHTS: Final = (0.4, 0.3, 0.5, 0.4, 0.2, 1.0)
"""Of the clock, the cell labels, the pointing heads, the contrast of two texts, the place and the story."""
VISION_SHARE: Final = 0.09
PEAK_RATE: Final = 2.5e-3
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
    """Batches of packs from index `start` on; the mixture follows the shared `progress` (0..1) of the run."""

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


def rate(peak: float, progress: float, step: int) -> float:
    """Linear warm-up over 200 steps, flat for a third, then down to zero."""
    return peak * min(1.0, step / 200) * min(1.0, 1.5 * (1.0 - progress)) + 1e-5


class Run:
    """One training run: the model with its optimizer, average and clock head, and the folder that it is kept in."""

    def __init__(self, out: Path, minutes: float, seed: int, resume: bool, peak: float) -> None:
        self.out, self.seed, self.peak = out, seed, peak
        self.log = out / "training_log.jsonl"
        state: dict[str, Any] = {}
        if resume and (out / "state.pt").exists():
            state = torch.load(out / "state.pt", weights_only=True)
            self.tokenizer = load_tokenizer(out)
        else:
            self.tokenizer = train_tokenizer(corpus_texts(seed), VOCABULARY)
            self.log.unlink(missing_ok=True)
        self.model = build_model(self.tokenizer)
        build_processor(self.tokenizer).save_pretrained(out)
        self.clock = Clock(state.get("spent", 0.0), minutes * 60)
        self.step = int(state.get("step", 0))
        self.teachers = Teachers()
        if state:
            self.model.load_state_dict(state["model"])
            self.teachers.load_state_dict(state["teachers"])
        else:
            self.clock.start()
            pretrain_vision(self.model, seed, minutes * 60 * VISION_SHARE, self.log)
            self.clock.tick()
        self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.optimizer = Optimizer(self.model, self.teachers)
        if state:
            self.average = state["average"]
            self.optimizer.load_state_dict(state["optimizer"])
        else:
            self._save()

    def go(self) -> None:
        """Train until the time is spent, saving on the way."""
        shared = torch.tensor(self.clock.progress).share_memory_()  # type: ignore[no-untyped-call]
        packs = Packs(self.tokenizer, self.seed, self.step * ROWS, shared)
        self.model.train()
        self.clock.start()
        saved = self.clock.spent
        recent: list[torch.Tensor] = []
        for batch in DataLoader(packs, batch_size=None, num_workers=1, prefetch_factor=16):
            self.step += 1
            progress = self.clock.tick()
            shared.fill_(progress)
            recent.append(self._learn(batch, rate(self.peak, progress, self.step)))
            if self.step % LOG_EVERY == 0:
                self._report(torch.stack(recent).mean(0).tolist())
                recent.clear()
            done = progress >= 1.0
            if done or self.clock.spent - saved > SAVE_EVERY_S:
                saved = self.clock.spent
                self._save()
            if done:
                break

    def _learn(self, batch: Batch, learning_rate: float) -> torch.Tensor:
        """One step; returns loss, token accuracy and the teachers' losses."""
        with torch.autocast("cpu", torch.bfloat16):
            states = hidden_states(self.model, batch)
            loss, accuracy = packed_loss(states, self.model, batch)
            taught = self.teachers.loss(states, batch)
        (loss + (taught * torch.tensor(TEACHER_WEIGHTS)).sum()).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step(learning_rate)
        decay = min(EMA, self.step / (self.step + 10))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                self.average[name].lerp_(value, 1 - decay)
        return torch.stack([loss.detach(), accuracy, *taught.detach()])

    def _report(self, means: list[float]) -> None:
        taught = ("clock", "cell", "pointing", "contrast", "place", "story")
        names = ("loss", "token_accuracy", *(f"{name}_loss" for name in taught))
        figures = {name: round(mean, 4) for name, mean in zip(names, means, strict=True)}
        line = {"step": self.step, "seconds": round(self.clock.spent, 1), **figures}
        with self.log.open("a") as sink:
            sink.write(json.dumps(line) + "\n")
        print(f"{self.clock.progress:6.1%} {line}", flush=True)  # noqa: T201 - progress of a command

    def _save(self) -> None:
        """The resumable state, and the averaged weights as a loadable model in bfloat16."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average,
            "teachers": self.teachers.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "spent": self.clock.spent,
        }
        partial = self.out / "state.pt.partial"
        torch.save(state, partial)
        partial.replace(self.out / "state.pt")
        # A copy, because a cast to bfloat16 and back would coarsen the rotary frequencies that training goes on with.
        exported = copy.deepcopy(self.model)
        exported.load_state_dict(self.average)
        exported.to(torch.bfloat16).save_pretrained(self.out)


def train(out: Path, minutes: float, seed: int, resume: bool, peak: float = PEAK_RATE) -> None:
    """Train for `minutes` of this machine's time, all runs on `out` together."""
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    Run(out, minutes, seed, resume, peak).go()


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the embedded model from nothing.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=75.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peak-rate", type=float, default=PEAK_RATE)
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()
    train(args.out, args.minutes, args.seed, args.resume, args.peak_rate)


if __name__ == "__main__":
    main()
