"""The transformers engine: the contract, and that its short cuts change nothing."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.engines.contract import GREEDY, SAMPLED, TEXTS, EngineContract, answers, ask, ask_about, texts
from tests.engines.tiny_model import save_tiny_adapter
from videopasta_assets.engines import Decoding, Engine, EngineError, FinishReason
from videopasta_assets.engines.factory import build_engine
from videopasta_assets.engines.loading import load_model
from videopasta_assets.engines.transformers_engine import TransformersEngine
from videopasta_assets.errors import UserError
from videopasta_assets.video.clip import Clip, load_frames
from videopasta_assets.video.reader import FrameReader


class TestTransformersEngine(EngineContract):
    @pytest.fixture
    def engine(self, transformers_engine: Engine) -> Engine:
        return transformers_engine


@pytest.mark.parametrize("decoding", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_sharing_the_video_gives_what_the_plain_path_gives(
    model_folder: Path, reader: FrameReader, clips: list[Clip], transformers_engine: Engine, decoding: Decoding
) -> None:
    plain = TransformersEngine(model_folder, None, reader, device="cpu", batch_size=1, share_prefix=False)
    requests = ask_about(clips, decoding, system="be exact")
    assert texts(plain, requests) == texts(transformers_engine, requests)


def test_a_greedy_reply_is_what_transformers_itself_gives(
    model_folder: Path, reader: FrameReader, clips: list[Clip], transformers_engine: Engine
) -> None:
    """The stock way: one chat, the whole processor, `generate`; no code of the engine."""
    loaded = load_model(model_folder, None, "cpu", "auto")
    plan = clips[1].plan
    chat = [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": TEXTS[1]}]}]
    inputs = loaded.processor(
        text=[loaded.processor.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)],
        videos=[list(load_frames(clips[1], reader))],
        video_metadata=[{"fps": plan.fps, "total_num_frames": plan.total_frames, "frames_indices": list(plan.indices)}],
        do_sample_frames=False,
        return_tensors="pt",
    )
    assert float(inputs["second_per_grid_ts"][0]) == pytest.approx(2 / plan.sampled_fps, rel=0.15)
    output = loaded.model.generate(**inputs, do_sample=False, max_new_tokens=GREEDY.max_new_tokens)
    expected = loaded.processor.tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    reply = answers(transformers_engine, [ask("a", TEXTS[1], clips[1])])["a"]
    assert reply.text == expected.strip()
    assert reply.prompt_tokens == inputs["input_ids"].shape[1]


def test_an_adapter_gives_what_peft_gives(
    model_folder: Path, adapter_folder: Path, reader: FrameReader, clips: list[Clip], transformers_engine: Engine
) -> None:
    from peft import PeftModel

    merged = TransformersEngine(model_folder, None, reader, device="cpu")
    merged._model = PeftModel.from_pretrained(merged._model, adapter_folder).merge_and_unload()
    default = TransformersEngine(model_folder, None, reader, device="cpu", adapter=adapter_folder)
    requests = ask_about([clips[1]])
    expected = texts(merged, requests)
    assert texts(default, requests) == expected
    assert default.model_id.startswith(f"{transformers_engine.model_id}+tuned@")
    assert texts(transformers_engine, [replace(r, adapter=str(adapter_folder)) for r in requests]) == expected


def test_an_adapter_that_is_trained_again_is_loaded_again(
    model_folder: Path, tmp_path: Path, clips: list[Clip], transformers_engine: Engine
) -> None:
    requests = [replace(request, adapter=str(tmp_path / "run")) for request in ask_about([clips[1]])]
    save_tiny_adapter(model_folder, tmp_path / "run", seed=1)
    first = texts(transformers_engine, requests)
    save_tiny_adapter(model_folder, tmp_path / "run", seed=2)
    assert texts(transformers_engine, requests) != first


def test_adapters_and_the_base_take_turns(model_folder: Path, reader: FrameReader, tmp_path: Path) -> None:
    """In any order each gives what it gave alone: none stays switched off, none is initialized anew."""
    for seed in (1, 2):
        save_tiny_adapter(model_folder, tmp_path / str(seed), seed=seed)
    engine = TransformersEngine(model_folder, None, reader, device="cpu")
    alone = {
        seed: texts(
            TransformersEngine(model_folder, None, reader, device="cpu", adapter=tmp_path / str(seed)),
            [ask("a", TEXTS[0], None)],
        )
        for seed in (1, 2)
    }
    plain = texts(engine, [ask("a", TEXTS[0], None)])
    for seed in (1, None, 2, 1, None, 1, 2):
        adapter = None if seed is None else str(tmp_path / str(seed))
        expected = plain if seed is None else alone[seed]
        assert texts(engine, [ask("a", TEXTS[0], None, adapter=adapter)]) == expected
    assert len({reply["a"] for reply in (plain, *alone.values())}) == 3


def test_a_consumer_may_stop_early(transformers_engine: Engine, clips: list[Clip]) -> None:
    replies = transformers_engine.generate(ask(str(i), TEXTS[i % 3], clips[i % 3]) for i in range(30))
    assert next(iter(replies)).error is None
    replies.close()  # type: ignore[attr-defined]
    assert texts(transformers_engine, ask_about([clips[0]]))


class CountingReader:
    """Counts reads of the reader that it wraps."""

    def __init__(self, reader: FrameReader) -> None:
        self._reader = reader
        self.reads: list[str] = []

    @property
    def name(self) -> str:
        return self._reader.name

    def read(self, path: Path, indices: Sequence[int], **options: Any) -> NDArray[np.uint8]:
        self.reads.append(path.name)
        return self._reader.read(path, indices, **options)


def test_a_clip_is_decoded_once_a_batch(model_folder: Path, reader: FrameReader, clips: list[Clip]) -> None:
    counting = CountingReader(reader)
    engine = TransformersEngine(model_folder, None, counting, device="cpu", batch_size=32)
    texts(engine, ask_about(clips))
    assert sorted(counting.reads) == ["0.mp4", "1.mp4", "2.mp4"]


class OutOfMemoryAbove:
    """A `forward` that cannot hold more than so many rows."""

    def __init__(self, forward: Any, rows: int) -> None:
        self.__wrapped__ = forward
        self._rows = rows
        self.sizes: list[int] = []

    def __call__(self, **inputs: Any) -> Any:
        self.sizes.append(len(inputs["input_ids"]))
        if self.sizes[-1] > self._rows:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.__wrapped__(**inputs)


class CountingForward:
    """A `forward` that notes how many rows and tokens it was given."""

    def __init__(self, forward: Any) -> None:
        self.__wrapped__ = forward
        self.shapes: list[tuple[int, int]] = []
        self.videos = 0

    def __call__(self, **inputs: Any) -> Any:
        self.shapes.append(tuple(inputs["input_ids"].shape))
        self.videos += len(inputs.get("video_grid_thw", ()))
        return self.__wrapped__(**inputs)


def test_a_clip_goes_through_the_model_once_for_all_batches_and_calls(
    model_folder: Path, reader: FrameReader, clips: list[Clip]
) -> None:
    counting = CountingReader(reader)
    engine = TransformersEngine(model_folder, None, counting, device="cpu", batch_size=2)
    forward = engine._model.forward = CountingForward(engine._model.forward)
    first = texts(engine, ask_about(clips))
    assert forward.videos == len(clips)
    assert texts(engine, ask_about(clips)) == first
    assert forward.videos == len(clips)
    assert sorted(counting.reads) == ["0.mp4", "1.mp4", "2.mp4"]
    cached = [reply.cached_tokens for reply in answers(engine, ask_about(clips)).values()]
    assert all(cached)
    assert engine.usage.prefixes_computed == len(clips)
    assert engine.usage.prefixes_reused == 15
    texts(engine, ask_about(clips, system="be exact"))
    assert forward.videos == 2 * len(clips)


def test_prefixes_that_do_not_fit_are_computed_again(
    model_folder: Path, reader: FrameReader, clips: list[Clip]
) -> None:
    forgetful = TransformersEngine(model_folder, None, reader, device="cpu", batch_size=4, prefix_bytes=0)
    keeping = TransformersEngine(model_folder, None, reader, device="cpu", batch_size=4)
    requests = ask_about(clips)
    assert texts(forgetful, requests) == texts(keeping, requests) == texts(forgetful, requests)
    assert forgetful.usage.prefix_hit_rate == 0


def test_rows_that_are_finished_leave_their_batch(
    model_folder: Path, reader: FrameReader, clips: list[Clip], transformers_engine: Engine
) -> None:
    """Some replies end early: the model is then asked for the others alone, and they stay as they are."""
    requests = ask_about(clips, Decoding(max_new_tokens=24))
    ids = {reply.request_id: reply for reply in transformers_engine.generate(requests)}
    assert {reply.finish_reason for reply in ids.values()} == {FinishReason.LENGTH}
    engine = TransformersEngine(model_folder, None, reader, device="cpu", batch_size=9)
    plain = TransformersEngine(model_folder, None, reader, device="cpu", batch_size=9, share_prefix=False)
    tokenizer = engine._tokenizer
    # A token that some replies hold early and others never becomes one that ends a reply.
    written = {key: tokenizer(reply.text, add_special_tokens=False)["input_ids"] for key, reply in ids.items()}
    spread = {
        token: sum(token in row[:12] for row in written.values()) for row in written.values() for token in row[:12]
    }
    end = next(token for token, rows in spread.items() if 3 <= rows <= 6)
    engine._loaded = plain._loaded = replace(plain._loaded, end_ids=(*plain._loaded.end_ids, end))
    plain._model.generation_config.eos_token_id = list(plain._loaded.end_ids)
    forward = engine._model.forward = CountingForward(engine._model.forward)
    together = answers(engine, requests)
    rows = [shape[0] for shape in forward.shapes if shape[1] == 1]
    assert min(rows) < rows[0] == 9
    assert {key: reply.text for key, reply in together.items()} == texts(plain, requests)


def test_out_of_memory_halves_the_batch_and_goes_on(
    model_folder: Path, reader: FrameReader, clips: list[Clip], caplog: pytest.LogCaptureFixture
) -> None:
    engine = TransformersEngine(model_folder, None, reader, device="cpu", batch_size=9)
    requests = ask_about(clips)
    expected = texts(engine, requests)
    small = engine._model.forward = OutOfMemoryAbove(engine._model.forward, rows=2)
    with caplog.at_level(logging.WARNING):
        assert texts(engine, requests) == expected
    assert "out of memory with 9 requests in a batch; going on with 4" in caplog.text
    small.sizes.clear()
    texts(engine, requests)
    assert max(small.sizes) <= 2


def test_out_of_memory_with_one_request_is_its_error(
    model_folder: Path, reader: FrameReader, clips: list[Clip]
) -> None:
    engine = TransformersEngine(model_folder, None, reader, device="cpu")
    engine._model.forward = OutOfMemoryAbove(engine._model.forward, rows=0)
    assert "out of memory" in str(answers(engine, [ask("a", TEXTS[0], clips[0])])["a"].error)


def test_a_closed_engine_says_so(model_folder: Path, reader: FrameReader) -> None:
    engine = build_engine("transformers", model_folder, reader=reader, device="cpu")
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        list(engine.generate([ask("a", TEXTS[0])]))


def test_mistakes_are_one_sentence(model_folder: Path, reader: FrameReader, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no engine 'llama'"):
        build_engine("llama", model_folder, reader=reader)
    with pytest.raises(UserError, match="no such model folder"):
        build_engine("transformers", tmp_path / "absent", reader=reader)
    with pytest.raises(UserError, match=r"no \*\.safetensors"):
        build_engine("transformers", tmp_path, reader=reader)
    with pytest.raises(UserError, match="'gpu' is no device"):
        build_engine("transformers", model_folder, reader=reader, device="gpu")
    with pytest.raises(UserError, match="'float31' is no dtype"):
        build_engine("transformers", model_folder, reader=reader, dtype="float31")


def test_a_model_that_reads_text_alone_judges_but_sees_no_video(
    model_folder: Path, reader: FrameReader, clips: list[Clip], tmp_path: Path
) -> None:
    """The paper's verifier is a language model: it answers prompts without a video as transformers itself does."""
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    turn = "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
    tokenizer.chat_template = f"{{% for m in messages %}}{turn}{{% endfor %}}<|im_start|>assistant\n"
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    engine = build_engine("transformers", tmp_path, reader=reader, device="cpu")
    replies = answers(engine, [ask(str(i), text, None) for i, text in enumerate(TEXTS)])
    chat = tokenizer.apply_chat_template([{"role": "user", "content": TEXTS[0]}], return_tensors="pt", return_dict=True)
    output = model.generate(**chat, do_sample=False, max_new_tokens=GREEDY.max_new_tokens)
    expected = tokenizer.decode(output[0, chat["input_ids"].shape[1] :], skip_special_tokens=True)
    assert replies["0"].text == expected.strip()
    with pytest.raises(UserError, match="reads text alone"):
        answers(engine, [ask("a", TEXTS[0], clips[0])])


def test_a_model_that_writes_no_text_is_refused(reader: FrameReader, tmp_path: Path) -> None:
    from transformers import ViTConfig, ViTModel

    ViTModel(
        ViTConfig(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, image_size=16)
    ).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="takes no videos"):
        build_engine("transformers", tmp_path, reader=reader)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_gives_the_same_greedy_replies_in_float32(
    model_folder: Path, reader: FrameReader, clips: list[Clip], transformers_engine: Engine
) -> None:
    on_gpu = TransformersEngine(model_folder, None, reader, device="cuda", dtype="float32", batch_size=8)
    assert texts(on_gpu, ask_about(clips)) == texts(transformers_engine, ask_about(clips))


OPTIONS = ("the cup", "the star falls at 3 s.", "nothing")


def test_candidates_are_as_likely_as_a_plain_forward_says(
    model_folder: Path, reader: FrameReader, clips: list[Clip], transformers_engine: Engine
) -> None:
    loaded = load_model(model_folder, None, "cpu", "auto")
    requests = [replace(request, candidates=OPTIONS) for request in ask_about(clips)]
    for reply in transformers_engine.generate(requests):
        request = next(r for r in requests if r.request_id == reply.request_id)
        assert request.clip is not None
        plan = request.clip.plan
        chat = [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": request.prompt.text}]}]
        asked = loaded.processor.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        for option, log_prob in zip(OPTIONS, reply.log_probs, strict=True):
            tokenizer = loaded.processor.tokenizer
            scored = len(tokenizer(option + tokenizer.eos_token, add_special_tokens=False)["input_ids"])
            inputs = loaded.processor(
                text=[asked + option + tokenizer.eos_token],
                videos=[list(load_frames(request.clip, reader))],
                video_metadata=[
                    {"fps": plan.fps, "total_num_frames": plan.total_frames, "frames_indices": list(plan.indices)}
                ],
                do_sample_frames=False,
                return_tensors="pt",
            )
            logits = loaded.model(**inputs).logits[0, :-1].float().log_softmax(-1)
            expected = logits.gather(-1, inputs["input_ids"][0, 1:, None])[-scored:].sum()
            assert log_prob == pytest.approx(float(expected), abs=2e-3)
        assert reply.text == OPTIONS[reply.log_probs.index(max(reply.log_probs))]


def test_candidates_and_free_replies_do_not_mix(clips: list[Clip], transformers_engine: Engine) -> None:
    requests = [
        *ask_about(clips[:1]),
        *(replace(r, request_id=f"c{r.request_id}", candidates=OPTIONS) for r in ask_about(clips[:1])),
    ]
    found = answers(transformers_engine, requests)
    assert all(bool(reply.log_probs) == name.startswith("c") for name, reply in found.items())
