"""Labelled retrieval sets as the project's own files: articles for `make corpus`, questions with gold.

    python benchmarks/retrieval_sets.py FOLDER_OF_THE_DATA data/raw/retrieval

Writes <set>.articles.jsonl and <set>.questions.jsonl (prompt, options, gold: article ids) for

    stem_1k   1,000 five-option questions -> the context that came with each
    review    2,081 review questions of textbooks -> a passage of their own module (text of another corpus)
    xquad, squad   questions -> their paragraph
    cisi      queries -> the abstracts judged relevant
"""

import csv
import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path

DATA, OUT = map(Path, sys.argv[1:3])
SETS = {
    "stem_1k": DATA / "questions/stem_1k_v1.csv",
    "review": DATA / "questions/openstax_review.jsonl.gz",
    "xquad": DATA / "retrieval/xquad/xquad.en.json",
    "squad": DATA / "retrieval/squad_v2_dev_head/dev-head.json",
    "cisi": DATA / "retrieval/cisi",
}


def read_stem(path: Path):
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    articles = [{"id": number, "title": "", "text": row["context"]} for number, row in enumerate(rows)]
    questions = [
        {
            "prompt": row["prompt"],
            "options": [row[letter] for letter in "ABCDE"],
            "gold": [f"stem_1k:{number}"],
        }
        for number, row in enumerate(rows)
    ]
    return articles, questions


def read_review(path: Path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    return [], [
        {"prompt": r["question"], "options": (r["options"] + [""] * 5)[:5], "gold": [r["doc_id"]]}
        for r in records
    ]


def read_squad(path: Path):
    articles, questions = [], []
    for topic in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in topic["paragraphs"]:
            number, title = len(articles), topic["title"].replace("_", " ")
            articles.append({"id": number, "title": title, "text": paragraph["context"]})
            questions += [
                {"prompt": asked["question"], "options": [""] * 5, "gold": [f"{NAME}:{number}"]}
                for asked in paragraph["qas"]
                if not asked.get("is_impossible")
            ]
    return articles, questions


def read_cisi(folder: Path):
    documents, queries = (dict(read_records(folder / name)) for name in ("CISI.ALL", "CISI.QRY"))
    gold: dict[str, list[str]] = {}
    for line in (folder / "CISI.REL").read_text().splitlines():
        query, document = line.split()[:2]
        gold.setdefault(query, []).append(f"cisi:{document}")
    articles = [
        {"id": number, "title": " ".join(d.get("T", "").split()), "text": d.get("W", "")}
        for number, d in documents.items()
    ]
    questions = [
        {
            "prompt": " ".join((q.get("T", "") + " " + q["W"]).split()),
            "options": [""] * 5,
            "gold": gold[number],
        }
        for number, q in queries.items()
        if number in gold
    ]
    return articles, questions


def read_records(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """(number, field letter -> text) of a file with .I, .T, .W … lines."""
    number, fields, letter = "", {}, ""
    for line in [*path.read_text(encoding="utf-8", errors="replace").splitlines(), ".I"]:
        if line.startswith(".I"):
            if number:
                yield number, fields
            number, fields, letter = line[2:].strip(), {}, ""
        elif line[:1] == "." and line[1:2].isupper() and not line[2:].strip():
            letter = line[1]
        elif letter:
            fields[letter] = fields.get(letter, "") + line + "\n"


READERS = {
    "stem_1k": read_stem,
    "review": read_review,
    "xquad": read_squad,
    "squad": read_squad,
    "cisi": read_cisi,
}

OUT.mkdir(parents=True, exist_ok=True)
for NAME, source in SETS.items():
    made = dict(zip(("articles", "questions"), READERS[NAME](source), strict=True))
    for kind, records in made.items():
        if records:
            folder = OUT / f"{NAME}.{kind}"
            folder.mkdir(exist_ok=True)
            text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
            (folder / f"{NAME}.jsonl").write_text(text, encoding="utf-8")
    print(f"{NAME}: {len(made['articles'])} articles, {len(made['questions'])} questions")
