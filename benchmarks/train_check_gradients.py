"""Loss and adapters' gradients of one step by autograd and by the fast engine, and how far they are apart."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from science_exam.training.fast.network import Network
from science_exam.training.fast.packing import Longest, Pack, Shape, find_longest, pack_groups
from science_exam.training.fast.plan import Plan
from science_exam.training.fast.rows import Group, Row, count_shared, divide_step
from science_exam.training.fast.stepping import Stepper

PACK_TOKENS = 4096
DEVIATION = 0.02  # of the drawn B: adapters then change a layer's output by some percent
FP16_FACTOR = 2.0**12  # of the loss, without which small gradients would be 0 in fp16
SKIPS = 20  # steps that the loss's factor may take to come down from its first value


@dataclass(frozen=True)
class Found:
    """What one way of computing says."""

    loss: float  # mean over all targets
    gradients: dict[str, torch.Tensor]  # fp32, by the adapter's name


@dataclass(frozen=True)
class Distance:
    """How far what was found is from the reference; cosines and norms adapter by adapter."""

    loss_error: float  # relative
    worst_cosine: float
    median_cosine: float
    norm_ratios: tuple[float, float]  # smallest and largest, of found to reference
    n_zero: int  # gradients that are 0 and should not be
    worst_adapter: str


def draw_adapters(model: nn.Module, seed: int) -> None:
    """Draw every B at random: as long as it is 0, so is the gradient of A."""
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    for name, weight in list_adapters(model).items():
        if "lora_B" in name:
            weight.data.normal_(std=DEVIATION, generator=generator)


def list_adapters(model: nn.Module) -> dict[str, nn.Parameter]:
    """What trains, by name."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def compute_in(model: nn.Module, dtype: torch.dtype) -> None:
    """Have the frozen parts compute in that type; 4-bit weights stay, and are expanded to it."""
    for module in model.modules():
        state = getattr(getattr(module, "weight", None), "quant_state", None)
        if state is not None:
            module.compute_dtype = state.dtype = dtype
    for weight in model.parameters():
        if not weight.requires_grad and weight.is_floating_point() and not hasattr(weight, "quant_state"):
            weight.data = weight.data.to(dtype)


def differentiate_plainly(model: nn.Module, rows: Sequence[Row], dtype: torch.dtype) -> Found:
    """By autograd through the PEFT model, one row at a time; 16 bits by autocast.

    In fp32 attention is written out in products, so that it shares no kernel with the engine.
    """
    compute_in(model, dtype)
    adapters, factor = list_adapters(model), _choose_factor(dtype)
    device = next(model.parameters()).device
    n_targets, total = sum(row.n_targets for row in rows), 0.0
    is_wide = dtype == torch.float32
    model.zero_grad()
    for row in rows:
        ids = torch.tensor([row.ids], device=device)
        with (
            torch.autocast(device.type, dtype, enabled=not is_wide),
            sdpa_kernel(SDPBackend.MATH) if is_wide else nullcontext(),
        ):
            read = model(input_ids=ids, logits_to_keep=row.n_targets + 1, use_cache=False)
        logits = read.logits[0, :-1]  # (targets, classes)
        loss = functional.cross_entropy(logits.float(), ids[0, row.n_prompt :], reduction="sum") / n_targets
        (loss * factor).backward()
        total += loss.item()
    return Found(total, {name: weight.grad / factor for name, weight in adapters.items()})


def differentiate_fast(
    model: nn.Module,
    network: Network,
    questions: Sequence[Sequence[Row]],
    share_prefixes: bool,
    n_recomputed: int,
    as_graphs: bool,
) -> Found:
    """By the fast engine.

    Args:
        model: PEFT's, for the names.
        network: of the model.
        questions: the rows of each.
        share_prefixes: read what a question's rows have in common once.
        n_recomputed: blocks that keep their input alone.
        as_graphs: as training does, through CUDA graphs and an optimizer's step; else kernel by kernel.
    """
    plan = Plan(PACK_TOKENS, n_recomputed, n_expanded=0, embedding_on_host=False, peak_bytes=0)
    network.follow(plan)
    groups = group_questions(questions, share_prefixes)
    scale = 1 / sum(group.n_targets for group in groups)
    packs = [pack_groups(part, scale, seed=0) for part in divide_step(groups, PACK_TOKENS)[0]]
    run = _step_in_graphs if as_graphs else _run_eagerly
    loss, vector = run(network, packs, find_longest(groups, PACK_TOKENS))
    places = {name: weight.storage_offset() for name, weight in list_adapters(model).items()}
    gradients = {
        name: vector[places[name] :][: weight.numel()].view(weight.shape)
        for name, weight in list_adapters(model).items()
    }
    return Found(loss, gradients)


def group_questions(questions: Sequence[Sequence[Row]], share_prefixes: bool) -> list[Group]:
    """A group a question, or a row."""
    if share_prefixes:
        return [Group(tuple(rows), count_shared(list(rows))) for rows in questions]
    return [Group((row,), 0) for rows in questions for row in rows]


def compare(found: Found, reference: Found) -> Distance:
    """What was found beside the reference."""
    names = list(reference.gradients)
    pairs = [
        (found.gradients[name].double().flatten(), reference.gradients[name].double().flatten())
        for name in names
    ]
    cosines = torch.stack([functional.cosine_similarity(*pair, dim=0, eps=0.0) for pair in pairs])
    norms = torch.stack([torch.stack([part.norm() for part in pair]) for pair in pairs])  # (adapters, 2)
    ratios = norms[:, 0] / norms[:, 1]
    return Distance(
        loss_error=abs(found.loss - reference.loss) / abs(reference.loss),
        worst_cosine=cosines.min().item(),  # nan where one is
        median_cosine=cosines.median().item(),
        norm_ratios=(ratios.min().item(), ratios.max().item()),
        n_zero=int(((norms[:, 0] == 0) & (norms[:, 1] > 0)).sum()),
        worst_adapter=names[cosines.nan_to_num(nan=-torch.inf).argmin()],
    )


class Witness(torch.optim.Optimizer):
    """Keeps the gradients of a step instead of following them."""

    def __init__(self, network: Network) -> None:
        vector = nn.Parameter(network.adapters.weights)
        vector.grad = network.adapters.gradients
        super().__init__([vector], {})
        self.gradients = torch.full_like(vector.grad, torch.nan)

    def step(self, closure=None) -> None:
        self.gradients.copy_(self.param_groups[0]["params"][0].grad)


def _run_eagerly(
    network: Network, packs: list[tuple[Pack, Shape]], longest: Longest
) -> tuple[float, torch.Tensor]:
    vector, factor, loss = network.adapters.gradients, _choose_factor(network.dtype), 0.0
    vector.zero_()
    for pack, shape in packs:
        pack = pack._replace(scale=pack.scale * factor).move(vector.device)
        loss += network.differentiate(pack, shape, longest).item()
    gradients = vector / factor
    vector.zero_()  # steps add to it
    return loss / factor, gradients


def _step_in_graphs(
    network: Network, packs: list[tuple[Pack, Shape]], longest: Longest
) -> tuple[float, torch.Tensor]:
    witness = Witness(network)
    stepper = Stepper(network, witness, max_grad_norm=0.0)
    stepper.prepare(longest, packs)
    for _ in range(SKIPS):
        loss = stepper.step(packs).item()
        if witness.gradients.isfinite().all():
            break
    stepper.release()
    return loss, witness.gradients


def _choose_factor(dtype: torch.dtype) -> float:
    return FP16_FACTOR if dtype == torch.float16 else 1.0
