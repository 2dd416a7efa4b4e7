"""An adapter merged into its base: the model that an iterative recipe goes on from."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from videopasta_assets.engines.adapter_fit import check_adapter_fits
from videopasta_assets.engines.loading import load_model
from videopasta_assets.torchvision_ops import prepare_torchvision


def merge_adapter(model: str | Path, revision: str | None, adapter: Path, target: Path) -> Path:
    """Write the merged model with its processor to `target`; what is there already is left as it is.

    The next round's LoRA starts at zero on these weights, so that with its adapter off the model is exactly the one
    that the round started from: its reference.

    Args:
        model: folder of the base, or its name on the hub.
        revision: branch, tag or commit on the hub.
        adapter: folder of the LoRA adapter.
        target: folder to write; it appears complete or not at all.

    Raises:
        UserError: there is no such model, or the adapter is of another one.
    """
    if target.exists():
        return target
    prepare_torchvision()
    from peft import PeftModel

    base = load_model(model, revision, "cpu", "auto")
    check_adapter_fits(base.model, adapter)
    merged: Any = PeftModel.from_pretrained(base.model, str(adapter)).merge_and_unload()
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".merging-", dir=target.parent))
    try:
        source = Path(model)
        if source.is_dir():  # a processor's own files, whatever they are: weights alone are written anew
            for file in source.iterdir():
                if file.is_file() and not file.name.endswith((".safetensors", ".safetensors.index.json", ".md")):
                    shutil.copyfile(file, partial / file.name)
        else:
            base.processor.save_pretrained(partial)
        merged.save_pretrained(partial, safe_serialization=True)
        partial.chmod(0o755)  # it was made for its owner alone
        try:
            partial.rename(target)
        except OSError:  # another process was quicker: what it wrote is the same
            if not target.exists():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target
