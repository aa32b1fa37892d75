"""A stand-in for Kaggle, a kernel to push to it, and the commands that do: fixtures of several test files."""

import shutil
from pathlib import Path

import pytest
from kaggle_stub import KEY, TOKEN, USER, Stub, point_client
from small_kernel import CONFIG, NAME, write_all, write_wheel

from science_exam.kaggle.packing import kernel as packing
from science_exam.kaggle.packing.kernel import make_kernel, plan_kernel
from science_exam.kaggle.uploading.pushed import Pushed

QUICK = ("wait_seconds=0.001", "poll_seconds=0.001")


@pytest.fixture
def kaggle(tmp_path_factory, monkeypatch):
    """A stand-in for Kaggle, where the official client of this process is sent."""
    pytest.importorskip("kagglesdk", reason="the official client is not installed")
    stub = Stub()
    point_client(stub, tmp_path_factory.mktemp("home"), monkeypatch)
    monkeypatch.setattr(Pushed, "note", Pushed.note)  # which a fault may replace
    yield stub
    stub.shutdown()
    stub.server_close()


@pytest.fixture(scope="session")
def packed(tmp_path_factory) -> Path:
    """A kernel, made once, with a small wheel in the place of the package's."""
    folder = tmp_path_factory.mktemp("packed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("KAGGLE_USERNAME", USER)
        write_all()
        wheel = write_wheel(folder / "small", packing.WHEEL_NAME).read_bytes()
        patch.setattr(packing, "build_package_wheel", lambda: wheel)
        return make_kernel(plan_kernel(CONFIG), overwrite=False).resolve()


@pytest.fixture
def kernel(packed, work) -> Path:
    """kernels/<name> in an empty working folder."""
    shutil.copytree(packed, work / "kernels" / NAME)
    return work / "kernels" / NAME


@pytest.fixture
def call(run_script, capsys):
    """Run a script with words; returns the exit code and all that was printed, which holds no secret."""

    def call_with(script, *words):
        capsys.readouterr()
        code = run_script(script, *words)
        out, err = capsys.readouterr()
        assert TOKEN not in out + err
        assert KEY not in out + err
        return code, out + err

    return call_with


@pytest.fixture
def push(kernel, kaggle, call):
    """Push the kernel; returns the exit code and all that was printed."""
    return lambda *words: call("push", f"name={NAME}", *QUICK, *words)
