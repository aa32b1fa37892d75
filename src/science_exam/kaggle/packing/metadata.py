"""kernel-metadata.json and dataset-metadata.json: written as the official client reads them, and checked.

The client takes much of what is wrong in them in silence, so that it shows only on the site, or in the rerun.
"""

import json
import os
import re
from dataclasses import asdict
from pathlib import Path

import yaml

from science_exam.config import load_config
from science_exam.errors import UserError
from science_exam.files import write_text
from science_exam.kaggle.config import KernelConfig
from science_exam.kaggle.manifest import CODE, RUNS, WHEELS
from science_exam.kaggle.packing.bundles import (
    ALLOWED,
    DATASET_METADATA,
    check_bundle,
    list_bundles,
)
from science_exam.kaggle.packing.notebook_check import check_notebook
from science_exam.kaggle.packing.wheels import check_wheels

KERNEL_METADATA, SETTINGS = "kernel-metadata.json", "kernel.yaml"
NO_OWNER = "OWNER"  # stands for the user until one is known
LICENCE = "other"  # every file keeps its own
MODEL_SOURCE = re.compile(r"([^/\s]+/){4}\d+")
MIN_KERNEL, MAX_DATASET = 5, 50  # letters of slugs and titles
# What may be added by hand; nothing of it says who sees what, or where it goes.
OPTIONAL = {"description", "docker_image", "docker_image_pinning_type", "keywords", "subtitle"}


def write_metadata(config: KernelConfig, folder: Path) -> None:
    """Write kernel.yaml, and the metadata of the notebook and of every bundle there is.

    Args:
        config: resolved; `NO_OWNER` stands where its owner is empty.
        folder: kernels/<name>.
    """
    bundles = list_bundles(folder)
    write_text(folder / SETTINGS, yaml.safe_dump(asdict(config), sort_keys=False))
    _write_json(folder / KERNEL_METADATA, describe_kernel(config, list(bundles)))
    for bundle, place in bundles.items():
        _write_json(place / DATASET_METADATA, describe_dataset(config, bundle))


def describe_dataset(config: KernelConfig, bundle: str) -> dict:
    """What dataset-metadata.json says of a bundle."""
    return {
        "id": f"{config.owner or NO_OWNER}/{name_dataset(config.name, bundle)}",
        "title": f"{choose_title(config)} {bundle}",
        "licenses": [{"name": LICENCE}],
    }


def describe_kernel(config: KernelConfig, bundles: list[str]) -> dict:
    """What kernel-metadata.json says."""
    owner = config.owner or NO_OWNER
    return {
        "id": f"{owner}/{config.name}",
        "title": choose_title(config),
        "code_file": f"{config.name}.ipynb",
        "language": "python",
        "kernel_type": "notebook",
        "is_private": True,
        "enable_gpu": config.machine_shape != "None",
        "enable_tpu": False,
        "enable_internet": False,
        "machine_shape": config.machine_shape,
        "dataset_sources": [f"{owner}/{name_dataset(config.name, bundle)}" for bundle in bundles],
        "competition_sources": [config.competition],
        "kernel_sources": [],
        "model_sources": [config.base_source] if config.base_source else [],
    }


def name_dataset(kernel: str, bundle: str) -> str:
    """The slug of a bundle on Kaggle."""
    return f"{kernel}-{bundle}"


def choose_title(config: KernelConfig) -> str:
    """The title that is asked for, or the name in words."""
    return config.title or config.name.replace("-", " ").capitalize()


def find_owner() -> str:
    """The user whom the official client knows by name; empty when it has only a token, or nothing."""
    if owner := os.environ.get("KAGGLE_USERNAME"):
        return owner
    places = [Path("~/.kaggle").expanduser(), Path("~/.config/kaggle").expanduser()]
    if named := os.environ.get("KAGGLE_CONFIG_DIR"):
        places = [Path(named)]
    for place in places:
        try:
            return json.loads((place / "kaggle.json").read_text(encoding="utf-8"))["username"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return ""


def read_kernel(folder: Path) -> KernelConfig:
    """The settings that a kernel was made with.

    Raises:
        UserError: there is none.
    """
    if not (folder / SETTINGS).is_file():
        raise UserError(f"{folder}: no kernel there; make it with: make kernel RUN=<run> NAME={folder.name}")
    return load_config(KernelConfig, str(folder / SETTINGS), [], folder)


def check_kernel(folder: Path) -> list[str]:
    """All that can be known without a network of what would go wrong with a push, one line each.

    Args:
        folder: kernels/<name>.
    """
    config, bundles = read_kernel(folder), list_bundles(folder)
    problems = [
        f"{folder / 'bundles' / bundle}: no such bundle; run make kernel again"
        for bundle in (CODE, WHEELS, RUNS)
        if bundle not in bundles
    ]
    problems += check_settings(config)
    problems += check_metadata(folder / KERNEL_METADATA, describe_kernel(config, list(bundles)))
    problems += check_notebook(folder / f"{config.name}.ipynb")
    for bundle, place in bundles.items():
        problems += check_bundle(place)
        problems += check_metadata(place / DATASET_METADATA, describe_dataset(config, bundle))
    if WHEELS in bundles:
        problems += check_wheels(sorted(bundles[WHEELS].glob("*.whl")), config.pythons)
    return problems


def check_settings(config: KernelConfig) -> list[str]:
    """What Kaggle would not take of a kernel's names, before anything is made of them."""
    from slugify import slugify  # the client's own

    title, problems = choose_title(config), []
    if slugify(config.name) != config.name:
        problems.append(f"name: expected small letters, digits and hyphens, found {config.name!r}")
    if slugify(title) != config.name:  # the site goes by the title, the client by the name
        problems.append(f"title: {title!r} makes the slug {slugify(title)!r}, expected {config.name!r}")
    longest = MAX_DATASET - len(name_dataset("", max(ALLOWED, key=len)))  # which is put behind both
    for what, text in (("name", config.name), ("title", title)):
        if not MIN_KERNEL <= len(text) <= longest:
            problems.append(f"{what}: expected {MIN_KERNEL} to {longest} letters, found {text!r}")
    if config.base_source and not MODEL_SOURCE.fullmatch(config.base_source):
        problems.append(
            f"base_source: expected owner/model/framework/variation/version, found {config.base_source!r}"
        )
    return problems


def check_metadata(path: Path, described: dict) -> list[str]:
    """What a metadata file says otherwise than it was written; the client takes much of that in silence."""
    try:
        values = _read_json(path)
    except UserError as error:
        return [str(error)]
    problems = [f"unexpected key {key!r}" for key in sorted(values.keys() - described.keys() - OPTIONAL)]
    problems += [
        f"{key}: expected {value!r}, found {values.get(key)!r}"
        for key, value in described.items()
        if (type(values.get(key)), values.get(key)) != (type(value), value)
    ]
    return [f"{path}: {problem}; run make kernel again" for problem in problems]


def _read_json(path: Path) -> dict:
    """The object in a metadata file.

    Raises:
        UserError: no such file, or none that the client can read.
    """
    try:
        # As the client reads it, to which a byte-order mark is an error.
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: expected JSON in UTF-8 ({error}); run make kernel again") from None
    if not isinstance(values, dict):
        raise UserError(f"{path}: expected keys and values, found a {type(values).__name__}")
    return values


def _write_json(path: Path, values: dict) -> None:
    write_text(path, json.dumps(values, indent=2) + "\n")
