"""What changes the weights: Muon on the blocks' matrices, AdamW on the rest, and the learning rate.

Learning rates are tensors, so that a step can be captured in a CUDA graph and still follow the
schedule.
"""

from itertools import groupby

import torch

from science_exam.pretraining.config import PretrainConfig
from science_exam.pretraining.reader import Reader

BETAS = (0.9, 0.95)
MOMENTUM = 0.95
# Coefficients of the quintic whose iteration drives all singular values towards 1 (Jordan et al. 2024).
QUINTIC = (3.4445, -4.775, 2.0315)
ITERATIONS = 5
AS_LARGE_AS_ADAM = 0.2  # the root mean square of AdamW's usual steps (Liu et al. 2025)


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal: every direction of a matrix is stepped alike (Jordan et al. 2024).

    Matrices of one shape go through the iteration as one batch: a model of many small matrices would
    wait for hundreds of small kernels otherwise, as with the library's own Muon.
    """

    def __init__(self, matrices: list[torch.Tensor], rate: torch.Tensor, weight_decay: float) -> None:
        """
        Args:
            matrices: the weights, each of two dimensions.
            rate: (), the learning rate; read at every step.
            weight_decay: pull towards 0, times the learning rate.
        """
        by_shape = groupby(sorted(matrices, key=_shape), key=_shape)
        groups = [{"params": list(alike)} for _, alike in by_shape]
        super().__init__(groups, {"lr": rate, "weight_decay": weight_decay})
        for group in self.param_groups:
            self.state[group["params"][0]]["momentum"] = torch.stack(group["params"]).detach().zero_()

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            weights, rate = group["params"], group["lr"]
            momentum = self.state[weights[0]]["momentum"]  # (matrices, rows, columns)
            gradients = torch.stack([weight.grad for weight in weights])
            momentum.lerp_(gradients, 1 - MOMENTUM)
            steps = orthogonalize(gradients.lerp_(momentum, MOMENTUM))  # Nesterov's momentum
            steps *= -rate * AS_LARGE_AS_ADAM * max(momentum.shape[1:]) ** 0.5
            torch._foreach_mul_(weights, 1 - rate * group["weight_decay"])
            torch._foreach_add_(weights, steps.unbind())


def orthogonalize(matrices: torch.Tensor) -> torch.Tensor:
    """The nearest matrices with orthonormal rows or columns, roughly: singular values of 0.7 to 1.2.

    Args:
        matrices: (matrices, rows, columns); taken in bf16, which is enough.
    """
    wide = matrices.mT if matrices.shape[1] > matrices.shape[2] else matrices
    found = wide.bfloat16()
    found = found / (found.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = QUINTIC
    for _ in range(ITERATIONS):
        gram = found @ found.mT  # (matrices, rows, rows)
        found = torch.baddbmm(found, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), found, beta=a)
    found = found.to(matrices.dtype)
    return found.mT if wide is not matrices else found


def build_optimizers(
    reader: Reader, rate: torch.Tensor, config: PretrainConfig
) -> list[torch.optim.Optimizer]:
    """Muon for matrices of the blocks; AdamW for embeddings, norms and the option head."""
    matrices = [weight for weight in reader.llama.model.layers.parameters() if weight.ndim == 2]
    in_blocks = set(map(id, matrices))
    rest = [weight for weight in reader.parameters() if id(weight) not in in_blocks]
    groups = [
        {"params": [weight for weight in rest if weight.ndim == 2], "weight_decay": config.weight_decay},
        {"params": [weight for weight in rest if weight.ndim == 1], "weight_decay": 0.0},
    ]
    on_gpu = rate.is_cuda
    adam = torch.optim.AdamW(
        groups, lr=rate, betas=BETAS, fused=on_gpu, capturable=on_gpu, foreach=None if on_gpu else False
    )
    return [Muon(matrices, rate, config.weight_decay), adam]


def rate_at(step: int, config: PretrainConfig) -> float:
    """The learning rate of a step, counted from 0: a line up, a plateau, and a line down to 0.

    The plateau lets a training be prolonged without knowing its end (warmup-stable-decay, Hu et al.
    2024).
    """
    up = (step + 1) / max(1, config.warmup_steps)
    down = (config.steps - step) / max(1.0, config.decay_fraction * config.steps)
    return config.learning_rate * min(1.0, up, down)


def _shape(weight: torch.Tensor) -> tuple[int, ...]:
    return tuple(weight.shape)
