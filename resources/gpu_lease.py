"""A lease of one GPU for this process.

Dagster's pools count slots, not devices: two runs with a slot each would both load their model on device 0.
A lease takes the first device whose lock file is free and makes it the only one that CUDA shows this process.
The kernel drops the lock when the process ends, however it ends.
"""

import fcntl
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from videopasta_assets.errors import UserError, VideoPastaError

VISIBLE_DEVICES: Final = "CUDA_VISIBLE_DEVICES"
_POLL_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 600.0


class NoFreeGpuError(VideoPastaError):
    """Every device is leased by another process."""


@dataclass
class GpuLease:
    """A device that this process holds until `release`."""

    device: str
    descriptor: int

    def release(self) -> None:
        """Let another process have the device."""
        os.close(self.descriptor)


_held: Final[list[GpuLease]] = []
_machine: Final[list[str]] = []
"""The devices that this process saw before its first lease hid the others."""


def lease_gpu(
    devices: Sequence[str] | None = None, *, folder: Path | None = None, wait_seconds: float = 0
) -> GpuLease | None:
    """Lease a free device and set `CUDA_VISIBLE_DEVICES` to it; None on a machine without a GPU.

    Call it before CUDA starts in this process: later changes of the variable have no effect.

    Args:
        devices: names as `CUDA_VISIBLE_DEVICES` has them; None asks the machine.
        folder: where the lock files are; all processes of a user share one by default.
        wait_seconds: how long to wait for a device to become free.

    Raises:
        NoFreeGpuError: all devices stayed leased.
    """
    devices = visible_devices() if devices is None else devices
    if not devices:
        return None
    folder = folder or Path(tempfile.gettempdir()) / f"videopasta-gpu-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_seconds
    while True:
        for device in devices:
            descriptor = _try_lock(folder / f"{device.replace('/', '_')}.lock")
            if descriptor is not None:
                os.environ[VISIBLE_DEVICES] = device
                return GpuLease(device, descriptor)
        if time.monotonic() >= deadline:
            raise NoFreeGpuError(
                f"all GPUs ({', '.join(devices)}) are leased by other runs. Wait for them, or stop them."
            )
        time.sleep(_POLL_SECONDS)


def hold_gpu() -> GpuLease | None:
    """This process's one lease for its engines: taken on first use, kept until it ends.

    Raises:
        NoFreeGpuError: all devices stayed leased for ten minutes.
    """
    return next(iter(hold_gpus(1)), None)


def hold_gpus(count: int) -> Sequence[GpuLease]:
    """`count` leases of this process, those that it has among them; none on a machine without a GPU.

    Raises:
        UserError: the machine has fewer devices.
        NoFreeGpuError: devices stayed leased by others for ten minutes.
    """
    if not _held:
        _machine[:] = visible_devices()
    if _machine and count > len(_machine):
        raise UserError(
            f"{count} processes want a GPU each, {len(_machine)} are visible",
            where="trainer.processes",
            fix=f"Set it to {len(_machine)}, or make more visible in {VISIBLE_DEVICES}.",
        )
    while _machine and len(_held) < count:
        taken = {lease.device for lease in _held}
        lease = lease_gpu([device for device in _machine if device not in taken], wait_seconds=_PATIENCE_SECONDS)
        if lease is not None:
            _held.append(lease)
        os.environ[VISIBLE_DEVICES] = ",".join(held.device for held in _held)
    return _held[:count]


def visible_devices() -> list[str]:
    """Devices that this process may use; an empty list without CUDA. Does not start CUDA."""
    chosen = os.environ.get(VISIBLE_DEVICES)
    if chosen is not None:
        return [device.strip() for device in chosen.split(",") if device.strip() not in ("", "-1")]
    import torch

    return [str(index) for index in range(torch.cuda.device_count())]


def _try_lock(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
