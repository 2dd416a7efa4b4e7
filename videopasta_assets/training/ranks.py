"""What the processes of one training run tell each other; a run of one process pays nothing for it.

`torchrun` and `accelerate launch` name each process by RANK and their number by WORLD_SIZE.
"""

import os
from collections.abc import Sequence
from typing import Any, TypeVar

T = TypeVar("T")


def world_size() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this is the one process that writes files and reports."""
    return int(os.environ.get("RANK", "0")) == 0


def join(*, cpu: bool) -> None:
    """Meet the other processes: NCCL between GPUs, gloo between CPUs."""
    if world_size() > 1:
        from accelerate import PartialState

        PartialState(cpu=cpu)


def shared(value: T) -> T:
    """What the first process has."""
    if world_size() == 1:
        return value
    import torch.distributed as dist

    held: list[Any] = [value]
    dist.broadcast_object_list(held, src=0)
    return held[0]  # type: ignore[no-any-return]


def gathered(value: T) -> list[T]:
    """What each process has, in their order."""
    if world_size() == 1:
        return [value]
    import torch.distributed as dist

    held: list[Any] = [None] * world_size()
    dist.all_gather_object(held, value)
    return held


def own_part(chunks: Sequence[T]) -> list[T]:
    """This process's share of `chunks`, as many as every other's: the last is repeated where they do not come out.

    Models that are spread over the processes compute together, so that none may make a forward pass alone.
    """
    if not chunks or world_size() == 1:
        return list(chunks)
    rounds = -(-len(chunks) // world_size())
    rank = int(os.environ["RANK"])
    return [chunks[min(start * world_size() + rank, len(chunks) - 1)] for start in range(rounds)]
