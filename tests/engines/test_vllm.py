"""A real vLLM, where `make vllm-env` put one: the contract, and parity with transformers on the embedded model.

vLLM takes minutes to start on a CPU, so these tests are slow; each skips with its reason where vLLM is not installed.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.engines.contract import EngineContract, answers, ask
from tests.engines.tiny_model import save_tiny_adapter
from tests.fakes.tiny_videos import write_video
from videopasta_assets.config.embedded import MODEL_DIR
from videopasta_assets.config.serving import ServerSettings, VllmSettings
from videopasta_assets.engines import Decoding, Engine, Request
from videopasta_assets.engines.chat import chat_body
from videopasta_assets.engines.frame_payload import frame_payload
from videopasta_assets.engines.inputs import PromptEncoder
from videopasta_assets.engines.loading import load_processor
from videopasta_assets.engines.transformers_engine import TransformersEngine
from videopasta_assets.engines.vllm_environment import find_environment
from videopasta_assets.engines.vllm_server import VllmServerEngine
from videopasta_assets.errors import UserError
from videopasta_assets.prompts import Prompt, PromptLibrary
from videopasta_assets.recipes import parse_verdict, verdict_schema
from videopasta_assets.taxonomy import MODES
from videopasta_assets.video.clip import Clip, load_frames
from videopasta_assets.video.plan import SamplingSpec, plan_frames
from videopasta_assets.video.probe import probe
from videopasta_assets.video.reader import FrameReader, get_reader


def vllm_missing() -> str:
    try:
        find_environment(VllmSettings())
    except UserError as error:
        return str(error)
    return ""


MISSING = vllm_missing()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(bool(MISSING), reason=MISSING or "vLLM is here"),
]
EXACT = ServerSettings(frame_format="png", structured_output=False, timeout_seconds=600)
ON_REQUEST = Decoding(max_new_tokens=24)


class TestVllmServerEngine(EngineContract):
    """The contract, of a server that the engine starts and stops."""

    @pytest.fixture(scope="class")
    def engine(self, model_folder: Path, reader: FrameReader) -> Iterator[Engine]:
        built = VllmServerEngine(model_folder, None, reader, server=EXACT, vllm=VllmSettings(idle_seconds=5))
        yield built
        built.close()
        assert not built._process._is_supervised()


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


def film(folder: Path, seed: int, spec: SamplingSpec) -> Clip:
    path = write_video(folder / f"{seed}.mp4", seed, frames=48)
    info = probe(path, (folder,))
    return Clip(info.video_id, path, plan_frames(info, spec, "dense"))


@pytest.fixture(scope="module")
def moments(films: Path) -> list[Clip]:
    """A second of each film: the clips' last moment is no further away than their width."""
    return [film(films, seed, SamplingSpec("window", 8)) for seed in range(3)]


@pytest.fixture(scope="module")
def wholes(films: Path) -> list[Clip]:
    """Frames of six seconds: their last moment is further away than their width."""
    return [film(films, seed, SamplingSpec("count", frames)) for seed, frames in ((0, 4), (1, 8), (2, 16))]


def pipeline_requests(clips: list[Clip]) -> list[Request]:
    """What the pipeline asks: queries, answers and adversaries about clips, and a verdict without one."""
    library, requests = PromptLibrary("compact"), list[Request]()
    for i, clip in enumerate(clips):
        for mode in MODES:
            query = library.render(f"query/{mode}", mode=mode, category="x", duration=clip.plan.duration, count=1)
            answer = library.render(
                f"aligned/{mode}", mode=mode, category="x", query="what happens first?", duration=clip.plan.duration
            )
            requests += [
                Request(f"q {mode} {i}", query, clip, ON_REQUEST),
                Request(f"a {mode} {i}", answer, clip, ON_REQUEST),
            ]
    return [*requests, replace(verdict_request(), json_schema=None)]


def verdict_request() -> Request:
    texts = {"query": "how many circles are there?", "aligned": "there are two.", "adversary": "there are three."}
    prompt = PromptLibrary("compact").render("verify", mode="spatial", **texts)
    return Request("verdict", prompt, None, Decoding(max_new_tokens=64), json_schema=verdict_schema("compact"))


@pytest.fixture(scope="module")
def film_reader(films: Path) -> FrameReader:
    return get_reader("auto", (films,))


@pytest.fixture(scope="module")
def served(film_reader: FrameReader) -> Iterator[VllmServerEngine]:
    settings = EXACT.model_copy(update={"structured_output": True})
    engine = VllmServerEngine(MODEL_DIR, None, film_reader, server=settings, vllm=VllmSettings(idle_seconds=5))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def here(film_reader: FrameReader) -> Engine:
    return TransformersEngine(MODEL_DIR, None, film_reader, device="cpu")


def test_both_give_the_same_greedy_answers(served: VllmServerEngine, here: Engine, moments: list[Clip]) -> None:
    requests = pipeline_requests(moments)
    expected, found = answers(here, requests), answers(served, requests)
    for request in requests:
        mine, theirs = expected[request.request_id], found[request.request_id]
        assert (theirs.error, mine.error) == (None, None)
        assert theirs.prompt_tokens == mine.prompt_tokens
        assert (theirs.text, theirs.finish_reason) == (mine.text, mine.finish_reason), request.request_id
    assert served.traffic.cached_tokens > 0


def test_a_schema_is_kept_whatever_the_model_would_have_said(served: VllmServerEngine, here: Engine) -> None:
    schema = verdict_schema("compact")
    # Short enough that the flags follow before the reply may take no more tokens.
    schema["properties"]["reason"]["maxLength"] = 40
    unbound = replace(verdict_request(), prompt=Prompt("write a poem.", "", "test", "0"), json_schema=schema)
    assert parse_verdict(answers(here, [unbound])["verdict"].text) is None
    assert parse_verdict(answers(served, [unbound])["verdict"].text) is not None


def test_text_after_a_long_video_stands_where_the_weights_were_trained_to_find_it(
    served: VllmServerEngine, here: Engine, wholes: list[Clip]
) -> None:
    """transformers alone would let the text begin behind the video's width, vLLM (and Qwen's training) lets it begin
    behind its last moment. Counted alike, the answers are the same."""
    requests = pipeline_requests(wholes)
    found = answers(served, requests)
    mine = answers(here, requests)
    assert {key: reply.text for key, reply in mine.items()} == {key: reply.text for key, reply in found.items()}
    assert [reply.prompt_tokens for reply in mine.values()] == [found[key].prompt_tokens for key in mine]


def test_both_see_the_same_token_ids(served: VllmServerEngine, film_reader: FrameReader, wholes: list[Clip]) -> None:
    encoder = PromptEncoder(load_processor(MODEL_DIR))
    list(served.generate([verdict_request()]))
    base_url, key = served._process.ensure()
    for request in pipeline_requests(wholes):
        body = {**posted(request, film_reader, served._name), "return_token_ids": True}
        answer = httpx2.post(
            f"{base_url}/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}, timeout=300
        )
        text = encoder.text(request.prompt, video=request.clip is not None)
        ids = encoder.suffix(text.after).tolist()
        if request.clip is not None:
            frames = load_frames(request.clip, film_reader)
            ids = encoder.prefix(text.before, frames, request.clip.plan).ids.tolist() + ids
        assert answer.json()["prompt_token_ids"] == ids, request.request_id


def test_the_server_reads_our_frames_and_times(film_reader: FrameReader, wholes: list[Clip]) -> None:
    environment = find_environment(VllmSettings())
    for clip in wholes:
        body = posted(ask("a", "what?", clip), film_reader, "any")
        done = subprocess.run(
            [environment.python, "-P", Path(__file__).with_name("vllm_frames.py")],
            input=json.dumps(body).encode(),
            env={**os.environ, **environment.variables(offline=True)},
            capture_output=True,
            check=True,
            timeout=600,
        )
        read: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        frames = load_frames(clip, film_reader)
        assert read["frames"] == [hashlib.sha256(frame.tobytes()).hexdigest() for frame in frames]
        times = [index / read["metadata"]["fps"] for index in read["metadata"]["frames_indices"]]
        assert times == pytest.approx(clip.plan.timestamps, abs=1e-6)


def posted(request: Request, reader: FrameReader, name: str) -> dict[str, Any]:
    clip, payload = request.clip, None
    if clip is not None:
        payload = frame_payload(load_frames(clip, reader), clip.plan, "video", "png")
    return chat_body(request, name, payload, structured=False)


def test_an_adapter_of_the_embedded_model_changes_the_served_answers(
    served: VllmServerEngine, here: Engine, moments: list[Clip], tmp_path: Path
) -> None:
    folder = save_tiny_adapter(MODEL_DIR, tmp_path / "tuned")
    requests = [replace(request, adapter=str(folder)) for request in pipeline_requests(moments[:1])]
    expected, found = answers(here, requests), answers(served, requests)
    assert {key: reply.text for key, reply in found.items()} == {key: reply.text for key, reply in expected.items()}


def test_in_its_own_environment_the_engine_keeps_the_contract_in_process() -> None:
    environment = find_environment(VllmSettings())
    done = subprocess.run(
        [environment.python, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "tests/engines/vllm_in_process.py"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **environment.variables(offline=True)},
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_where_it_is_not_installed_the_engine_names_the_one_that_works(reader: FrameReader) -> None:
    from videopasta_assets.engines.factory import build_engine

    with pytest.raises(UserError, match=r"vLLM cannot be imported here .*Use engine vllm-server"):
        build_engine("vllm", MODEL_DIR, reader=reader, vllm=VllmSettings())
