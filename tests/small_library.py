"""Small passages, hits and questions, and tiny models with random weights, for the tests of retrieval.

Heavy libraries are imported inside the functions, so that tests without a model start at once.
"""

import json
import runpy
import string
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from science_exam.retrieval.hits import Hits, no_hits
from science_exam.retrieval.passages import PassageStore
from science_exam.retrieval.vectors import SHARD_NAME, VectorShards, write_shard
from science_exam.tables import OPTION_COLUMNS, PASSAGES, QUESTIONS, check_table, write_table

DIM = 32


def write_passages(corpus: Path, *parts: Sequence[str], n_tokens: Sequence[int] = ()) -> PassageStore:
    """A finished corpus with the texts of each part; the passage of row 7 is named p7."""
    row = 0
    for number, texts in enumerate(parts):
        records = [
            {
                "passage_id": f"p{row + i}",
                "article_id": f"a{row + i}",
                "title": f"Title {row + i}",
                "section_path": "",
                "text": text,
                "n_tokens": n_tokens[row + i] if n_tokens else len(text.split()),
            }
            for i, text in enumerate(texts)
        ]
        frame = pd.DataFrame(records, columns=list(PASSAGES.columns))
        write_table(frame, PASSAGES, corpus / "passages" / f"part-{number:05d}-000000.parquet")
        row += len(texts)
    # The texts stand for the hashes: another corpus has another manifest.
    outputs = {f"part-{number:05d}-000000.parquet": list(texts) for number, texts in enumerate(parts)}
    (corpus / "passages" / "manifest.json").write_text(json.dumps({"outputs": outputs}))
    return PassageStore(corpus / "passages")


def write_vectors(folder: Path, vectors: np.ndarray, *sizes: int) -> VectorShards:
    """`vectors` in shards of `sizes` rows."""
    assert sum(sizes) == len(vectors)
    ends = np.cumsum(sizes)
    for number, (size, end) in enumerate(zip(sizes, ends, strict=True)):
        write_shard(vectors[end - size : end], folder / SHARD_NAME.format(number))
    return VectorShards(folder)


def make_hits(*queries: Sequence[tuple[int, float]], k: int = 0) -> Hits:
    """Hits of queries that are given as (row, score) pairs, best first, filled up to `k`."""
    hits = no_hits(len(queries), k or max(map(len, queries), default=0))
    for number, pairs in enumerate(queries):
        for place, (row, score) in enumerate(pairs):
            hits.rows[number, place], hits.scores[number, place] = row, score
    return hits


def list_hits(hits: Hits) -> list[list[int]]:
    """The rows of each query, without what fills it up."""
    return [[row for row in rows if row >= 0] for rows in hits.rows.tolist()]


def make_questions(*prompts: str, options: Sequence[str] = "abcde", passages: Sequence = ()) -> pd.DataFrame:
    """A questions table; question q0 was made from the first of `passages`, and so on."""
    rows = [
        {
            "question_id": f"q{number}",
            "prompt": prompt,
            **dict(zip(OPTION_COLUMNS, options, strict=True)),
            "answer": 1,
            "source": "test",
            "group": f"g{number}",
            "passage_id": passages[number] if passages else None,
        }
        for number, prompt in enumerate(prompts)
    ]
    return check_table(pd.DataFrame(rows), QUESTIONS, "test")


def _make_tokenizer(words: Sequence[str], max_tokens: int):
    """WordPiece that knows every letter, and `words` whole; [CLS] text [SEP] and pairs, as BERT's."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    letters = string.ascii_lowercase + string.digits + string.punctuation
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{letter}" for letter in letters), *words]
    numbers = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    raw = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    raw.normalizer = normalizers.BertNormalizer(lowercase=True)
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = [(piece, numbers[piece]) for piece in ("[CLS]", "[SEP]")]
    raw.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=special
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        model_max_length=max_tokens,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
    )


def _make_config(tokenizer, **changes):
    from transformers import BertConfig

    return BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=DIM,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        initializer_range=0.2,
        pad_token_id=tokenizer.pad_token_id,
        **changes,
    )


def save_encoder(
    folder: Path,
    words: Sequence[str] = (),
    max_tokens: int = 64,
    prompts: dict[str, str] | None = None,
    pooling: str = "mean",
    unit: bool = True,
) -> str:
    """A BERT of two layers as a sentence-transformers model in `folder`; returns its path.

    Args:
        folder: where it goes.
        words: that are one token each; others are spelled out.
        max_tokens: the model's own limit.
        prompts: of the model's configuration.
        pooling: how token vectors become one.
        unit: whether the model itself brings vectors to length 1.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from transformers import BertModel

    torch.manual_seed(0)
    tokenizer = _make_tokenizer(words, max_tokens)
    BertModel(_make_config(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    modules = [Transformer(str(folder)), Pooling(DIM, pooling), *([Normalize()] if unit else [])]
    SentenceTransformer(modules=modules, prompts=prompts, device="cpu").save_pretrained(str(folder))
    return str(folder)


def save_reranker(folder: Path, words: Sequence[str] = ()) -> str:
    """A cross-encoder of two layers in `folder`; returns its path."""
    import torch
    from transformers import BertForSequenceClassification

    torch.manual_seed(0)
    tokenizer = _make_tokenizer(words, max_tokens=128)
    config = _make_config(tokenizer, num_labels=1)
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


# Articles of one section each, far enough apart that every question has one right place.
ARTICLES = {
    "Rayleigh scattering": "Molecules of air scatter light. Short waves scatter most, so the sky is blue.",
    "Osmosis": "Water crosses a membrane towards the saltier side. Pressure can stop it.",
    "Basalt": "Basalt is a dark volcanic rock. It forms when lava cools quickly at the surface of a planet.",
    "Enzyme": "An enzyme lowers the activation energy of a reaction. It leaves the reaction unchanged.",
    "Photosynthesis": "Plants turn carbon dioxide into sugar. Chlorophyll absorbs red and blue light.",
    "Neutrino": "A neutrino has almost no mass and no charge. It passes through matter nearly always.",
    "Pendulum": "The period of a pendulum grows with the root of its length. Its mass does not matter.",
    "Mitosis": "A cell divides into two cells with the same chromosomes. The spindle pulls them apart.",
}
ASKED = (
    "Why is the sky blue?",
    "Which way does water go through a membrane?",
    "Which rock forms when lava cools at the surface?",
    "What does an enzyme do to the activation energy?",
    "What do plants make of carbon dioxide?",
    "Which particle has no charge and almost no mass?",
    "On what does the period of a pendulum depend?",
    "What pulls the chromosomes apart when a cell divides?",
)


def build_library(encoder: str = "") -> Path:
    """Corpus and index of `ARTICLES` below the working folder, made by the scripts; returns the index."""
    from science_exam.corpus.config import CorpusConfig
    from science_exam.retrieval.config import EncoderConfig, IndexConfig

    records = [
        {
            "article_id": title.lower().replace(" ", "-"),
            "title": title,
            "sections": [{"path": "", "text": text}],
            "source": "test",
            "url": None,
            "licence": None,
        }
        for title, text in ARTICLES.items()
    ]
    Path("articles.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    corpus = CorpusConfig(sources=("articles.jsonl",), name="tiny", workers=1, block_bytes=500)
    _find_main("corpus")(corpus, "")
    settings = EncoderConfig(name=encoder, precision="float32")
    _find_main("index")(IndexConfig(corpus="data/corpus/tiny", shard_passages=3, encoder=settings), "")
    return Path("data/index/tiny")


def _find_main(script: str):
    return runpy.run_path(str(Path(__file__).parents[1] / "scripts" / f"{script}.py"))["main"]
