"""Metadata of kernel and datasets, the notebook's check, and all that is looked at before a push."""

import json
from dataclasses import replace

import pytest
from small_kernel import CONFIG, NAME, write_all, write_wheel

from science_exam.errors import UserError
from science_exam.kaggle.packing.kernel import make_kernel, plan_kernel
from science_exam.kaggle.packing.metadata import (
    KERNEL_METADATA,
    check_kernel,
    check_settings,
    choose_title,
    find_owner,
    read_kernel,
    write_metadata,
)
from science_exam.kaggle.packing.notebook_check import check_notebook


@pytest.fixture
def kernel(work, monkeypatch):
    monkeypatch.setenv("KAGGLE_USERNAME", "somebody")
    write_all()
    return make_kernel(plan_kernel(CONFIG), overwrite=False)


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_kernel_as_it_is_made_has_no_problems(kernel):
    assert check_kernel(kernel) == []


def test_what_the_kernel_says(kernel):
    said = json.loads((kernel / KERNEL_METADATA).read_text())
    assert said == {
        "id": f"somebody/{NAME}",
        "title": "Science exam test",
        "code_file": f"{NAME}.ipynb",
        "language": "python",
        "kernel_type": "notebook",
        "is_private": True,
        "enable_gpu": True,
        "enable_tpu": False,
        "enable_internet": False,
        "machine_shape": "NvidiaTeslaT4",
        "dataset_sources": [f"somebody/{NAME}-{name}" for name in ("code", "wheels", "runs", "index")],
        "competition_sources": ["kaggle-llm-science-exam"],
        "kernel_sources": [],
        "model_sources": [],
    }


def test_what_a_bundle_says(kernel):
    said = json.loads((kernel / "bundles" / "runs" / "dataset-metadata.json").read_text())
    expected = {
        "id": f"somebody/{NAME}-runs",
        "title": "Science exam test runs",
        "licenses": [{"name": "other"}],
    }
    assert said == expected


def test_an_owner_may_come_later(kernel):
    write_metadata(replace(read_kernel(kernel), owner=""), kernel)
    assert json.loads((kernel / KERNEL_METADATA).read_text())["id"] == f"OWNER/{NAME}"
    assert check_kernel(kernel) == []
    write_metadata(replace(read_kernel(kernel), owner="me"), kernel)
    assert json.loads((kernel / KERNEL_METADATA).read_text())["dataset_sources"][0] == f"me/{NAME}-code"
    assert read_kernel(kernel).owner == "me"
    assert check_kernel(kernel) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"enable_internet": True}, "enable_internet: expected False"),
        ({"enable_internet": "false"}, "enable_internet: expected False, found 'false'"),
        ({"enable_internet": 0}, "enable_internet: expected False, found 0"),
        ({"competition_sources": "kaggle-llm-science-exam"}, "competition_sources: expected ["),
        ({"machine_shape": "NvidiaTeslaP100"}, "machine_shape: expected 'NvidiaTeslaT4'"),
        ({"title": "Another title"}, "title: expected"),
        ({"id": "somebody/another"}, "id: expected"),
        ({"model_sources": ["owner/model"]}, "model_sources: expected"),
        ({"dataset_sources": []}, "dataset_sources: expected"),
        ({"enable_internett": False}, "unexpected key 'enable_internett'"),
        ({"id_no": 7}, "unexpected key 'id_no'"),
    ],
)
def test_what_the_client_would_take_in_silence_is_found(kernel, values, expected):
    change(kernel / KERNEL_METADATA, **values)
    problems = check_kernel(kernel)
    assert len(problems) == 1
    assert expected in problems[0]


def test_a_byte_order_mark_is_found(kernel):
    path = kernel / KERNEL_METADATA
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert "expected JSON in UTF-8" in check_kernel(kernel)[0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"licenses": []}, "licenses: expected [{'name': 'other'}]"),
        ({"title": "short"}, "title: expected 'Science exam test runs'"),
        ({"id": "somebody/other"}, f"id: expected 'somebody/{NAME}-runs'"),
        ({"id": f"another/{NAME}-runs"}, f"id: expected 'somebody/{NAME}-runs'"),
        ({"isPrivate": False}, "unexpected key 'isPrivate'"),
    ],
)
def test_what_is_wrong_with_a_bundles_metadata_is_found(kernel, values, expected):
    change(kernel / "bundles" / "runs" / "dataset-metadata.json", **values)
    [problem] = check_kernel(kernel)
    assert expected in problem


def test_an_image_and_words_may_be_added_by_hand(kernel):
    change(kernel / KERNEL_METADATA, docker_image="image", keywords=["science"])
    change(kernel / "bundles" / "runs" / "dataset-metadata.json", subtitle="Adapters")
    assert check_kernel(kernel) == []


def test_a_bundle_that_is_gone_is_missed(kernel):
    (kernel / "bundles" / "runs" / "science-exam-manifest.json").unlink()
    assert "no such bundle" in check_kernel(kernel)[0]


def test_wheels_are_checked_too(kernel):
    write_wheel(kernel / "bundles" / "wheels", "torch-2.13.0-py3-none-any.whl")
    problems = check_kernel(kernel)
    assert any("a stray file" in problem for problem in problems)
    assert any("would replace the image's torch" in problem for problem in problems)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": "exam"}, "name: expected 5 to 43 letters"),
        ({"name": "x" * 44}, "name: expected 5 to 43 letters"),
        ({"name": "Science_Exam"}, "name: expected small letters"),
        ({"title": "Something else"}, "makes the slug 'something-else'"),
        ({"title": "Science exam test" + "!" * 30}, "title: expected 5 to 43 letters"),
        ({"base_source": "owner/model/transformers/8b"}, "base_source: expected"),
        ({"base_source": "owner/model/transformers/8b/one"}, "base_source: expected"),
    ],
)
def test_names_that_kaggle_would_not_take_are_found_first(changes, expected):
    assert any(expected in problem for problem in check_settings(replace(CONFIG, **changes)))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"hours": 9}, "hours: expected more than 0 and less than 9, found 9"),
        ({"hours": 0}, "hours: expected more than 0"),
        ({"views": 0}, "views: expected at least 1"),
        ({"short_rows": 0}, "short_rows: expected at least 1"),
        ({"machine_shape": "NvidiaTeslaP100"}, "machine_shape: expected one of"),
    ],
)
def test_settings_that_would_end_without_a_score_are_refused(changes, expected):
    with pytest.raises(ValueError, match=expected):
        replace(CONFIG, **changes)


def test_a_bad_name_stops_before_anything_is_written(work):
    write_all()
    with pytest.raises(UserError, match="expected 5 to 43 letters"):
        plan_kernel(replace(CONFIG, name="exam"))
    assert not (work / "kernels").exists()


def test_the_title_is_the_name_in_words():
    assert choose_title(replace(CONFIG, name="exam-8b-two-folds")) == "Exam 8b two folds"


def test_no_kernel_is_said_with_the_command_that_makes_it(tmp_path):
    with pytest.raises(UserError, match="make kernel RUN=<run> NAME=absent"):
        read_kernel(tmp_path / "absent")


@pytest.mark.parametrize("text", ["", "[]", '{"key": "x"}'])
def test_the_owner_is_nobody_when_the_client_knows_nobody(tmp_path, monkeypatch, text):
    monkeypatch.delenv("KAGGLE_USERNAME", raising=False)
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))
    (tmp_path / "kaggle.json").write_text(text)
    assert find_owner() == ""


def test_the_owner_is_whom_the_client_knows(tmp_path, monkeypatch):
    monkeypatch.delenv("KAGGLE_USERNAME", raising=False)
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))
    (tmp_path / "kaggle.json").write_text('{"username": "somebody"}')
    assert find_owner() == "somebody"


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of code cells and check it."""
    import nbformat

    def check(*sources, kernelspec=True, outputs=False):
        metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}} if kernelspec else {}
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        if outputs:
            cells[0].outputs = [nbformat.v4.new_output("stream", text="done")]
        path = tmp_path / "a.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)
        return check_notebook(path)

    return check


def test_a_good_notebook_passes(notebook):
    assert notebook("import sys", 'print(f"{1 + 1}")') == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("!pip install torch", "shell command"),
        ("%pip install --no-index torch", "shell command"),
        ('subprocess.run(["pip", "install", "torch"], check=True)', "installs from the network"),
        ('page = "https://example.org"', "holds an address"),
        ("def f(:", "does not compile"),
        ("token = 'KGAT" + "_0123456789abcdefABCDEF'", "a Kaggle token"),
    ],
)
def test_what_would_fail_on_kaggle_is_found(notebook, source, expected):
    assert any(expected in problem for problem in notebook("x = 1", source))


def test_an_offline_install_is_fine(notebook):
    assert notebook('subprocess.run(["pip", "install", "--no-index", "torch"], check=True)') == []


def test_a_notebook_needs_a_kernelspec(notebook):
    assert "kernelspec" in notebook("x = 1", kernelspec=False)[0]


def test_outputs_are_found(notebook):
    assert "has outputs" in notebook("x = 1", outputs=True)[0]


def test_a_large_notebook_is_found(notebook):
    assert "expected less than 1000000" in notebook("x = '" + "a" * 1_000_000 + "'")[0]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"cells": 1, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}']
)
def test_what_is_no_notebook_is_found(tmp_path, text):
    (tmp_path / "a.ipynb").write_text(text)
    assert "not a valid notebook" in check_notebook(tmp_path / "a.ipynb")[0]
