"""Search results as a person sees them."""

import os
import shutil

import pandas as pd
import pytest

from science_exam.retrieval.display import INDENT, MAX_LINES, show_passages


@pytest.fixture(autouse=True)
def narrow_terminal(monkeypatch):
    set_width(monkeypatch, 44)


def set_width(monkeypatch, columns):
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((columns, 24)))


def show(query, *texts, scores=None):
    passages = pd.DataFrame({"text": list(texts)}, index=range(7, 7 + len(texts)))
    return show_passages(query, passages, scores or [1.0] * len(texts), "*{}*".format)


def test_each_passage_has_its_rank_score_and_head_and_its_text_below():
    shown = show(
        "sky", "Rayleigh scattering > Sky\nThe sky is blue.", "Whale\nIt swims.", scores=[0.98765, 0.5]
    )
    assert shown == (
        "1. 0.988  Rayleigh scattering > Sky\n    The *sky* is blue.\n\n2. 0.500  Whale\n    It swims."
    )


def test_words_that_share_a_stem_with_the_query_are_marked():
    shown = show("scattering of waves", "Light\nThe Wave scatters; waves, scattered. Water.")
    assert shown.splitlines()[1:] == ["    The *Wave* *scatters;* *waves,* *scattered.*", "    Water."]


def test_words_that_say_nothing_are_not_marked():
    assert "*" not in show("what is the", "Light\nWhat the light is.")


def test_a_query_without_words_marks_nothing():
    assert "*" not in show("?!", "Light\nLight is a wave?!")


def test_long_lines_are_wrapped_between_words():
    words = "Matter cannot be created or destroyed in an isolated system, it only changes its form."
    lines = show("entropy", f"Matter\n{words}").splitlines()[1:]
    assert all(line.startswith(INDENT) and len(line) <= 44 for line in lines)
    assert " ".join(line.strip() for line in lines) == words


def test_lines_stay_readable_on_a_wide_terminal(monkeypatch):
    set_width(monkeypatch, 300)
    lines = show("entropy", "Head\n" + "word " * 100).splitlines()
    assert 90 < max(map(len, lines)) <= 100


def test_a_long_passage_is_cut_with_an_ellipsis():
    lines = show("entropy", "Head\n" + "word " * 200).splitlines()[1:]
    assert len(lines) == MAX_LINES + 1
    assert lines[-1] == f"{INDENT}…"
    assert "…" not in show("entropy", "Head\n" + "abcdefgh " * 4 * MAX_LINES)  # just fits


def test_a_passage_without_a_head_shows_its_text():
    assert show("sky", "The sky is blue.").splitlines()[1] == "    The *sky* is blue."


def test_no_passages_show_nothing():
    assert show("sky") == ""
