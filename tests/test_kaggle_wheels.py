"""Wheels for an image without network, and the package as one."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from small_kernel import write_wheel

from science_exam.errors import UserError
from science_exam.kaggle.packing import wheels as module
from science_exam.kaggle.packing.image import PACKAGES, list_tags
from science_exam.kaggle.packing.package_wheel import VERSION, WHEEL_NAME, build_package_wheel
from science_exam.kaggle.packing.wheels import check_wheels, collect_wheels, find_wheel, read_pins

ROOT = Path(__file__).parents[1]
BOTH = ("3.12", "3.13")
STEMMER = "pystemmer-3.1.0-{0}-{0}-manylinux_2_28_x86_64.whl"


def test_pins_are_read_by_their_normal_names(tmp_path):
    (tmp_path / "pins.txt").write_text("# tables\npandas==3.1.1\n\nPyStemmer==3.1.0\nray[data]==2.60.0\n")
    assert read_pins((tmp_path / "pins.txt",)) == {"pandas": "3.1.1", "pystemmer": "3.1.0", "ray": "2.60.0"}


def test_the_image_takes_wheels_of_its_python_of_any_and_of_the_stable_interface():
    tags = {str(tag) for tag in list_tags("3.12")}
    assert {"cp312-cp312-manylinux_2_35_x86_64", "cp310-abi3-manylinux_2_17_x86_64", "py3-none-any"} <= tags
    assert not any("cp313" in tag or "2_36" in tag or "musllinux" in tag for tag in tags)


def test_each_python_gets_the_wheel_that_fits_it(tmp_path):
    for tag in ("cp311", "cp312", "cp313"):
        write_wheel(tmp_path, STEMMER.format(tag))
    assert find_wheel("PyStemmer", "3.1.0", "3.13", tmp_path).name == STEMMER.format("cp313")
    assert find_wheel("PyStemmer", "3.0.0", "3.13", tmp_path) is None


def test_a_compiled_wheel_goes_before_one_for_every_machine(tmp_path):
    write_wheel(tmp_path, "regexes-1.0-py3-none-any.whl")
    best = write_wheel(tmp_path, "regexes-1.0-cp312-cp312-manylinux_2_17_x86_64.whl")
    assert find_wheel("regexes", "1.0", "3.12", tmp_path) == best


def test_a_wheel_for_a_newer_system_does_not_fit(tmp_path):
    write_wheel(tmp_path, "regexes-1.0-cp312-cp312-manylinux_2_39_x86_64.whl")
    assert find_wheel("regexes", "1.0", "3.12", tmp_path) is None


def test_wheels_that_are_there_are_not_fetched_again(tmp_path, monkeypatch):
    expected = [write_wheel(tmp_path, STEMMER.format(tag)) for tag in ("cp312", "cp313")]
    monkeypatch.setattr(module, "CACHE", tmp_path)
    monkeypatch.setattr(module.subprocess, "run", None)
    assert collect_wheels(("pystemmer",), {"pystemmer": "3.1.0"}, BOTH) == expected


def test_only_what_is_missing_is_fetched_with_exact_version_and_every_platform(tmp_path, monkeypatch):
    write_wheel(tmp_path, STEMMER.format("cp312"))
    commands = []

    def fetch(command, **options):
        commands.append(command)
        write_wheel(tmp_path, STEMMER.format("cp313"))
        return subprocess.CompletedProcess(command, 0, stderr="")

    monkeypatch.setattr(module, "CACHE", tmp_path)
    monkeypatch.setattr(module.subprocess, "run", fetch)
    collect_wheels(("pystemmer",), {"pystemmer": "3.1.0"}, BOTH)
    assert len(commands) == 1
    assert {"--no-deps", "--only-binary=:all:", "pystemmer==3.1.0", "3.13"} <= set(commands[0])
    assert {"manylinux_2_35_x86_64", "manylinux_2_28_x86_64", "manylinux2014_x86_64"} <= set(commands[0])


def test_an_index_out_of_reach_is_said_with_the_way_out(tmp_path, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, stderr="WARNING: retrying\nERROR: no matching distribution\n")
    monkeypatch.setattr(module, "CACHE", tmp_path)
    monkeypatch.setattr(module.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(UserError, match=r"no matching distribution.*wheels=FOLDER"):
        collect_wheels(("pystemmer",), {"pystemmer": "3.1.0"}, BOTH)


def test_a_given_folder_must_hold_them(tmp_path):
    write_wheel(tmp_path, STEMMER.format("cp312"))
    with pytest.raises(UserError, match=r"expected a wheel of pystemmer 3.1.0 for Python 3.13"):
        collect_wheels(("pystemmer",), {"pystemmer": "3.1.0"}, BOTH, tmp_path)


def test_good_wheels_pass(tmp_path):
    own = write_wheel(
        tmp_path, "encoders-6.2-py3-none-any.whl", "torch>=2", "stems<4", 'colorama; os_name=="nt"'
    )
    needed = write_wheel(tmp_path, "stems-3.1-py3-none-any.whl", 'pytest; extra == "test"')
    assert check_wheels([own, needed], BOTH) == []


def test_a_gap_in_what_wheels_depend_on_is_found(tmp_path):
    wheel = write_wheel(tmp_path, "encoders-6.2-py3-none-any.whl", "torch>=99", "stems", "numpy")
    assert check_wheels([wheel], ("3.12",)) == [
        f"{wheel.name} on Python 3.12: needs torch>=99, but there is {PACKAGES['torch']}",
        f"{wheel.name} on Python 3.12: needs stems, but there is none",
    ]


def test_a_dependency_counts_for_the_python_that_it_is_for(tmp_path):
    needing = write_wheel(tmp_path, "encoders-6.2-py3-none-any.whl", 'stems; python_version >= "3.13"')
    assert check_wheels([needing], ("3.12",)) == []
    only = write_wheel(tmp_path, "stems-3.1-cp312-cp312-manylinux_2_17_x86_64.whl")
    assert check_wheels([needing, only], BOTH) == [
        f"{needing.name} on Python 3.13: needs stems, but there is none"
    ]


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("torch-2.13.0-py3-none-any.whl", ()),
        ("nvidia_cublas-12.8-py3-none-any.whl", ()),
        ("innocent-1.0-py3-none-any.whl", ("innocent/__init__.py", "sklearn/__init__.py")),
    ],
)
def test_nothing_may_replace_what_the_image_has(tmp_path, name, members):
    problems = check_wheels([write_wheel(tmp_path, name, members=members)], BOTH)
    assert len(problems) == 1
    assert "would replace" in problems[0]


def test_wheels_for_other_machines_are_found(tmp_path):
    wheel = write_wheel(tmp_path, "stems-3.1-cp311-cp311-win_amd64.whl")
    assert check_wheels([wheel], BOTH) == [f"{wheel.name}: fits none of Python 3.12, 3.13 on the image"]


def test_libraries_must_be_for_the_images_cuda(tmp_path):
    name, libraries = "quanta-1.0-py3-none-any.whl", ("quanta/lib_cuda126.so", "quanta/lib_cuda128.so")
    assert check_wheels([write_wheel(tmp_path, name, members=libraries)], BOTH) == []
    wheel = write_wheel(tmp_path, name, members=libraries[:1])
    assert check_wheels([wheel], BOTH) == [f"{name}: has libraries for CUDA 126, and the image's is 128"]


def test_half_a_wheel_is_found(tmp_path):
    wheel = write_wheel(tmp_path, "stems-3.1-py3-none-any.whl")
    wheel.write_bytes(wheel.read_bytes()[:50])
    assert "expected a whole wheel" in check_wheels([wheel], BOTH)[0]


def test_too_much_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    assert "more than" in check_wheels([write_wheel(tmp_path, "stems-3.1-py3-none-any.whl")], BOTH)[0]


def test_the_package_has_the_same_bytes_every_time():
    code = "from science_exam.kaggle.packing.package_wheel import *; import hashlib\n"
    code += "print(hashlib.sha256(build_package_wheel()).hexdigest())"
    environment = {"PYTHONPATH": str(ROOT / "src"), "PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"}
    hashes = {
        subprocess.run([sys.executable, "-c", code], env=environment | {"PYTHONHASHSEED": seed}, check=True,
                       capture_output=True, text=True).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(hashes) == 1


def test_the_package_installs_whole_without_a_network(tmp_path):
    wheel, target = tmp_path / WHEEL_NAME, tmp_path / "site"
    wheel.write_bytes(build_package_wheel())
    options = ["--quiet", "--no-index", "--no-deps", "--no-compile", "--disable-pip-version-check"]
    pip = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(wheel)]
    subprocess.run(pip, check=True, capture_output=True)
    for path in (ROOT / "src").rglob("*.py"):
        assert (target / path.relative_to(ROOT / "src")).read_bytes() == path.read_bytes()
    [licence] = target.glob("science_exam-*.dist-info/licenses/LICENSE")
    assert licence.read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_the_package_says_the_version_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


def test_the_package_holds_no_caches(tmp_path):
    (tmp_path / WHEEL_NAME).write_bytes(build_package_wheel())
    with zipfile.ZipFile(tmp_path / WHEEL_NAME) as archive:
        endings = {Path(name).suffix for name in archive.namelist() if ".dist-info" not in name}
    assert endings == {".py"}
