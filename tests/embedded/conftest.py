import pytest
import torch
from transformers import PreTrainedTokenizerFast

from videopasta_assets.embedded.architecture import EmbeddedModel, build_model
from videopasta_assets.embedded.corpus import pack_at
from videopasta_assets.embedded.packing import Pack
from videopasta_assets.embedded.tokenizer import train_tokenizer


@pytest.fixture(scope="session")
def packs() -> list[Pack]:
    return [pack_at(3, index, 1.0) for index in range(40)]


@pytest.fixture(scope="session")
def tokenizer(packs: list[Pack]) -> PreTrainedTokenizerFast:
    return train_tokenizer((f"{e.prompt}\n{e.reply}" for pack in packs for e in pack.exchanges), 700)


@pytest.fixture(scope="session")
def model(tokenizer: PreTrainedTokenizerFast) -> EmbeddedModel:
    torch.manual_seed(0)
    return build_model(tokenizer).eval()
