from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from videopasta_assets.embedded import MODEL_DIR
from videopasta_assets.embedded.tokenizer import SPECIAL_TOKENS, load_tokenizer

_loaded = load_tokenizer(MODEL_DIR)


@given(st.text(max_size=80).filter(lambda text: not any(token in text for token in SPECIAL_TOKENS)))
def test_any_text_comes_back(text: str) -> None:
    assert _loaded.decode(_loaded(text)["input_ids"]) == text


def test_words_of_the_world_are_single_tokens() -> None:
    for word in ("purple", "triangle", "flashes", "desert", "12", "left", "foreground"):
        assert len(_loaded.tokenize(f" {word}")) == 1


def test_a_saved_tokenizer_is_the_same(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    text = "Is the red circle hidden? Ünknown."
    assert again(text)["input_ids"] == tokenizer(text)["input_ids"]


def test_the_chat_template_puts_the_video_before_the_text() -> None:
    message = {"role": "user", "content": [{"type": "video"}, {"type": "text", "text": "Where?"}]}
    text = _loaded.apply_chat_template([message], tokenize=False, add_generation_prompt=True)
    assert text == (
        "<|im_start|>user\n<|vision_start|><|video_pad|><|vision_end|>Where?<|im_end|>\n<|im_start|>assistant\n"
    )
