"""Runs, index and settings -> kernels/<name>: what `make kernel` makes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import yaml

from science_exam.environment import describe_environment
from science_exam.errors import UserError
from science_exam.kaggle.config import ExamConfig, KernelConfig
from science_exam.kaggle.manifest import CODE, EXAM, INDEX, RUNS, WHEELS
from science_exam.kaggle.packing.bundles import write_bundle
from science_exam.kaggle.packing.index_files import Retrieval, choose_retrieval, pack_retrieval
from science_exam.kaggle.packing.metadata import check_settings, choose_title, find_owner, write_metadata
from science_exam.kaggle.packing.notebook import write_notebook
from science_exam.kaggle.packing.package_wheel import WHEEL_NAME, build_package_wheel
from science_exam.kaggle.packing.run_files import (
    find_base_source,
    list_base_files,
    list_run_files,
    place_run,
    read_runs,
)
from science_exam.kaggle.packing.wheels import PIN_FILES, collect_wheels, read_pins
from science_exam.runs import MANIFEST, open_run
from science_exam.training.trained import Training

KERNELS = Path("kernels")
ALWAYS = ("bitsandbytes",)  # for bases in four bits


@dataclass(frozen=True)
class Plan:
    """All that goes into a kernel, before anything is written.

    Attributes:
        config: resolved: with title, owner and base_source.
        exam: what the notebook does.
        bundles: place in the tree -> file, of the bundles that are large.
        packages: that the image lacks.
    """

    config: KernelConfig
    exam: ExamConfig
    bundles: Mapping[str, Mapping[str, Path]]
    packages: tuple[str, ...]


def plan_kernel(config: KernelConfig) -> Plan:
    """Look for all that a kernel needs.

    Raises:
        UserError: a name that Kaggle would not take, runs that are not finished or do not go together, or an
            index that is not theirs.
    """
    trainings = read_runs(config.runs)
    source = find_base_source(trainings, config.base_source)
    owner = config.owner or find_owner()
    config = replace(config, title=choose_title(config), owner=owner, base_source=source, overwrite=False)
    if problems := check_settings(config):
        raise UserError("; ".join(problems))
    retrieval = pack_retrieval(choose_retrieval(trainings, config.index))
    base, base_files = ("", {}) if source else list_base_files(trainings)
    bundles = {RUNS: list_run_files(trainings) | base_files, INDEX: retrieval.files}
    exam = _describe_exam(config, trainings, base, retrieval)
    return Plan(config, exam, bundles, (*ALWAYS, *retrieval.packages))


def _describe_exam(
    config: KernelConfig, trainings: list[Training], base: str, retrieval: Retrieval
) -> ExamConfig:
    return ExamConfig(
        runs=tuple(place_run(training) for training in trainings),
        base=base,
        retrieve=retrieval.config,
        views=config.views,
        hours=config.hours,
        short_rows=config.short_rows,
        commit=describe_environment()["commit"] or "",
    )


def make_kernel(plan: Plan, overwrite: bool) -> Path:
    """Write kernels/<name> and return it.

    The large bundles are kept when they were made of the same runs, index, base, wheels and pins. The code,
    the notebook and the metadata are small and follow the checkout and the settings: they are written every
    time.

    Raises:
        UserError: the folder holds a kernel of other runs or settings, or a wheel is not to be had.
    """
    folder = KERNELS / plan.config.name
    sources = [file for files in plan.bundles.values() for file in files.values()]
    manifests = [file for file in sources if file.name in (MANIFEST, "config.json")]
    run = open_run(
        folder / "bundles", replace(plan.config, overwrite=overwrite), [*manifests, *PIN_FILES],
        without=("title", "owner", "competition", "machine_shape", "views", "hours", "short_rows"),
    )  # fmt: skip
    if not run.finished:
        run.begin()
        run.finish({"files": _write_large(plan, folder / "bundles")})
    write_code(plan, folder / "bundles" / CODE)
    write_metadata(plan.config, folder)
    write_notebook(plan.config, folder)
    return folder


def _write_large(plan: Plan, folder: Path) -> int:
    """Write the bundles wheels, runs and index, which may be left out; the number of their files."""
    given = Path(plan.config.wheels) if plan.config.wheels else None
    wheels = collect_wheels(plan.packages, read_pins(), plan.config.pythons, given)
    bundles = {WHEELS: {f"{WHEELS}/{wheel.name}": wheel for wheel in wheels}, **plan.bundles}
    for bundle, files in bundles.items():
        if files:
            write_bundle(plan.config.name, bundle, files, folder / bundle)
    return sum(len(files) for files in bundles.values())


def write_code(plan: Plan, folder: Path) -> None:
    """Write the bundle code: this package, and what the notebook does with it."""
    settings = yaml.safe_dump(asdict(plan.exam), sort_keys=False)
    files = {f"{CODE}/{WHEEL_NAME}": build_package_wheel(), f"{CODE}/{EXAM}": settings.encode()}
    write_bundle(plan.config.name, CODE, files, folder)
