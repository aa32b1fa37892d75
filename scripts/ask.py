"""Answer one question: the passages that are read with it, and its options, likeliest first.

    make ask Q="Which planet is the largest?" OPTIONS="Mars|Earth|Venus|Jupiter|Saturn" RUN=demo/fold0
    python scripts/ask.py q="Which planet is …?" options="Mars|Earth|Venus|Jupiter|Saturn" index=

Without a run the embedded base answers alone; with index= (nothing) it is closed book.
"""

from pathlib import Path

import pandas as pd

from science_exam.answering.asking import format_answer, format_contexts, read_question
from science_exam.answering.config import AskConfig
from science_exam.cli import run_script
from science_exam.tables import CONTEXTS
from science_exam.training.base import find_base
from science_exam.training.config import BaseConfig, TrainConfig
from science_exam.training.trained import read_training


def main(config: AskConfig, _: str) -> None:
    question = read_question(config.q, config.options)
    alone = TrainConfig(base=BaseConfig(path=config.base or BaseConfig().path))
    settings = read_training(Path(config.run), config.base) if config.run else alone
    find_base(settings.base.path)
    k = settings.max_contexts if config.max_contexts is None else config.max_contexts
    no_contexts = pd.DataFrame(columns=list(CONTEXTS.columns))
    contexts = find_contexts(question, config, k) if config.index and k else no_contexts
    from science_exam.answering.predictions import Answerer
    from science_exam.training import learners

    answering = learners.load_trained(settings.base, Path(config.run) / "adapter" if config.run else None)
    tokenizer = learners.load_tokenizer(settings.base.path)
    answerer = Answerer(answering, tokenizer, k, settings.max_tokens, 1, settings.objective)
    predictions = answerer.predict(question, contexts, fold="test", run=config.run)
    print(f"{format_contexts(contexts)}\n\n{format_answer(question, predictions)}\n")
    print(f"answered by {config.run or f'{settings.base.path}, without an adapter'}")


def find_contexts(question: pd.DataFrame, config: AskConfig, k: int) -> pd.DataFrame:
    from science_exam.retrieval.config import RetrieveConfig
    from science_exam.retrieval.contexts import CANDIDATES, choose_contexts
    from science_exam.retrieval.search import DENSE, LEXICAL, fuse_rankings, open_library, search_questions

    usual = RetrieveConfig()
    library = open_library(Path(config.index), (LEXICAL, DENSE), config.corpus, interactive=True)
    rankings = search_questions(library.indexes, question, usual.queries, usual.depth)
    hits, retriever = fuse_rankings(rankings, usual.lexical_weight, k * CANDIDATES), "+".join(library.indexes)
    ids = question["question_id"].tolist()
    return choose_contexts(ids, hits, library.store, retriever, k, usual.max_tokens, usual.max_overlap)


if __name__ == "__main__":
    run_script(main, AskConfig, "ask")
