"""Engines: one protocol, one file each."""

from videopasta_assets.engines.protocol import Decoding, Engine, EngineError, FinishReason, Reply, Request

__all__ = ["Decoding", "Engine", "EngineError", "FinishReason", "Reply", "Request"]
