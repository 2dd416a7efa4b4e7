"""Engines by name, as the configuration gives them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from videopasta_assets.config.serving import ServerSettings
from videopasta_assets.engines.protocol import Engine
from videopasta_assets.errors import UserError
from videopasta_assets.video.reader import FrameReader

_FAIL_OVER_SECONDS: Final = 15.0


def build_engine(
    kind: str, model: str | Path, revision: str | None = None, *, reader: FrameReader, **options: Any
) -> Engine:
    """The engine called `kind`, with `model` loaded.

    Args:
        kind: `transformers`, `vllm-server`, `openai` or `vllm`.
        model: a folder or a name on the hub.
        revision: branch, tag or commit on the hub.
        reader: decodes the frames of clips.
        options: keyword arguments of that engine's class.

    Raises:
        UserError: no such engine, or the engine's own reasons.
    """
    if kind not in ENGINES:
        raise UserError(f"there is no engine {kind!r}", fix=f"Use one of: {', '.join(ENGINES)}.")
    return ENGINES[kind](model, revision, reader, **options)


def _transformers(model: str | Path, revision: str | None, reader: FrameReader, **options: Any) -> Engine:
    # Imported on use: torch and transformers take seconds, and not every command needs an engine.
    from videopasta_assets.engines.transformers_engine import TransformersEngine

    return TransformersEngine(model, revision, reader, **options)


def _openai(model: str | Path, revision: str | None, reader: FrameReader, **options: Any) -> Engine:
    from videopasta_assets.engines.openai_engine import OpenAIEngine
    from videopasta_assets.engines.replicas import ReplicatedEngine

    server: ServerSettings = options.pop("server")
    if not server.replicas:
        return OpenAIEngine(model, revision, reader, server=server, **options)
    # Who has others beside it gives up soon: its videos go to them, and all together are as patient as one.
    soon = min(server.patience_seconds, _FAIL_OVER_SECONDS)
    engines = {
        url: OpenAIEngine(
            model,
            revision,
            reader,
            server=server.model_copy(update={"base_url": url, "replicas": (), "patience_seconds": soon}),
            **options,
        )
        for url in (server.base_url, *server.replicas)
    }
    return ReplicatedEngine(engines, patience_seconds=server.patience_seconds)


def _vllm_server(model: str | Path, revision: str | None, reader: FrameReader, **options: Any) -> Engine:
    from videopasta_assets.engines.vllm_server import VllmServerEngine

    return VllmServerEngine(model, revision, reader, **options)


def _vllm(model: str | Path, revision: str | None, reader: FrameReader, **options: Any) -> Engine:
    from videopasta_assets.engines.vllm_engine import VllmEngine

    return VllmEngine(model, revision, reader, **options)


ENGINES: Final[dict[str, Callable[..., Engine]]] = {
    "transformers": _transformers,
    "vllm-server": _vllm_server,
    "openai": _openai,
    "vllm": _vllm,
}
"""Builders by name."""
