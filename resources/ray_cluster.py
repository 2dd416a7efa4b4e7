"""The Ray cluster that a run's work is done on: reached, and seen to have a processor for it."""

import contextlib
import logging
import socket
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from videopasta_assets.config import ProjectSettings
from videopasta_assets.errors import UserError, VideoPastaError

_KNOCK_SECONDS: Final = 10.0


def connected(address: str | None) -> Any:
    """Ray, connected to the cluster at `address`; without one, to a cluster of this process alone.

    Raises:
        UserError: Ray is not installed, or nobody answers at the address.
    """
    try:
        import ray
    except ImportError as error:
        raise UserError(
            "Ray is not installed",
            where="launcher.kind",
            fix="pip install 'videopasta-assets[ray]', or use kind: local.",
        ) from error
    if not ray.is_initialized():
        try:
            _knock(address)
            quiet = {"log_to_driver": False, "logging_level": logging.WARNING}
            ray.init(address=address, namespace="videopasta", include_dashboard=False, **quiet)
        except (OSError, RuntimeError, ValueError) as error:
            raise UserError(
                f"no Ray cluster answers ({' '.join(str(error).split())[:200]})",
                where=f"launcher.address, {address}",
                fix="Start one (`ray start --head`), correct the address, or use kind: local.",
            ) from error
    return ray


def see_a_free_cpu(ray: Any, settings: ProjectSettings) -> None:
    """See that the cluster begins a task that decodes: one that finds no CPU would be waited for without end.

    Raises:
        UserError: it does not within `launcher.start_seconds`.
    """
    from ray.exceptions import GetTimeoutError

    launcher = settings.launcher
    task = ray.remote(_nothing).options(num_cpus=1).remote()
    try:
        ray.get(task, timeout=launcher.start_seconds)
    except GetTimeoutError as error:
        ray.cancel(task)
        raise UserError(
            f"no CPU of the cluster became free for decoding in {launcher.start_seconds:g} s",
            where="launcher",
            fix="A copy of a model takes cpus_per_engine, and one CPU more is needed: "
            "lower engines or cpus_per_engine, or add nodes.",
        ) from error


@contextlib.contextmanager
def mistakes_as_raised() -> Iterator[None]:
    """What we raised on purpose in a task or an actor, as it was raised there; the rest as Ray raises it."""
    from ray.exceptions import RayError

    try:
        yield
    except RayError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, VideoPastaError):
            raise cause from error
        raise


def _nothing() -> None:
    """A task that only has to be begun."""


def _knock(address: str | None) -> None:
    """See that somebody listens there: Ray itself tries for a long time, and may end this process.

    Raises:
        OSError: nobody does.
        ValueError: it is no address.
    """
    if address is None or address in ("auto", "local"):
        return
    place = urlsplit(address if "://" in address else f"//{address}")
    if place.hostname is None or place.port is None:
        raise ValueError("give HOST:PORT, ray://HOST:PORT or auto")
    socket.create_connection((place.hostname, place.port), timeout=_KNOCK_SECONDS).close()
