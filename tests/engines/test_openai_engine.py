"""The OpenAI engine against a real HTTP server with a real model behind it: the contract, and the same answers."""

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.engines.contract import SAMPLED, TEXTS, EngineContract, answers, ask, ask_about, texts
from tests.fakes.model_server import MODEL, ModelServer
from videopasta_assets.config.serving import ServerSettings
from videopasta_assets.engines import Engine, EngineError
from videopasta_assets.engines.factory import build_engine
from videopasta_assets.engines.openai_engine import OpenAIEngine
from videopasta_assets.errors import UserError
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.reader import FrameReader

SAME = ("text", "finish_reason", "prompt_tokens", "completion_tokens", "error")


@pytest.fixture(scope="module")
def server(model_folder: Path) -> Iterator[ModelServer]:
    with ModelServer(model_folder) as running:
        yield running


def settings(server: ModelServer, **changes: object) -> ServerSettings:
    exact = {"base_url": server.base_url, "model": MODEL, "frame_format": "png", "patience_seconds": 5.0}
    return ServerSettings.model_validate({**exact, **changes})


@pytest.fixture(scope="module")
def engine(server: ModelServer, model_folder: Path, reader: FrameReader) -> Iterator[Engine]:
    built = build_engine("openai", model_folder, reader=reader, server=settings(server, structured_output=False))
    yield built
    built.close()


class TestOpenAIEngine(EngineContract):
    """The contract, over HTTP."""


@pytest.mark.parametrize("system", ["", "be exact"])
def test_server_and_process_see_the_same_tokens_and_give_the_same_answers(
    engine: Engine, transformers_engine: Engine, clips: list[Clip], system: str
) -> None:
    for requests in (ask_about([*clips, None], system=system), ask_about([*clips, None], SAMPLED)):
        here, there = answers(transformers_engine, requests), answers(engine, requests)
        for request_id, reply in here.items():
            assert [getattr(there[request_id], name) for name in SAME] == [getattr(reply, name) for name in SAME]
    assert engine.model_id == transformers_engine.model_id


def test_what_changes_the_model_s_input_changes_the_identity(server: ModelServer) -> None:
    ids = {
        OpenAIEngine("org/vlm", revision, None, server=settings(server, model=None, **changes)).model_id  # type: ignore[arg-type]
        for revision in (None, "abc")
        for changes in ({}, {"frame_format": "jpeg"}, {"frames": "images"}, {"structured_output": False})
    }
    assert len(ids) == 8
    assert "org/vlm@abc" in ids
    assert "org/vlm@unpinned+schema" in ids


def test_images_carry_their_times_and_stand_before_the_text(
    server: ModelServer, reader: FrameReader, clips: list[Clip]
) -> None:
    engine = OpenAIEngine("org/vlm", None, reader, server=settings(server, frames="images", frame_format="jpeg"))
    server.bodies.clear()
    list(engine.generate([ask("a", TEXTS[0], clips[0], json_schema={"type": "object"})]))
    engine.close()
    content = server.bodies[0]["messages"][0]["content"]
    assert [part["type"] for part in content] == ["text", "image_url"] * 4 + ["text"]
    assert [part["text"] for part in content[:-1:2]] == [f"{time:.2f} s:" for time in clips[0].plan.timestamps]
    assert content[1]["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/")
    assert content[-1]["text"] == TEXTS[0]
    assert "media_io_kwargs" not in server.bodies[0]
    assert server.bodies[0]["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert "seed" not in server.bodies[0]


def test_internvl_is_asked_with_images_that_only_the_server_turns_into_its_tokens(
    server: ModelServer, reader: FrameReader, clips: list[Clip]
) -> None:
    """InternVL's own form: a line and an image a frame, then the question; a placeholder in a question is only text."""
    images = settings(server, frames="images", frame_format="jpeg", structured_output=True)
    engine = OpenAIEngine("OpenGVLab/InternVL3-8B", "abc", reader, server=images, max_side=32)
    server.bodies.clear()
    list(engine.generate([ask("a", "<IMG_CONTEXT></img><image> what?", clips[1], SAMPLED, seed=5)]))
    assert engine.model_id == f"{MODEL}@abc+images-jpeg+schema"
    engine.close()
    [body] = server.bodies
    *frames, question = body["messages"][0]["content"]
    assert question["text"] == "< IMG_CONTEXT>< /img>< image> what?"
    assert "video_url" not in json.dumps(body)
    assert len(frames) == 2 * len(clips[1].plan.indices)
    for part in frames[1::2]:
        image = Image.open(io.BytesIO(base64.b64decode(part["image_url"]["url"].partition(",")[2])))
        assert (image.format, max(image.size)) == ("JPEG", 32)
    assert (body["seed"], body["top_p"]) == (5, SAMPLED.top_p)


def test_an_unknown_model_is_one_sentence_with_the_names_there_are(server: ModelServer, reader: FrameReader) -> None:
    engine = OpenAIEngine("org/vlm", None, reader, server=settings(server, model="other"))
    with pytest.raises(UserError, match=f"knows no model 'other' .* Set server.model to one of: {MODEL}"):
        list(engine.generate([ask("a", TEXTS[0])]))
    engine.close()


def test_an_adapter_that_is_trained_again_is_loaded_again(
    engine: Engine, server: ModelServer, adapter_folder: Path
) -> None:
    server.adapters.clear()
    request = ask("a", TEXTS[0], adapter=str(adapter_folder))
    texts(engine, [request, replace(request, request_id="b")])
    name = next(iter(server.adapters))
    assert name.startswith(adapter_folder.name)
    assert "@" in name


def test_a_closed_engine_says_so(server: ModelServer, reader: FrameReader) -> None:
    engine = OpenAIEngine("org/vlm", None, reader, server=settings(server))
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        list(engine.generate([ask("a", TEXTS[0])]))


@pytest.mark.parametrize(
    "says",
    [
        "/models/qwen2 is not a multimodal model",
        "At most 0 video(s) may be provided in one prompt. (parameter=video)",
        "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
        "This model does not support video inputs.",
        "Invalid content type: 'video_url'",
    ],
)
def test_a_model_without_videos_stops_the_run_with_one_sentence(
    server: ModelServer, reader: FrameReader, clips: list[Clip], monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    def refuse(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return 400, {"error": {"message": says, "code": 400}}

    monkeypatch.setattr(server, "complete", refuse)
    engine = OpenAIEngine("org/vlm", None, reader, server=settings(server))
    with pytest.raises(UserError, match=r"takes no videos there .*Serve a Video-LLM .*server\.frames: images"):
        list(engine.generate([ask("a", TEXTS[0], clips[0])]))
    engine.close()


def test_a_server_that_ended_is_said_at_once_with_its_reason(
    reader: FrameReader, model_folder: Path, clips: list[Clip]
) -> None:
    with ModelServer(model_folder) as ours:
        engine = OpenAIEngine(
            "org/vlm", None, reader, server=settings(ours, patience_seconds=600), ended=lambda: "MemoryError (log: l)"
        )
        assert next(iter(engine.generate([ask("a", TEXTS[0], clips[0])]))).error is None
        ours.stop()
        with pytest.raises(EngineError, match=r"the server ended: MemoryError \(log: l\); 0 requests are answered"):
            list(engine.generate([ask("b", TEXTS[0], clips[0])]))
        engine.close()


def test_a_server_that_is_not_there_is_one_sentence(reader: FrameReader, clips: list[Clip]) -> None:
    nowhere = ServerSettings(base_url="http://127.0.0.1:9/v1")
    engine = OpenAIEngine("org/vlm", None, reader, server=nowhere)
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:9/v1: the server does not answer .*Start it"):
        list(engine.generate([ask("a", TEXTS[0], clips[0])]))
    engine.close()


def test_likelihoods_are_not_to_be_had(engine: Engine) -> None:
    [reply] = engine.generate([ask("a", TEXTS[0], candidates=("yes", "no"))])
    assert "use engine transformers" in str(reply.error)
