"""Questions + index -> the passages that each question is to be read with.

    make retrieve QUESTIONS=path/to/questions.csv CORPUS=sample
    python scripts/retrieve.py questions=data/questions/sample index=data/index/sample k=5

Writes data/contexts/<name>/contexts.parquet; training and answering read it with contexts=<folder>.
"""

from pathlib import Path

from science_exam.cli import run_script
from science_exam.questions.store import read_questions_table
from science_exam.retrieval.config import RetrieveConfig
from science_exam.runs import MANIFEST, open_run
from science_exam.tables import CONTEXTS, write_table


def main(config: RetrieveConfig, _: str) -> None:
    asked = Path(config.questions)
    folder = Path("data/contexts") / (config.name or asked.name)
    # TF-IDF reads the corpus itself; an index stands for the corpus that it was made of.
    read = {
        "tfidf": [Path(config.corpus) / "passages"],
        "fused": [Path(config.index) / kind for kind in ("lexical", "dense")],
    }.get(config.retriever, [Path(config.index) / config.retriever])
    inputs = [asked / "questions.parquet", *(folder / MANIFEST for folder in read)]
    run = open_run(folder, config, inputs, without=("name",))
    if run.finished:
        return
    from science_exam.retrieval.retrieve import retrieve_contexts

    contexts, results = retrieve_contexts(read_questions_table(asked), config)
    run.begin()
    write_table(contexts, CONTEXTS, folder / "contexts.parquet")
    run.finish(results)
    print(f"{folder}: {len(contexts)} contexts; {results}")


if __name__ == "__main__":
    run_script(main, RetrieveConfig, "retrieve")
