"""What of an index and its corpus a notebook needs, and how it is to search them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from science_exam.config import load_config
from science_exam.errors import UserError
from science_exam.kaggle.packing.run_files import list_model_files
from science_exam.retrieval.config import RetrieveConfig
from science_exam.runs import MANIFEST, find_changed, read_manifest, read_settings
from science_exam.tables import list_parts
from science_exam.training.base import fetch_base
from science_exam.training.trained import Training

CLOSED_BOOK = RetrieveConfig(questions="", index="")
NOT_SEARCHED = {"environment.json"}


@dataclass(frozen=True)
class Retrieval:
    """How the notebook finds passages.

    Attributes:
        config: with places in the tree.
        files: place in the tree -> file.
        packages: that it imports and the image lacks.
    """

    config: RetrieveConfig = CLOSED_BOOK
    files: dict[str, Path] = field(default_factory=dict)
    packages: tuple[str, ...] = ()


def choose_retrieval(trainings: Iterable[Training], index: str) -> RetrieveConfig:
    """The settings that the runs' own contexts were retrieved with, for the index in the folder `index`.

    Args:
        trainings: that answer together.
        index: data/index/<name>; closed book when empty.

    Raises:
        UserError: their contexts were retrieved in different ways, or one's are not there any more.
    """
    reading = [training for training in trainings if training.settings.max_contexts]
    if not index or not reading:
        return CLOSED_BOOK
    folders = sorted({training.settings.contexts for training in reading} - {""})
    ways = [_read_way(Path(folder)) for folder in folders] or [CLOSED_BOOK]
    if any(way != ways[0] for way in ways):
        raise UserError(f"{' and '.join(folders)}: retrieved with different settings; package the runs apart")
    return replace(ways[0], index=index)


def _read_way(contexts: Path) -> RetrieveConfig:
    """How contexts were retrieved, apart from the questions; with the weight that was chosen for them."""
    results = read_manifest(contexts)["results"]
    way = load_config(RetrieveConfig, str(contexts / "config.yaml"), [], contexts)
    weight = results.get("lexical_weight", way.lexical_weight)
    return replace(way, questions="", index="", name="", lexical_weight=weight, tune=False)


def pack_retrieval(config: RetrieveConfig) -> Retrieval:
    """The files of an index and of its corpus, and of the models that search them.

    Raises:
        UserError: the index is not finished, or made of other passages than there are.
    """
    if not config.index:
        return Retrieval(config)
    from science_exam.retrieval.retrieve import KINDS

    index, reranker = Path(config.index), config.reranker
    folders = [index / kind for kind in KINDS.get(config.retriever, ()) if (index / kind).is_dir()]
    corpus = Path(config.corpus or _read_corpus(index, folders))
    place = f"index/{index.name}"
    files, packages = _list_passages(corpus, folders), ["pystemmer"]
    for folder in folders:
        names = {*read_manifest(folder)["outputs"], MANIFEST} - NOT_SEARCHED
        files |= {f"{place}/{folder.name}/{name}": folder / name for name in sorted(names)}
    if (index / "dense") in folders:
        carried, needed = _pack_encoder(index / "dense", f"{place}/dense")
        files, packages = files | carried, [*packages, *needed]
    config = replace(config, index=place, corpus=f"corpus/{corpus.name}")
    if config.reranker:
        config = replace(config, reranker=f"reranker/{Path(config.reranker).name}")
        files |= list_model_files(fetch_base(reranker), config.reranker)
        packages.append("sentence-transformers")
    return Retrieval(config, files, tuple(dict.fromkeys(packages)))


def _read_corpus(index: Path, folders: list[Path]) -> str:
    """The folder of the corpus that an index was made of."""
    if not folders:
        raise UserError(f"{index}: no finished index there; make it with: make index")
    return read_settings(folders[0])["corpus"]


def _list_passages(corpus: Path, folders: list[Path]) -> dict[str, Path]:
    """Place in the tree -> file, of the passages, once it is certain that the index is theirs."""
    passages = corpus / "passages"
    parts = list_parts(passages, "make them with: make corpus")
    for folder in folders:
        if find_changed(folder, [passages / MANIFEST]):
            raise UserError(f"{folder}: not made of the passages in {passages}; run make index again")
    return {f"corpus/{corpus.name}/passages/{path.name}": path for path in [*parts, passages / MANIFEST]}


def _pack_encoder(dense: Path, place: str) -> tuple[dict[str, Path], list[str]]:
    """The files of the encoder that made the vectors, and the packages that it needs."""
    from science_exam.retrieval.dense import CARRIED, ENCODER_FILE
    from science_exam.retrieval.encoder import EncoderSettings
    from science_exam.retrieval.encoder_loading import EMBEDDED

    name = EncoderSettings.read(dense / ENCODER_FILE).name
    packages = ["sentence-transformers", "faiss-cpu"]
    if name == EMBEDDED:
        return {}, [*packages, EMBEDDED]
    return list_model_files(fetch_base(name), f"{place}/{CARRIED}"), packages
