"""Passages for the notebook's questions: python -m science_exam.kaggle.session.retrieving FOLDER

FOLDER holds questions.parquet and retrieve.yaml; contexts.parquet is written when all of them are found.
"""

import sys
from dataclasses import replace
from pathlib import Path

from science_exam.config import load_config
from science_exam.retrieval.config import RetrieveConfig
from science_exam.tables import CONTEXTS, QUESTIONS, read_table, write_table

SETTINGS = "retrieve.yaml"
BY_WORDS = "searched by words alone"
QUESTIONS_FILE, CONTEXTS_FILE = "questions.parquet", "contexts.parquet"


def retrieve(folder: Path) -> None:
    """Find passages; an index whose encoder or reranker fails is searched by words alone."""
    from science_exam.retrieval.retrieve import retrieve_contexts

    config = load_config(RetrieveConfig, str(folder / SETTINGS), [], folder)
    questions = read_table(QUESTIONS, folder / QUESTIONS_FILE)
    try:
        contexts, results = retrieve_contexts(questions, config)
    except Exception as error:  # whatever it is, the lexical index needs less
        simplest = replace(config, retriever="lexical", reranker="")
        if config.retriever not in ("fused", "lexical") or config == simplest:
            raise
        print(f"{BY_WORDS}: {type(error).__name__}: {error}")
        contexts, results = retrieve_contexts(questions, simplest)
    write_table(contexts, CONTEXTS, folder / CONTEXTS_FILE)
    print(f"{len(contexts)} passages for {len(questions)} questions, found by {results['retriever']}")


if __name__ == "__main__":
    retrieve(Path(sys.argv[1]))
