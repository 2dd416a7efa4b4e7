"""DPO written out by hand: one stock forward pass a response, pixels and all, then Eq. 2 and 3 in float64."""

import torch

from videopasta_assets.engines.inputs import video_metadata
from videopasta_assets.training.pairs import TrainingPair
from videopasta_assets.video.clip import load_frames
from videopasta_assets.video.reader import FrameReader


def stock_inputs(processor, pair: TrainingPair, response: str, reader: FrameReader) -> tuple[dict, int]:
    """What the whole processor makes of prompt and response, and how many tokens the prompt has."""
    messages = [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": pair.prompt.text}]}]
    if pair.prompt.system:
        messages.insert(0, {"role": "system", "content": [{"type": "text", "text": pair.prompt.system}]})
    prompt = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    frames = torch.from_numpy(load_frames(pair.clip, reader)).permute(0, 3, 1, 2)
    video = {"videos": [frames], "video_metadata": [video_metadata(pair.clip.plan)], "do_sample_frames": False}
    whole = processor(text=[prompt + response + "<|im_end|>"], return_tensors="pt", **video)
    return dict(whole), processor(text=[prompt], return_tensors="pt", **video)["input_ids"].shape[1]


def response_logp(model, processor, pair: TrainingPair, response: str, reader: FrameReader) -> torch.Tensor:
    inputs, start = stock_inputs(processor, pair, response, reader)
    logps = model(**inputs).logits[0].log_softmax(-1)
    ids = inputs["input_ids"][0]
    return sum(logps[position - 1, ids[position]] for position in range(start, len(ids)))


def dpo_loss(model, processor, pairs, lambdas: dict, beta: float, reader: FrameReader) -> torch.Tensor:
    """Eq. 3 over the number of modes, with subset means taken literally."""
    by_mode: dict = {}
    for pair in pairs:
        chosen, rejected = (
            response_logp(model, processor, pair, text, reader) for text in (pair.chosen, pair.rejected)
        )
        with torch.no_grad(), model.disable_adapter():
            chosen0, rejected0 = (
                response_logp(model, processor, pair, text, reader) for text in (pair.chosen, pair.rejected)
            )
        margin = beta * ((chosen - chosen0) - (rejected - rejected0))
        by_mode.setdefault(pair.mode, []).append(-torch.log(1 / (1 + torch.exp(-margin))))
    return sum(lambdas[mode] * sum(losses) / len(losses) for mode, losses in by_mode.items()) / len(by_mode)
