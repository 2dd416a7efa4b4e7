"""The arithmetic of `accounting.py` against what torch counts and keeps on small models."""

import json

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from tests.training.rig import Rig
from tests.training.tiny_model import make_pairs
from videopasta_assets.training.accounting import (
    Work,
    activation_bytes,
    backward_flops,
    epoch_flops,
    forward_flops,
    main,
    step_flops,
    step_memory,
    vision_flops,
)
from videopasta_assets.training.rows import response_logps
from videopasta_assets.training.shapes import SHAPES, ClipShape, ModelShape, RowShape, packed_row, plain_row
from videopasta_assets.video.reader import get_reader


@pytest.fixture(scope="module")
def reader(video_dir):
    return get_reader("auto", [video_dir])


@pytest.fixture(scope="module")
def pairs(video_dir):
    return make_pairs(video_dir / "account", videos=1, per_video=6)


def rows_by_hand(encoded, layout: str) -> list[RowShape]:
    """The rows of all pairs in one forward pass, as their lengths say; plain rows are padded to the longest."""
    if layout == "packed":
        shared = int(encoded[0].prompt_types.nonzero()[-1]) + 1
        questions: dict = {}
        for pair in encoded:
            responses = questions.setdefault(tuple(pair.prompt_ids.tolist()), {})
            responses |= {tuple(ids.tolist()): len(ids) for ids in (pair.chosen_ids, pair.rejected_ids)}
        return [packed_row(shared, [(len(ids) - shared, list(found.values())) for ids, found in questions.items()])]
    rows = [
        (len(pair.prompt_ids), len(response)) for pair in encoded for response in (pair.chosen_ids, pair.rejected_ids)
    ]
    longest = max(map(sum, rows))
    return [RowShape(longest, longest**2, 0, longest**2, 0, response) for _, response in rows]


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("layout", ["plain", "packed"])
def test_a_step_takes_the_arithmetic_that_is_accounted(
    layout, checkpointing, tiny_dir, pairs, reader, tmp_path
) -> None:
    rig = Rig(tiny_dir, pairs, reader, tmp_path, layout, gradient_checkpointing=checkpointing)
    if checkpointing:
        rig.model.gradient_checkpointing_enable()
    shape = ModelShape.of(rig.loaded.model.config)
    rows = rows_by_hand(rig.trainer._pairs, layout)
    rank = rig.config.lora_r
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counted:
        rig.loss()
    expected = sum(
        forward_flops(shape, row, rank) + backward_flops(shape, row, rank, recomputed=checkpointing, attention=2.0)
        for row in rows
    )
    assert counted.get_total_flops() == pytest.approx(expected, rel=0.02)


def test_the_vision_tower_takes_the_arithmetic_that_is_accounted(tiny_dir, pairs, reader, tmp_path) -> None:
    rig = Rig(tiny_dir, pairs[:1], reader, tmp_path)
    clip, model = pairs[0].clip, rig.loaded.model
    shape = ModelShape.of(model.config)
    prefix = rig.encoder.prefix(clip)
    time, height, width = prefix.vision["video_grid_thw"][0].tolist()
    patch = shape.vision.patch
    asked = ClipShape(time * shape.vision.stack, height * patch, width * patch)
    assert asked.grid(shape.vision) == (time, height, width)
    assert asked.tokens(shape.vision) == int((rig.trainer._pairs[0].prompt_types != 0).sum())
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counted:
        model.get_video_features(prefix.vision["pixel_values_videos"], prefix.vision["video_grid_thw"])
    assert counted.get_total_flops() == pytest.approx(vision_flops(shape, asked), rel=0.02)


@pytest.mark.parametrize("half", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("layout", ["plain", "packed"])
def test_a_forward_pass_keeps_the_bytes_that_are_accounted(layout, half, tiny_dir, pairs, reader, tmp_path) -> None:
    rig = Rig(tiny_dir, pairs, reader, tmp_path, layout)
    model = rig.model.to(torch.float32)
    if half:
        rig.loaded.model.to(torch.bfloat16)
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.data = parameter.data.float()
    model.train()
    given = rig.trainer._make_rows(rig.trainer._pairs)
    vision = rig.trainer._features.model_inputs(given.clips, torch.device("cpu"))
    kept: dict[int, torch.Tensor] = {}
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    vocabulary = rig.loaded.model.config.text_config.vocab_size

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        address = tensor.untyped_storage().data_ptr()
        is_weight = address in weights or tensor.numel() <= rig.config.lora_r * 48  # and copies of adapters
        if not is_weight and tensor.shape[-1] != vocabulary:
            kept[address] = tensor
        return tensor

    autocast = torch.autocast("cpu", torch.bfloat16, enabled=half)
    with autocast, torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        response_logps(model, given, vision, torch.device("cpu"))
    measured = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    shape = ModelShape.of(rig.loaded.model.config)
    rank = rig.config.lora_r
    expected = sum(activation_bytes(shape, row, rank, half=half) for row in rows_by_hand(rig.trainer._pairs, layout))
    assert measured == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_shapes_have_the_published_number_of_parameters(name: str) -> None:
    published = {"3b": 3_754_622_976, "7b": 8_292_166_656}  # of the checkpoints on the hub
    assert SHAPES[name].parameters == pytest.approx(published[name], rel=1e-3)


def test_the_shape_of_a_loaded_model_is_its_own(tiny_dir, pairs, reader, tmp_path) -> None:
    model = Rig(tiny_dir, pairs[:1], reader, tmp_path).loaded.model
    assert ModelShape.of(model.config).parameters == sum(
        parameter.numel() for name, parameter in model.named_parameters() if "lora_" not in name
    )


def test_packing_never_costs_more_and_saves_more_the_more_pairs_share_a_video() -> None:
    model, clip = SHAPES["7b"], ClipShape(32, 252, 448)
    ratios = []
    for count in (1, 3, 10, 30):
        work = Work(clip, (3,) * (count // 3) or (1,))
        stock, packed = (step_flops(layout, model, work) for layout in ("stock", "packed"))
        ratios.append(stock / packed)
    assert ratios == sorted(ratios)
    assert ratios[0] > 2
    assert ratios[-1] > 25


def test_memory_without_activations_kept_is_weights_and_little_else() -> None:
    work = Work(ClipShape(32, 252, 448), (1, 1, 1))
    kept, again = (step_memory("packed", SHAPES["7b"], work, recomputed=flag) for flag in (False, True))
    assert kept.weights == again.weights == 2 * SHAPES["7b"].parameters
    assert again.activations < kept.activations / 10
    assert plain_row(100, 10).tokens == 110


def test_an_epoch_is_the_sum_of_its_videos() -> None:
    model, clip = SHAPES["3b"], ClipShape(8, 112, 112)
    one, two = (step_flops("packed", model, Work(clip, (1,) * count)) for count in (1, 2))
    assert epoch_flops("packed", model, Work(clip, ()), pairs=5, videos=3) == one + 2 * two


def test_the_command_prints_an_account_and_refuses_nonsense(capsys) -> None:
    assert main(["--model", "3b", "--frames", "8"]) == 0
    record = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert record["name"] == "accounted_epoch_minutes"
    assert record["figure"] > 0
    with pytest.raises(SystemExit):
        main(["--mfu", "2"])
    assert "--mfu" in capsys.readouterr().err
