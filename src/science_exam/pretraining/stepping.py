"""One optimizer step, without the host in between: on a GPU it is captured once and replayed.

A small model leaves the GPU waiting for the next kernel most of the time; replaying a CUDA graph
launches all of them at once. Packs have one shape, so one graph serves the whole training.
"""

from collections.abc import Callable, Sequence

import torch
from accelerate import Accelerator

from science_exam.pretraining.config import PretrainConfig
from science_exam.pretraining.optimizers import build_optimizers, rate_at
from science_exam.pretraining.packing import NO_ANSWER, Pack
from science_exam.pretraining.reader import Reader, Scores

N_SUMS = 7  # of `sum_scores`
WARM_UPS = 3  # before a capture, as CUDA's libraries set themselves up in their first calls


class Stepper:
    """Reader, optimizers, and the sums of what was measured since they were last read."""

    def __init__(
        self, reader: Reader, example: Pack, config: PretrainConfig, accelerator: Accelerator
    ) -> None:
        """
        Args:
            reader: on the accelerator's device.
            example: any pack of the training.
            config: the stage's settings.
            accelerator: says which device and how many processes there are.
        """
        self.reader, self.accelerator, self._config = reader, accelerator, config
        self._weights = list(reader.parameters())
        self._rate = torch.zeros((), device=accelerator.device)
        self.optimizers = build_optimizers(reader, self._rate, config)
        self.sums = torch.zeros(N_SUMS, device=accelerator.device)
        if config.compile:
            for block in reader.llama.model.layers:
                block.compile()  # all blocks alike: compiled once
            reader.score_text = torch.compile(reader.score_text)
        self._pack = move_pack(example, accelerator.device)
        for weight in self._weights:
            weight.grad = torch.zeros_like(weight)
        self._run_differentiate = self._capture(self._differentiate)
        self._run_update = self._capture(self._update)
        self._forget()

    def step(self, packs: Sequence[Pack], number: int) -> None:
        """Change the weights by this process's packs of a step; `number` is the step's, from 0."""
        for pack in packs:
            for held, new in zip(self._pack, pack, strict=True):
                held.copy_(new, non_blocking=True)
            self._run_differentiate()
        self._average_gradients()
        self._rate.fill_(rate_at(number, self._config))
        self._run_update()

    def score(self, pack: Pack) -> torch.Tensor:
        """`sum_scores` of a pack that is not trained on."""
        pack = move_pack(pack, self.accelerator.device)
        with torch.no_grad(), self.accelerator.autocast():
            scores = self.reader(pack)
        return sum_scores(scores, pack)

    def _differentiate(self) -> None:
        """Add the pack's gradients to those of the step's earlier packs."""
        with self.accelerator.autocast():
            scores = self.reader(self._pack)
        loss = scores.text_loss + self._config.answer_weight * scores.answer_loss
        loss = loss + self._config.option_weight * scores.option_loss
        (loss * self.accelerator.num_processes / self._config.packs_per_step).backward()
        self.sums += sum_scores(scores, self._pack)

    def _average_gradients(self) -> None:
        """Over the processes, so that all take the same step."""
        if self.accelerator.num_processes > 1:
            gradients = [weight.grad for weight in self._weights]
            flat = torch.cat([gradient.flatten() for gradient in gradients])
            flat = self.accelerator.reduce(flat, reduction="mean")
            sizes = [gradient.numel() for gradient in gradients]
            torch._foreach_copy_([gradient.view(-1) for gradient in gradients], flat.split(sizes))

    def _update(self) -> None:
        torch.nn.utils.clip_grad_norm_(self._weights, self._config.max_grad_norm)
        for optimizer in self.optimizers:
            optimizer.step()
        torch._foreach_zero_([weight.grad for weight in self._weights])

    def _capture(self, run: Callable[[], None]) -> Callable[[], None]:
        """`run` as a graph where attention is one kernel, which needs a GPU with bf16.

        The warm-ups change no weight: the learning rate is still 0.
        """
        if self.accelerator.mixed_precision != "bf16":
            run()  # the same states of the optimizers everywhere
            return run
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UPS):
                run()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # NCCL has threads of its own
            run()
        return graph.replay

    def _forget(self) -> None:
        """Undo what the warm-ups left in the gradients, the optimizers and the sums."""
        self.sums.zero_()
        torch._foreach_zero_([weight.grad for weight in self._weights])
        for optimizer in self.optimizers:
            for state in optimizer.state.values():
                for value in state.values():
                    value.zero_()


def move_pack(pack: Pack, device: torch.device) -> Pack:
    """The pack on a device."""
    return Pack(*(tensor.to(device, non_blocking=True) for tensor in pack))


def sum_scores(scores: Scores, pack: Pack) -> torch.Tensor:
    """(7,) of a pack, to be added up: text loss; answer and option losses of all questions together;
    then questions and right answers, first of those with contexts made here, then of the question set.
    """
    is_answer = pack.right != NO_ANSWER
    n_answers = is_answer.sum()
    losses = (scores.text_loss, scores.answer_loss * n_answers, scores.option_loss * n_answers)
    counts = [(kind.sum(), (kind & scores.right).sum()) for kind in (is_answer & ~pack.asked, pack.asked)]
    return torch.stack([value.detach().float() for value in (*losses, *counts[0], *counts[1])])
