"""Passages -> vectors, part by part, on one device or one encoder a GPU."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from science_exam.retrieval.encoder import EncoderSettings, Precision
from science_exam.retrieval.encoder_loading import choose_device, list_gpus, load_encoder, reload_encoder
from science_exam.retrieval.passages import PassageStore
from science_exam.retrieval.vectors import SHARD_NAME, is_whole_shard, write_shard
from science_exam.workers import run_tasks

ENCODER_FILE = "encoder.json"
CARRIED = "encoder"  # folder of the encoder itself, where an index brings it along

PARTS_A_SHARE = 8  # a worker tokenizes one part while the one before goes through the model


@dataclass(frozen=True)
class _Share:
    """Some parts for one worker to make."""

    corpus: Path
    folder: Path
    parts: list[int]
    settings: EncoderSettings


def encode_corpus(
    store: PassageStore,
    folder: Path,
    settings: EncoderSettings,
    cluster: bool = False,
    report: Callable[[int], object] = lambda n_passages: None,
) -> None:
    """Write the vectors of every part to `folder`, skipping parts that are whole.

    Args:
        store: the passages.
        folder: gets `encoder.json` and one shard a part.
        settings: what decides a vector.
        cluster: tasks on Ray, each with a GPU, instead of one encoder a GPU of this machine.
        report: told how many more passages are done.
    """
    settings.save(folder / ENCODER_FILE)
    missing = [number for number in range(len(store.sizes)) if not _is_done(store, folder, number)]
    report(len(store) - sum(store.sizes[number] for number in missing))
    corpus, n_gpus = store.parts[0].parent, len(list_gpus())
    if not cluster and n_gpus < 2:
        _encode_parts(_Share(corpus, folder, missing, settings), choose_device(), report)
        return
    shares = [
        _Share(corpus, folder, missing[first : first + PARTS_A_SHARE], settings)
        for first in range(0, len(missing), PARTS_A_SHARE)
    ]
    for n_passages in run_tasks(_encode_share, shares, n_gpus, cluster, gpus_a_task=1):
        report(n_passages)


def _is_done(store: PassageStore, folder: Path, number: int) -> bool:
    return is_whole_shard(folder / SHARD_NAME.format(number), store.sizes[number])


def settle_encoder(
    folder: Path | None,
    name: str,
    query_prompt: str | None,
    passage_prompt: str | None,
    max_tokens: int,
    precision: Precision,
) -> EncoderSettings:
    """The encoder's settings for `folder`: those it was begun with, or new ones (see `load_encoder`).

    Without a folder they are new.

    The precision that is fastest is measured once: a resumed run must not mix two.
    """
    if folder and (folder / ENCODER_FILE).is_file():
        return EncoderSettings.read(folder / ENCODER_FILE)
    return load_encoder(name, choose_device(), precision, query_prompt, passage_prompt, max_tokens).settings


def _encode_share(share: _Share) -> int:
    """Encode a share on this worker's own GPU; returns its number of passages."""
    done: list[int] = []
    _encode_parts(share, choose_device(), done.append)
    return sum(done)


def _encode_parts(share: _Share, device: str, report: Callable[[int], object]) -> None:
    """Encode parts in order; each file is there as soon as its part is done."""
    if not share.parts:
        return
    encoder, store = reload_encoder(share.settings, device), PassageStore(share.corpus)

    def tokenize(number: int) -> list[list[int]]:
        return encoder.tokenize(store.read_texts(number), share.settings.passage_prompt)

    with ThreadPoolExecutor(max_workers=1) as ahead:
        waiting = ahead.submit(tokenize, share.parts[0])
        for number, following in zip_longest(share.parts, share.parts[1:]):
            ids = waiting.result()
            if following is not None:
                waiting = ahead.submit(tokenize, following)
            write_shard(encoder.forward(ids, report), share.folder / SHARD_NAME.format(number))
