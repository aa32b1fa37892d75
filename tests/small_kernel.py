"""Wheels, a trained run and an index that hold next to nothing, to make kernels of."""

import zipfile
from dataclasses import asdict
from pathlib import Path

from small_library import write_passages

from science_exam.kaggle.config import KernelConfig
from science_exam.retrieval.config import RetrieveConfig
from science_exam.runs import MANIFEST, Run
from science_exam.training.base import list_small_files
from science_exam.training.config import BaseConfig, TrainConfig

NAME = "science-exam-test"
BASE, RUN, CONTEXTS = Path("models/small"), Path("data/runs/small"), Path("data/contexts/wiki")
CORPUS, INDEX, WHEELS = Path("data/corpus/wiki"), Path("data/index/wiki"), Path("wheels")
PINS = "# pins\nbitsandbytes==0.50.2\nPyStemmer==3.1.0\n"
CONFIG = KernelConfig(name=NAME, runs=(str(RUN),), index=str(INDEX), wheels=str(WHEELS))


def write_wheel(folder: Path, filename: str, *requires: str, members: tuple[str, ...] = ()) -> Path:
    """A wheel that holds what it says of itself, and empty `members`."""
    name, version = filename.split("-")[:2]
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {line}" for line in requires]
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / filename, "w") as archive:
        archive.writestr(f"{name}-{version}.dist-info/METADATA", "\n".join(lines) + "\n")
        for member in members or (f"{name}/__init__.py",):
            archive.writestr(member, "")
    return folder / filename


def write_all() -> None:
    """What `CONFIG` names, in the working folder."""
    Path("requirements.txt").write_text(PINS)
    Path("requirements-dev.txt").write_text("")
    write_wheel(WHEELS, "bitsandbytes-0.50.2-py3-none-manylinux_2_24_x86_64.whl")
    for tag in ("cp312", "cp313"):
        write_wheel(WHEELS, f"pystemmer-3.1.0-{tag}-{tag}-manylinux_2_28_x86_64.whl")
    write_base()
    write_run(0)
    write_index()


def write_base() -> None:
    BASE.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", "model.safetensors", "MODEL_CARD.md"):
        (BASE / name).write_text(f"this is {name}")


def write_run(fold: int, **settings) -> Path:
    """A fold of `RUN`, trained on `BASE`."""
    config = TrainConfig(**{"base": BaseConfig(path=str(BASE)), "run": RUN.name, "fold": fold, **settings})
    run = Run(RUN / f"fold{fold}", asdict(config), list_small_files(str(BASE)), overwrite=True)
    run.begin()
    (run.folder / "adapter").mkdir(exist_ok=True)
    for name in ("adapter_config.json", "adapter_model.safetensors", "README.md"):
        (run.folder / "adapter" / name).write_text(f"fold {fold}: {name}")
    (run.folder / "predictions.parquet").write_text("answers")
    run.finish({})
    return run.folder


def write_index() -> None:
    """A corpus of two passages and its lexical index, which nothing can be searched with."""
    write_passages(CORPUS, ["Water boils at a hundred degrees.", "Iron rusts."])
    run = Run(INDEX / "lexical", {"corpus": str(CORPUS)}, [CORPUS / "passages" / MANIFEST])
    run.begin()
    (run.folder / "index.json").write_text("{}")
    (run.folder / "shard-00000.postings").write_text("postings")
    run.finish({})


def write_contexts(folder: Path = CONTEXTS, results: dict | None = None, **settings) -> str:
    """Contexts that were retrieved with these settings; returns their folder."""
    values = asdict(RetrieveConfig(**settings))
    run = Run(folder, {name: values[name] for name in values if name not in ("name", "overwrite")}, [])
    run.begin()
    run.finish(results or {})
    return str(folder)
