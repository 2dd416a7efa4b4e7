"""The TRL and transformers classes that this package builds on, imported in the one order that works.

Both import torchvision on the way, which needs `prepare_torchvision` first.
"""

from videopasta_assets.torchvision_ops import prepare_torchvision

prepare_torchvision()

from peft import (  # noqa: E402
    LoraConfig,
    get_peft_model,
    get_peft_model_state_dict,
    set_peft_model_state_dict,
)
from transformers import PrinterCallback, TrainerCallback  # noqa: E402
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS  # noqa: E402
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS  # noqa: E402
from trl import DPOConfig, DPOTrainer  # noqa: E402

__all__ = [
    "ALL_ATTENTION_FUNCTIONS",
    "ALL_MASK_ATTENTION_FUNCTIONS",
    "DPOConfig",
    "DPOTrainer",
    "LoraConfig",
    "PrinterCallback",
    "TrainerCallback",
    "get_peft_model",
    "get_peft_model_state_dict",
    "set_peft_model_state_dict",
]
