"""The engine that the settings ask for."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tqdm import tqdm

from science_exam.questions.generation.config import GenerateConfig
from science_exam.questions.generation.engines import Engine


@contextmanager
def open_engine(config: GenerateConfig, source: str, replies: Path) -> Iterator[Engine]:
    """Yield the engine; what it holds open is closed behind it.

    Args:
        config: which one, and its settings.
        source: of the questions that it writes.
        replies: folder of a server's replies, which outlives the run: none is paid for twice.

    Raises:
        UserError: a model or server that cannot be had.
    """
    if config.engine == "rules":
        from science_exam.questions.generation.rules.engine import RulesEngine

        yield RulesEngine(source, config.per_passage, config.seed)
        return
    from science_exam.questions.generation.writing import ModelEngine

    show = partial(tqdm, desc="replies", leave=False)
    if config.engine == "local":
        from science_exam.questions.generation.local.model import LocalModel

        yield ModelEngine(LocalModel(config.local, config.seed), source, config.per_passage, show)
        return
    from science_exam.questions.generation.server.endpoint import Endpoint

    with Endpoint(config.endpoint, replies, config.seed) as endpoint:
        yield ModelEngine(endpoint, source, config.per_passage, show)
        print(endpoint.meter.summarize())
