import torch

from videopasta_assets.embedded.optimizer import Optimizer


class Layered(torch.nn.Module):
    """One matrix inside a layer, and an embedding and a norm outside."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(7, 6)
        self.layers = torch.nn.ModuleList([torch.nn.Linear(6, 4)])
        self.norm = torch.nn.LayerNorm(4)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        mixed: torch.Tensor = self.norm(self.layers[0](self.embed(tokens)))
        return mixed


def _learn(model: Layered, optimizer: Optimizer, steps: int) -> None:
    tokens = torch.arange(7)
    for _ in range(steps):
        (model(tokens) - torch.linspace(-1, 1, 4)).square().sum().backward()
        optimizer.step(1e-2)


def test_a_matrix_moves_alike_in_every_direction() -> None:
    torch.manual_seed(0)
    model = Layered()
    before = model.layers[0].weight.detach().clone()
    optimizer = Optimizer(model)
    _learn(model, optimizer, 1)
    moved = torch.linalg.svdvals(model.layers[0].weight.detach() - before * (1 - 1e-2 * 0.03))
    # Rank 3 of 4: the norm after the layer makes the gradient of its output sum to nothing.
    assert moved[2] / moved[0] > 0.5
    assert model.layers[0].weight.grad is None


def test_a_saved_optimizer_goes_on_as_if_never_stopped() -> None:
    torch.manual_seed(0)
    whole, stopped = Layered(), Layered()
    stopped.load_state_dict(whole.state_dict())
    optimizer = Optimizer(whole)
    _learn(whole, optimizer, 6)
    first = Optimizer(stopped)
    _learn(stopped, first, 3)
    second = Optimizer(stopped)
    second.load_state_dict(first.state_dict())
    _learn(stopped, second, 3)
    for one, other in zip(whole.parameters(), stopped.parameters(), strict=True):
        assert torch.equal(one, other)
