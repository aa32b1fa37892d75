"""The settings' engine is opened, and closed behind its use."""

import pytest
from fake_server import FakeServer

from science_exam.errors import UserError
from science_exam.questions.drafts import Tally
from science_exam.questions.generation.config import EndpointConfig, GenerateConfig, LocalConfig
from science_exam.questions.generation.engines import Passage
from science_exam.questions.generation.opening import open_engine
from science_exam.questions.generation.rules.engine import RulesEngine

PASSAGE = Passage("p", "a", "Ice", "", "Ice\nIce melts.")


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    """No key, and no proxy between a test and its server."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_the_rules_take_their_settings_and_leave_no_replies(tmp_path):
    with open_engine(GenerateConfig(per_passage=3, seed=5), "wiki", tmp_path / "replies") as engine:
        assert engine == RulesEngine("wiki", per_passage=3, seed=5)
    assert not (tmp_path / "replies").exists()


def test_a_server_is_asked_as_often_as_wanted_and_says_what_it_cost(tmp_path, capsys):
    with FakeServer() as server:
        endpoint = EndpointConfig(url=server.url, model="tiny")
        config, dropped = GenerateConfig(engine="endpoint", per_passage=2, endpoint=endpoint), Tally()
        for _ in range(2):  # the second time its replies are there
            with open_engine(config, "asked", tmp_path / "replies") as engine:
                assert list(engine.generate([PASSAGE], [0], dropped)) == []  # it replies with an echo
        assert len(server.bodies) == 2
    assert dropped.total("asked") == 4
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("2 requests (0 again), 20 tokens in, 10 out")
    assert second.startswith("0 requests (0 again), 20 tokens in, 10 out")


def test_a_server_that_cannot_be_is_named_before_anything_is_sent(tmp_path):
    config = GenerateConfig(engine="endpoint", endpoint=EndpointConfig(model=""))
    with pytest.raises(UserError, match="model"), open_engine(config, "asked", tmp_path / "replies"):
        pass


def test_a_model_that_is_not_there_is_named(tmp_path):
    config = GenerateConfig(engine="local", local=LocalConfig(path=str(tmp_path / "nowhere")))
    with pytest.raises(UserError, match="nowhere"), open_engine(config, "made", tmp_path / "replies"):
        pass
