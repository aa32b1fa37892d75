"""Passages for one question of a person, with scores and the matching words marked.

make search Q="why is the sky blue" CORPUS=sample
python scripts/search.py q="why is the sky blue" index=data/index/sample k=3
"""

import sys
from pathlib import Path

from science_exam.cli import run_script
from science_exam.errors import UserError
from science_exam.retrieval.config import SearchConfig


def main(config: SearchConfig, _: str) -> None:
    if not config.q.strip():
        raise UserError('q: expected a question, found nothing; make search Q="why is the sky blue"')
    from science_exam.retrieval.display import show_passages
    from science_exam.retrieval.search import DENSE, LEXICAL, find_passages, open_library

    library = open_library(Path(config.index), (LEXICAL, DENSE), config.corpus, interactive=True)
    passages, scores = find_passages(library, config.q, config.k, config.lexical_weight)
    if passages.empty:
        print(f"nothing found in {len(library.store):,} passages")
        return
    mark = "\033[1m{}\033[0m" if sys.stdout.isatty() else "*{}*"
    print(show_passages(config.q, passages, scores, mark.format))
    print(f"\n{len(library.store):,} passages, {' + '.join(library.indexes)} search")


if __name__ == "__main__":
    run_script(main, SearchConfig, "search")
