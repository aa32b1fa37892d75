"""What several test modules share: tiny tokenizers and models made here, and a small question set.

Heavy libraries are imported inside the fixtures, so that tests without a model start at once.
"""

import gc
import os
import runpy
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from science_exam.prompt import INPUT_END, INSTRUCTION, TEMPLATE
from science_exam.questions.store import QuestionSet
from science_exam.tables import CONTEXTS, FOLDS, OPTION_COLUMNS, QUESTIONS, check_table

# Before the libraries read them: no test asks the network, and tiny models gain nothing from threads.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Everywhere the same arithmetic: a machine with a GPU runs the tests on its CPU too.
os.environ["CUDA_VISIBLE_DEVICES"] = ""

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"

# Kinds of tokenizers. In the first four the five options part at one token.
LLAMA, GPT2, SENTENCEPIECE, WHOLE, SCATTERED = "llama", "gpt2", "sentencepiece", "whole", "scattered"
KINDS = (LLAMA, GPT2, SENTENCEPIECE, WHOLE, SCATTERED)
ONE_TOKEN_KINDS = KINDS[:4]

ELEMENTS = (
    "Hydrogen H 1,Helium He 2,Lithium Li 3,Beryllium Be 4,Boron B 5,Carbon C 6,Nitrogen N 7,Oxygen O 8,"
    "Fluorine F 9,Neon Ne 10,Sodium Na 11,Magnesium Mg 12,Silicon Si 14,Phosphorus P 15,Sulfur S 16,"
    "Chlorine Cl 17,Argon Ar 18,Potassium K 19,Calcium Ca 20,Iron Fe 26"
)
FACTS = [tuple(fact.split()) for fact in ELEMENTS.split(",")]  # (name, symbol, atomic number)


@dataclass(frozen=True)
class Base:
    """A tiny random Llama with its tokenizer, saved to a folder."""

    folder: str
    tokenizer: object


@pytest.fixture
def no_collection():
    """For thousands of brackets, which leave no stack for the finalizers that a collection would call."""
    gc.disable()
    yield
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Modules stay whole, but for tests on a cluster: one process takes them all, and starts Ray once."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "cluster" if "_cluster_" in nodeid else super()._split_scope(nodeid)

    return Scheduling(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.fixture(autouse=True, scope="module")
def frozen_libraries():
    """Collections look only through what a module makes: all that is loaded takes them half a second each."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def question_set() -> QuestionSet:
    """40 questions on 20 elements, two contexts each; an element's two questions are one group."""
    questions, contexts = [], []
    for index in range(2 * len(FACTS)):
        number, (name, symbol, atomic_number) = index // 2, FACTS[index // 2]
        field = index % 2 + 1  # symbol or atomic number
        prompt = f"What is the {('symbol', 'atomic number')[index % 2]} of the element {name}?"
        options = [FACTS[(number + 3 * step) % len(FACTS)][field] for step in range(5)]  # [0] is right
        answer = 3 * index % 5 + 1
        options = options[1:answer] + options[:1] + options[answer:]
        question_id = f"{name.lower()}-{field}"
        questions.append(
            {
                "question_id": question_id,
                "prompt": prompt,
                **dict(zip(OPTION_COLUMNS, options, strict=True)),
                "answer": answer,
                "source": "elements",
                "group": name,
                "passage_id": None,
            }
        )
        texts = [
            f"{name} is a chemical element. Its symbol is {symbol}. Its atomic number is {atomic_number}.",
            f"The nucleus of {name} holds {atomic_number} protons! Chemists write {symbol} for it.",
        ]
        for rank, text in enumerate(texts, start=1):
            row = {"question_id": question_id, "rank": rank, "passage_id": None, "score": None}
            contexts.append({**row, "retriever": "given", "text": text})
    folds = [
        {"question_id": row["question_id"], "fold": index // 2 % 5} for index, row in enumerate(questions)
    ]
    return QuestionSet(
        check_table(pd.DataFrame(questions), QUESTIONS, "fixture"),
        check_table(pd.DataFrame(contexts), CONTEXTS, "fixture"),
        check_table(pd.DataFrame(folds), FOLDS, "fixture"),
    )


@pytest.fixture(scope="session")
def bases(tmp_path_factory, question_set) -> dict[str, Base]:
    """A tiny base for every kind of tokenizer."""
    from science_exam.training.model import load_tokenizer

    corpus = [
        *[
            TEMPLATE.format(instruction=INSTRUCTION, input="Context:")
            + INPUT_END
            + " option_1 option_2 option_3"
        ]
        * 5,
        *question_set.questions["prompt"],
        *question_set.contexts["text"],
    ]
    made = {}
    for kind in KINDS:
        folder = tmp_path_factory.mktemp(kind)
        tokenizer = _make_tokenizer(kind, corpus)
        tokenizer.save_pretrained(folder)
        _save_tiny_llama(tokenizer, folder)
        made[kind] = Base(str(folder), load_tokenizer(str(folder)))
    return made


def _make_tokenizer(kind: str, corpus: list[str]):
    makers = {GPT2: _make_gpt2_like, SENTENCEPIECE: _make_sentencepiece_like}
    tokenizer = makers.get(kind, _make_llama_like)(corpus)
    if kind == WHOLE:
        tokenizer.add_tokens([f"option_{number}" for number in range(1, 6)])
    if kind == SCATTERED:  # option_1 and option_2 whole, the others in pieces: three tokens to choose from
        tokenizer.add_tokens(["option_1", "option_2"])
    return tokenizer


def _make_llama_like(corpus: list[str]):
    """Byte-level BPE, a token a digit, and an opening token, as Llama-3's."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    bos, eos, pad = "<|begin_of_text|>", "<|end_of_text|>", "<|pad|>"
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        corpus,
        trainers.BpeTrainer(
            vocab_size=700, special_tokens=[bos, eos, pad], initial_alphabet=alphabet, show_progress=False
        ),
    )
    raw.post_processor = TemplateProcessing(single=f"{bos} $A", special_tokens=[(bos, 0)])
    return PreTrainedTokenizerFast(tokenizer_object=raw, bos_token=bos, eos_token=eos, pad_token=pad)


def _make_gpt2_like(corpus: list[str]):
    """Byte-level BPE that may merge digits; one special token, neither opening nor padding."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    end = "<|endoftext|>"
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        [*corpus, "12 12 12 34 34 34 15 15 15"],
        trainers.BpeTrainer(
            vocab_size=700, special_tokens=[end], initial_alphabet=alphabet, show_progress=False
        ),
    )
    return PreTrainedTokenizerFast(tokenizer_object=raw, bos_token=end, eos_token=end)


def _make_sentencepiece_like(corpus: list[str]):
    """Unigram pieces with a visible space before every word, as T5's and Llama-2's."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.Unigram())
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Digits(individual_digits=True)]
    )
    raw.decoder = decoders.Metaspace()
    raw.train_from_iterator(
        corpus,
        trainers.UnigramTrainer(
            vocab_size=500,
            special_tokens=["<unk>", "<s>", "</s>"],
            unk_token="<unk>",
            initial_alphabet=list("0123456789"),
            show_progress=False,
        ),
    )
    raw.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="</s>"
    )


def _save_tiny_llama(tokenizer, folder: Path) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        initializer_range=0.1,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    model = LlamaForCausalLM(config)
    model.lm_head.weight.data *= 3  # a random model with preferences, and one that can learn to be sure
    model.save_pretrained(folder)


@pytest.fixture(scope="session")
def llama3_tokenizer():
    """The real tokenizer of Llama-3, where the machine has it."""
    folder = SHARED / "tokenizers" / "llama3"
    if not (folder / "tokenizer.json").is_file():
        pytest.skip(f"{folder} is not on this machine")
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="session")
def official_questions() -> pd.DataFrame:
    """The competition's 200 labelled questions, where the machine has them."""
    path = SHARED / "data" / "questions" / "kaggle" / "train.csv"
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine")
    from science_exam.questions.sources import read_questions

    return read_questions(path)[0]


@pytest.fixture
def work(tmp_path, monkeypatch) -> Path:
    """An empty working folder with configs/, as scripts expect it, and the process in it."""
    monkeypatch.chdir(tmp_path)
    for stage in ("questions", "train"):
        (tmp_path / "configs" / stage).mkdir(parents=True)
    return tmp_path


@pytest.fixture(autouse=True)
def fresh_accelerator():
    """The library keeps one accelerator a process; every training here is to start with its own."""
    yield
    if state := sys.modules.get("accelerate.state"):
        state.AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture
def run_script(monkeypatch):
    """Run `scripts/<name>.py words…` inside this process; returns the exit code."""

    def run(name: str, *words: str) -> int:
        path = ROOT / "scripts" / f"{name}.py"
        monkeypatch.setattr(sys, "argv", [str(path), *words])
        try:
            runpy.run_path(str(path), run_name="__main__")
        except SystemExit as stop:
            return stop.code or 0
        return 0

    return run


@pytest.fixture
def start_script():
    """Start `scripts/<name>.py words…` as a process of its own in the working folder."""
    started = []

    def start(name: str, *words: str) -> subprocess.Popen:
        path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": path}
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "scripts" / f"{name}.py"), *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def ray_cluster(tmp_path_factory):
    """Ray on two cores of this machine, started in another folder than the tests work in."""
    ray = pytest.importorskip("ray")
    ours = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    here, elsewhere = Path.cwd(), tmp_path_factory.mktemp("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", ours)  # for the workers, which Ray starts
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # CUDA_VISIBLE_DEVICES stays as set above
        os.chdir(elsewhere)
        ray.init(
            num_cpus=2,
            num_gpus=0,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
            object_store_memory=100 * 2**20,
        )
        os.chdir(here)
        yield ray
        ray.shutdown()
