"""Secrets that must not leave this machine."""

import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from science_exam.kaggle.packing import secret_scan
from science_exam.kaggle.packing.secret_scan import find_secrets

# Made up, and in two parts, so that no scanner takes this file for one that holds secrets.
SECRETS = [
    "KGAT" + "_0123456789abcdefABCDEF",
    '{"username": "me", "key' + '": "0123456789abcdef0123456789abcdef"}',
    "key" + ": 0123456789abcdef0123456789abcdef",
    "KAGGLE_KEY" + "=0123456789abcdef0123456789abcdef",
    "hf" + "_abcdefghijABCDEFGHIJ0123456789abcd",
    "ghp" + "_abcdefghijABCDEFGHIJ0123456789abcdefgh",
    "sk-" + "proj-abcdefghijABCDEFGHIJ0123456789",
    "AKIA" + "ABCDEFGHIJ012345",
    "-----BEGIN RSA " + "PRIVATE KEY-----",
    "https://me:" + "hunter2@index.example/simple",
]
HARMLESS = [
    "KGAT_short",
    '"sha256": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"',
    '"keys": "0123456789abcdef0123456789abcdef"',
    "hf_hub_download and hf_transfer",
    "sk-learn, the risk-adjusted-return-of-a-very-long-word-with-hyphens"[:30],
    "https://example.org/a:b@c",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_found_and_not_repeated(tmp_path, secret):
    (tmp_path / "a.json").write_text(f"before\n{secret}\nafter")
    problems = find_secrets(tmp_path / "a.json")
    assert problems
    assert not any(secret in problem for problem in problems)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_resembles_a_secret_is_let_be(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    assert find_secrets(tmp_path / "a.json") == []


def test_archives_of_code_are_looked_into(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("package/settings.py", f"TOKEN = '{SECRETS[0]}'")
    assert find_secrets(tmp_path / "a.whl") == [
        "a.whl: package/settings.py: holds what looks like a Kaggle token; take it out"
    ]


def test_weights_are_not_read(tmp_path):
    (tmp_path / "a.safetensors").write_text(SECRETS[0])
    assert find_secrets(tmp_path / "a.safetensors") == []


def test_the_environments_own_secrets_are_found_by_value(tmp_path, monkeypatch):
    monkeypatch.setenv("MADE_UP_TOKEN", "correct-horse-battery")
    monkeypatch.setenv("MADE_UP_SECRET", "true")  # too short to mean anything
    (tmp_path / "a.yaml").write_text("note: correct-horse-battery is true")
    assert find_secrets(tmp_path / "a.yaml") == [
        "a.yaml: holds what looks like the value of MADE_UP_TOKEN; take it out"
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(before=st.integers(0, 300), window=st.integers(64, 128))
def test_a_secret_is_found_wherever_the_file_is_cut(tmp_path, before, window):
    (tmp_path / "a.txt").write_text("." * before + " " + SECRETS[0] + " " + "." * 100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secret_scan, "WINDOW", window)
        patch.setattr(secret_scan, "OVERLAP", 64)
        assert len(find_secrets(tmp_path / "a.txt")) == 1


def test_this_projects_own_sources_hold_none():
    from science_exam.kaggle.packing.package_wheel import list_sources

    assert [problem for path in list_sources() for problem in find_secrets(path)] == []
