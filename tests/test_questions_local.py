"""A tiny language model that writes nonsense, held to the form of a question."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from conftest import GPT2, LLAMA, ROOT, SENTENCEPIECE, WHOLE

from science_exam.errors import UserError
from science_exam.questions.drafts import Tally
from science_exam.questions.generation.asking import BUDGET_SPENT, BudgetSpent, Failure, Reply
from science_exam.questions.generation.config import LocalConfig
from science_exam.questions.generation.engines import Passage
from science_exam.questions.generation.local.model import LocalModel
from science_exam.questions.generation.local.sampling import RowSampling
from science_exam.questions.generation.prompting import SCHEMA, write_messages
from science_exam.questions.generation.writing import ModelEngine

DEMO = ROOT / "models" / "tiny-science-llama"
# The same form with shorter strings, so that tests are quick.
SHORT = {
    **SCHEMA,
    "properties": {
        key: {**value, "maxLength": 12} if "maxLength" in value else value
        for key, value in SCHEMA["properties"].items()
    },
}
CHATS = [
    [{"role": "user", "content": text}] for text in ("Write.", "Write about ice and rain.", "Now!", "Go on")
]
TEMPLATE = (
    "{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.fixture(scope="module")
def random_demo(tmp_path_factory):
    """Folder of a random Llama with the demo model's tokenizer."""
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("random")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(DEMO / name, folder)
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    # A few outputs more than the tokenizer has entries, as in many published models.
    vocab_size = json.loads((DEMO / "config.json").read_text())["vocab_size"]
    LlamaForCausalLM(LlamaConfig(vocab_size=vocab_size + 32, **shape)).save_pretrained(folder)
    return str(folder)


@pytest.fixture
def open_model(random_demo):
    def make(seed=0, **changes):
        config = LocalConfig(path=random_demo, batch_size=4, max_new_tokens=400, temperature=0.0)
        return LocalModel(replace(config, **changes), seed)

    return make


def texts(replies):
    return [reply.text for reply in replies]


def check_form(reply, schema):
    """A whole object of the schema."""
    assert not reply.truncated
    value = json.loads(reply.text)
    assert list(value) == schema["required"]
    for key, limits in schema["properties"].items():
        assert limits.get("minLength", 0) <= len(value[key]) <= limits.get("maxLength", 99)
        assert value[key] in limits.get("enum", [value[key]])


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_every_reply_of_a_random_model_has_the_form(open_model, temperature):
    replies = list(open_model(temperature=temperature).ask(CHATS * 3, SHORT))
    for reply in replies:
        check_form(reply, SHORT)
        assert reply.tokens_in > 0
        assert 0 < reply.tokens_out < 400


@pytest.mark.parametrize("kind", [LLAMA, GPT2, WHOLE])
def test_the_form_is_kept_with_every_kind_of_tokenizer(bases, kind):
    model = LocalModel(LocalConfig(path=bases[kind].folder, max_new_tokens=300, temperature=1.0))
    for reply in model.ask(CHATS, SHORT):
        check_form(reply, SHORT)


def test_the_form_is_kept_with_pieces_that_fall_back_to_bytes(random_demo, tmp_path):
    """As the tokenizers of Llama-2, Mistral and Gemma."""
    from tokenizers import Tokenizer, decoders, models, normalizers
    from transformers import PreTrainedTokenizerFast

    pieces = [
        "<unk>",
        "<s>",
        "</s>",
        *(f"<0x{byte:02X}>" for byte in range(256)),
        *"▁abcdefghijklmnopqrstuvwxyz",
    ]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    raw = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    raw.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    raw.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    folder = shutil.copytree(random_demo, tmp_path / "pieces")
    (folder / "tokenizer_config.json").unlink()
    PreTrainedTokenizerFast(
        tokenizer_object=raw, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    ).save_pretrained(folder)
    model = LocalModel(LocalConfig(path=str(folder), temperature=1.0))
    for reply in model.ask(CHATS, SHORT):
        check_form(reply, SHORT)


def test_a_tokenizer_whose_tokens_are_not_bytes_is_refused(bases):
    with pytest.raises(UserError, match="cannot be used"):
        LocalModel(LocalConfig(path=bases[SENTENCEPIECE].folder))


def test_the_questions_own_form_ends_within_its_longest(open_model):
    [reply] = open_model(temperature=1.0, max_new_tokens=1_200).ask(CHATS[:1], SCHEMA)
    assert not reply.truncated
    assert json.loads(reply.text)["answer"] in SCHEMA["properties"]["answer"]["enum"]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_the_batch_size_changes_no_reply_and_the_order_is_kept(open_model, temperature):
    alone = [reply for chat in CHATS for reply in open_model(temperature=temperature).ask([chat], SHORT)]
    assert len(set(texts(alone))) > 1
    for batch_size in (1, 3, 4):
        together = open_model(temperature=temperature, batch_size=batch_size).ask(CHATS, SHORT)
        assert list(together) == alone


def test_draws_follow_the_seed(open_model):
    first, same, other = (
        texts(open_model(seed=seed, temperature=1.0).ask(CHATS, SHORT)) for seed in (1, 1, 2)
    )
    assert first == same
    assert first != other


def test_a_reply_at_the_limit_of_tokens_is_marked(open_model):
    replies = list(open_model(max_new_tokens=5).ask(CHATS, SHORT))
    assert [(reply.truncated, reply.tokens_out) for reply in replies] == [(True, 5)] * len(CHATS)


def test_without_a_schema_any_text_may_come(open_model):
    [reply] = open_model(max_new_tokens=8).ask(CHATS[:1], None)
    assert isinstance(reply, Reply)


def test_a_chat_template_is_used_where_there_is_one(random_demo, tmp_path, open_model):
    folder = shutil.copytree(random_demo, tmp_path / "chat")
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    plain, chat = (
        next(open_model(path=str(path), max_new_tokens=1).ask(CHATS[:1], None))
        for path in (random_demo, folder)
    )
    tokenizer = open_model(path=str(folder))._tokenizer
    asked = tokenizer("<user>Write.<assistant>", add_special_tokens=False)["input_ids"]
    assert chat.tokens_in == len(asked)
    assert plain.tokens_in != chat.tokens_in


def test_a_passage_longer_than_the_model_reads_is_given_up(open_model):
    long = [{"role": "user", "content": "ice " * 3_000}]
    first, second = open_model().ask([long, CHATS[0]], SHORT)
    assert first == Failure("passage too long")
    check_form(second, SHORT)


def limit_memory(model, monkeypatch, n_rows):
    """Let `model` run out of memory with more than `n_rows`; returns the sizes that were tried."""
    sizes, generate = [], model._model.generate

    def run(input_ids, **settings):
        sizes.append(len(input_ids))
        if len(input_ids) > n_rows:
            raise torch.OutOfMemoryError
        return generate(input_ids=input_ids, **settings)

    monkeypatch.setattr(model._model, "generate", run)
    return sizes


def test_a_batch_too_large_is_halved_and_stays_so(open_model, monkeypatch):
    expected = list(open_model().ask(CHATS, SHORT))
    model = open_model()
    sizes = limit_memory(model, monkeypatch, n_rows=2)
    assert list(model.ask(CHATS, SHORT)) == expected
    assert sizes == [4, 2, 2]


def test_one_request_too_large_for_the_memory_is_an_error(open_model, monkeypatch):
    model = open_model(batch_size=2)
    limit_memory(model, monkeypatch, n_rows=0)
    with pytest.raises(UserError, match="quantization=nf4"):
        list(model.ask(CHATS, SHORT))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": "./nowhere"}, "expected a folder with config.json"),
        ({"path": str(ROOT / "tests")}, "expected a folder with config.json"),
        ({"path": "nobody/nothing"}, "does not load"),
        ({"quantization": "nf4"}, "expected a GPU"),
    ],
)
def test_a_model_that_cannot_be_loaded_says_why(open_model, changes, message):
    with pytest.raises(UserError, match=message):
        open_model(**changes)


def test_a_model_with_code_of_its_own_is_refused(random_demo, tmp_path, open_model):
    folder = shutil.copytree(random_demo, tmp_path / "own")
    settings = json.loads((folder / "config.json").read_text())
    settings |= {"model_type": "own", "auto_map": {"AutoConfig": "own.C", "AutoModelForCausalLM": "own.M"}}
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "own.py").write_text("raise SystemExit('was run')")
    with pytest.raises(UserError, match="does not load"):
        open_model(path=str(folder))


def test_pickled_weights_are_refused(random_demo, tmp_path, open_model):
    folder = shutil.copytree(random_demo, tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UserError, match="does not load"):
        open_model(path=str(folder))


def test_a_tokenizer_without_a_fast_backend_is_refused(open_model, monkeypatch):
    def refuse(*_, **__):
        raise ValueError("Only fast tokenizers are supported")

    monkeypatch.setattr("llguidance.hf.from_tokenizer", refuse)
    with pytest.raises(UserError, match=r"tokenizer\.json.*engine=endpoint"):
        open_model()


def test_a_schema_that_cannot_be_followed_is_an_error(open_model):
    with pytest.raises(UserError, match="schema cannot be followed"):
        list(open_model().ask(CHATS, {"type": "nothing"}))


# The engine around a model


PASSAGES = [Passage(f"p{n}", f"a{n}", "Ice", "", f"Ice\nIce number {n} melts at 273 K.") for n in range(4)]
GOOD = {"question": "What is ice made of?", **{f"option_{n}": f"Matter {n}" for n in range(1, 6)}}
GOOD_TEXT = json.dumps({**GOOD, "answer": "option_2"})


class Script:
    """An asker that gives prepared outcomes and remembers what it was asked."""

    def __init__(self, *outcomes):
        self.outcomes, self.requests = outcomes, []

    def ask(self, requests, schema, progress=iter):
        assert schema == SCHEMA
        self.requests = list(requests)
        yield from progress(self.outcomes)


def say(text, **fields):
    return Reply(text, 10, 10, **fields)


def test_drafts_follow_the_chosen_passages_and_lost_replies_are_counted():
    cut = say(GOOD_TEXT[:50], truncated=True)
    script = Script(
        say(GOOD_TEXT), say("Sorry"), cut, Failure("timeout"), say(GOOD_TEXT), say(GOOD_TEXT[:50])
    )
    dropped = Tally()
    drafts = list(ModelEngine(script, "local", per_passage=2).generate(PASSAGES, [0, 2, 3], dropped))
    assert [draft.passage_id for draft in drafts] == ["p0", "p3"]
    assert {(draft.source, draft.right) for draft in drafts} == {("local", "Matter 2")}
    assert dropped.counts == {
        ("local", "no JSON object"): 1, ("local", "cut off"): 2, ("local", "timeout"): 1,
    }  # fmt: skip
    asked = [write_messages(PASSAGES[position], number) for position in (0, 2, 3) for number in (0, 1)]
    assert script.requests == asked


def test_an_object_that_is_whole_counts_even_if_the_reply_was_cut_behind_it():
    script = Script(say(GOOD_TEXT + " I chose", truncated=True))
    assert len(list(ModelEngine(script, "local").generate(PASSAGES, [0], Tally()))) == 1


def test_a_spent_budget_ends_the_run_after_all_that_was_paid_for():
    script = Script(say(GOOD_TEXT), Failure(BUDGET_SPENT), say(GOOD_TEXT), Failure(BUDGET_SPENT))
    dropped, drafts = Tally(), []
    with pytest.raises(BudgetSpent) as caught:
        drafts.extend(ModelEngine(script, "server").generate(PASSAGES, range(4), dropped))
    assert caught.value.n_unasked == 2
    assert dropped.total() == 0


def test_a_spent_budget_hands_out_the_drafts_before_it_ends():
    script = Script(say(GOOD_TEXT), Failure(BUDGET_SPENT), say(GOOD_TEXT))
    drafts = ModelEngine(script, "server").generate(PASSAGES, range(3), Tally())
    assert [next(drafts).passage_id, next(drafts).passage_id] == ["p0", "p2"]
    with pytest.raises(BudgetSpent):
        next(drafts)


def test_a_draw_of_zero_does_not_lift_what_is_forbidden(monkeypatch):
    """Infinite noise on a score of minus infinity is no number, and the largest of all to argmax."""
    monkeypatch.setattr(torch.Tensor, "exponential_", lambda waits, generator: waits.zero_())
    scores = torch.tensor([[0.0, -torch.inf, 1.0]])
    drawn = RowSampling(1.0, [0], "cpu")(None, scores)
    assert not drawn.isnan().any()
    assert drawn[0, 1] == -torch.inf
