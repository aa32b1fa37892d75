"""Third-party wheels for an image without network: fetched for its Python versions, and checked."""

import re
import subprocess
import sys
import zipfile
from email.message import Message
from email.parser import BytesParser
from pathlib import Path, PurePosixPath

from packaging.markers import InvalidMarker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from science_exam.errors import UserError
from science_exam.kaggle.packing.image import (
    CUDA,
    IMPORTED_AS,
    PACKAGES,
    PLATFORMS,
    describe_markers,
    list_tags,
)

PIN_FILES = (Path("requirements.txt"), Path("requirements-dev.txt"))
CACHE = Path("data/wheels")
MAX_BYTES = 2 * 10**9  # of all wheels together: more is a mistake, such as torch itself
# How bitsandbytes names its libraries, one a version of CUDA.
CUDA_LIBRARY = re.compile(r"_cuda(\d+)\.so$")
CUDA_PREFIX = "nvidia-"  # the libraries that torch brings


def read_pins(files: tuple[Path, ...] = PIN_FILES) -> dict[str, str]:
    """Package -> its exact version, from files of requirements."""
    lines = [
        line.partition("#")[0].strip() for file in files for line in file.read_text("utf-8").splitlines()
    ]
    requirements = [Requirement(line) for line in lines if line]
    return {canonicalize_name(r.name): next(iter(r.specifier)).version for r in requirements}


def collect_wheels(
    packages: tuple[str, ...], pins: dict[str, str], pythons: tuple[str, ...], folder: Path | None = None
) -> list[Path]:
    """A wheel of each package for each Python version, downloaded once.

    Args:
        packages: their names.
        pins: package -> version.
        pythons: versions of Python, such as "3.12".
        folder: of wheels that are here already; nothing is downloaded then.

    Raises:
        UserError: no such wheel in `folder`, or the package index cannot be reached or has none.
    """
    wheels = []
    for python in pythons:
        missing = [name for name in packages if find_wheel(name, pins[name], python, folder or CACHE) is None]
        if missing and folder is None:
            _download([f"{name}=={pins[name]}" for name in missing], python)
        for name in packages:
            wheel = find_wheel(name, pins[name], python, folder or CACHE)
            if wheel is None:
                raise UserError(
                    f"{folder or CACHE}: expected a wheel of {name} {pins[name]} for Python {python} on "
                    f"{PLATFORMS[0]} or older, found none; add it there"
                )
            wheels.append(wheel)
    return sorted(set(wheels))


def find_wheel(package: str, version: str, python: str, folder: Path) -> Path | None:
    """The wheel in a folder that fits best, or None."""
    ranks = {tag: rank for rank, tag in enumerate(list_tags(python))}
    found = []
    for path in sorted(folder.glob("*.whl")):
        name, own, _, tags = _parse_name(path)
        if (name, own) == (canonicalize_name(package), Version(version)) and (fitting := tags & ranks.keys()):
            found.append((min(ranks[tag] for tag in fitting), path))
    return min(found)[1] if found else None


def _download(requirements: list[str], python: str) -> None:
    """Fetch wheels with pip, without what they depend on: the image has it, or it is pinned too."""
    CACHE.mkdir(parents=True, exist_ok=True)
    print(f"{CACHE}: fetching {', '.join(requirements)} for Python {python}", flush=True)
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
        "--only-binary=:all:", "--no-deps", "--implementation", "cp", "--python-version", python,
        *platforms, "--dest", str(CACHE), *requirements,
    ]  # fmt: skip
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise UserError(
            f"wheels for Python {python}: {(said or ['pip failed'])[-1]:.300}; is the package index within "
            f"reach? Otherwise fetch them elsewhere and give their folder with wheels=FOLDER"
        )


def check_wheels(wheels: list[Path], pythons: tuple[str, ...]) -> list[str]:
    """What is wrong with wheels for the image: one line each, none when all is well.

    They must fit a Python version that is asked for, bring nothing that the image has, and find all that they
    depend on among themselves or in the image.
    """
    total = sum(wheel.stat().st_size for wheel in wheels)
    problems = [f"wheels: {total / 1e9:.1f} GB, more than {MAX_BYTES / 1e9:.0f}"] if total > MAX_BYTES else []
    readable = []
    for wheel in wheels:
        try:
            readable.append((wheel, read_metadata(wheel)))
        except UserError as error:
            problems.append(str(error))
            continue
        problems += [f"{wheel.name}: {problem}" for problem in _find_shadows(wheel) + _judge_cuda(wheel)]
        if not any(set(list_tags(python)) & _parse_name(wheel)[3] for python in pythons):
            problems.append(f"{wheel.name}: fits none of Python {', '.join(pythons)} on the image")
    for python in pythons:
        problems += _find_gaps(readable, python)
    return problems


def read_metadata(wheel: Path) -> Message:
    """The METADATA of a wheel.

    Raises:
        UserError: it is no whole wheel.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            return BytesParser().parsebytes(archive.read(name))
    except (zipfile.BadZipFile, StopIteration, OSError) as error:
        raise UserError(
            f"{wheel}: expected a whole wheel ({error!r}); delete it and fetch it again"
        ) from None


def _parse_name(wheel: Path):
    """Name, version, build and tags of a wheel."""
    try:
        return parse_wheel_filename(wheel.name)
    except InvalidWheelFilename as error:
        raise UserError(f"{wheel}: {error}; delete it") from None


def _find_shadows(wheel: Path) -> list[str]:
    """Which packages of the image a wheel would replace, by its name or by its folders."""
    name = _parse_name(wheel)[0]
    if name in PACKAGES or name.startswith(CUDA_PREFIX):
        return [f"would replace the image's {name}; leave it out"]
    with zipfile.ZipFile(wheel) as archive:
        folders = {PurePosixPath(member).parts[0] for member in archive.namelist()}
    modules = {IMPORTED_AS.get(package, package.replace("-", "_")): package for package in PACKAGES}
    return [f"would replace files of the image's {modules[own]}" for own in sorted(folders & modules.keys())]


def _judge_cuda(wheel: Path) -> list[str]:
    """Why a wheel with libraries for CUDA has none for the image's."""
    with zipfile.ZipFile(wheel) as archive:
        versions = {found[1] for name in archive.namelist() if (found := CUDA_LIBRARY.search(name))}
    if not versions or CUDA in versions:
        return []
    return [f"has libraries for CUDA {', '.join(sorted(versions))}, and the image's is {CUDA}"]


def _find_gaps(wheels: list[tuple[Path, Message]], python: str) -> list[str]:
    """What the wheels that fit a Python version depend on and nobody has."""
    tags = set(list_tags(python))
    fitting = [(wheel, metadata) for wheel, metadata in wheels if _parse_name(wheel)[3] & tags]
    have = PACKAGES | {canonicalize_name(m["Name"]): m["Version"] for _, m in fitting}
    problems = []
    for wheel, metadata in fitting:
        for line in metadata.get_all("Requires-Dist", []):
            if problem := _judge_requirement(line, have, python):
                problems.append(f"{wheel.name} on Python {python}: {problem}")
    return problems


def _judge_requirement(line: str, have: dict[str, str], python: str) -> str:
    """Why a requirement is not met; empty when it is, or does not count there."""
    try:
        needed = Requirement(line)
        counts = needed.marker is None or needed.marker.evaluate(describe_markers(python))
    except (InvalidRequirement, InvalidMarker) as error:
        return f"requirement {line!r} cannot be read ({error})"
    version = have.get(canonicalize_name(needed.name))
    if not counts or (version and needed.specifier.contains(version, prereleases=True)):
        return ""
    return f"needs {needed.name}{needed.specifier}, but there is {version or 'none'}"
