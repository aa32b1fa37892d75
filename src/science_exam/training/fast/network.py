"""A Llama whose adapters learn: loss of a pack, and the adapters' gradients."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from science_exam.training.fast.adapters import Adapters
from science_exam.training.fast.block import Activations, Setting
from science_exam.training.fast.llama import Llama, list_all_groups
from science_exam.training.fast.packing import NO_TARGET, TARGET_STEP, Longest, Pack, Shape
from science_exam.training.fast.plan import Plan, Sizes
from science_exam.training.fast.pointwise import add_normalize, differentiate_norm
from science_exam.training.fast.projection import Projection

TARGETS_AT_ONCE = 256  # rows of logits: 128,256 wide in fp32 they take half a megabyte each


class Network(Llama):
    """What trains: a Llama with its adapters as one vector."""

    make_projection = Projection

    def __init__(self, model: nn.Module, dtype: torch.dtype, classes: Sequence[int] | None = None) -> None:
        """Arguments as of `Llama`; the adapters of PEFT's model follow the training."""
        groups = list_all_groups(model)
        self.adapters = Adapters(groups, dtype)
        super().__init__(model, self.adapters.stacks, dtype, classes)
        self._n_recomputed = 0  # that many blocks, from the first, keep their input alone

    def follow(self, plan: Plan) -> None:
        """Recompute and keep what the plan says."""
        self._n_recomputed = plan.n_recomputed
        self.embedding.move(plan.embedding_on_host)
        for number, block in enumerate(self.blocks):
            for projection in block.projections:
                if number < plan.n_expanded:
                    projection.weight.keep()
                else:
                    projection.weight.release()

    def measure(self) -> Sizes:
        """What the network takes, for the plan."""
        block = self.blocks[0]
        weights = [projection.weight for projection in block.projections]
        expanded = [weight.expanded_bytes if weight.is_compact else 0 for weight in weights]
        width = block.attention_in.weight.n_inputs
        feed_forward = block.down.weight.n_inputs
        states = sum(block.attention_in.weight.sizes) + block.attention_out.weight.n_inputs
        kept = 2 * width + states + 2 * feed_forward + sum(p.n_ranks for p in block.projections)
        logits = min(TARGETS_AT_ONCE, TARGET_STEP) * len(self.head)
        return Sizes(
            n_blocks=len(self.blocks),
            block_weights=sum(sum(weight.sizes) * weight.n_inputs for weight in weights),
            expanded_bytes=sum(expanded),
            largest_expanded_bytes=max(expanded),
            kept_token_bytes=kept * self.dtype.itemsize,
            input_token_bytes=width * self.dtype.itemsize,
            passing_token_bytes=4 * (width + feed_forward) * self.dtype.itemsize,
            embedding_bytes=self.embedding.movable_bytes,
            head_bytes=logits * (self.dtype.itemsize + 2 * torch.float32.itemsize),
        )

    @torch.no_grad()
    def differentiate(self, pack: Pack, shape: Shape, longest: Longest) -> torch.Tensor:
        """Add a pack's gradients to the adapters'.

        Returns:
            () fp32: the sum of its targets' losses times its scale.
        """
        setting = self.prepare(pack, shape, longest)
        stream, update, kept = self._run_blocks(pack, setting)
        total, normal = add_normalize(stream, update, *self.norm)
        loss, of_normal = differentiate_loss(normal, self.head, pack.targets, pack.scale)
        gradient = differentiate_norm(of_normal, total, *self.norm, torch.zeros_like(total))
        self._run_back(gradient, kept, pack, setting)
        return loss

    def _run_blocks(self, pack: Pack, setting: Setting):
        stream, update, kept = self.embedding.embed(pack), None, []
        for number, block in enumerate(self.blocks):
            places = pack.places if block is self.blocks[-1] else None
            stream, update, activations = block.forward(stream, update, setting, places)
            kept.append(activations.hidden if number < self._n_recomputed else activations)
            del activations  # else it lives on through the next block
        return stream, update, kept

    def _run_back(self, gradient: torch.Tensor, kept: list, pack: Pack, setting: Setting) -> None:
        for block in reversed(self.blocks):
            places = pack.places if block is self.blocks[-1] else None
            activations = kept.pop()
            if not isinstance(activations, Activations):
                activations = block.recompute(activations, setting, places)
            gradient = block.backward(gradient, activations, setting, places)
            del activations


def differentiate_loss(
    normal: torch.Tensor, head: torch.Tensor, targets: torch.Tensor, scale: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross-entropy and its gradient.

    Args:
        normal: (targets, width): normalised states that predict them.
        head: (classes, width).
        targets: (targets,) classes, or NO_TARGET.
        scale: () of the loss.

    Returns:
        () fp32, the sum of the losses times the scale; (targets, width), the gradient at `normal`.
    """
    loss, gradient = torch.zeros((), device=normal.device), torch.empty_like(normal)
    bounds = [*range(0, len(targets), TARGETS_AT_ONCE), len(targets)]
    for start, end in pairwise(bounds):
        is_target = targets[start:end] != NO_TARGET
        wanted = targets[start:end].clamp(min=0)[:, None]
        logs = (normal[start:end] @ head.T).float().log_softmax(-1)  # (targets, classes)
        weights = (is_target * scale)[:, None]
        loss -= (logs.gather(1, wanted) * weights).sum()
        of_logits = logs.exp_().mul_(weights).scatter_add_(1, wanted, -weights)
        gradient[start:end] = of_logits.to(head.dtype) @ head
    return loss, gradient
