"""How many leaks of evaluation questions are found, and how many rows are suspected for nothing.

    python benchmarks/leak_check.py FOLDER_OF_THE_DATA [REWORDINGS.jsonl] [--words-alone] [--show]

The evaluation set is the 200 public questions of the competition. Three tables:

    repeats     sets that are known to repeat official prompts
    rewordings  official questions put into other words: by the rules below, and by hand where a file of
                {"id": …, "prompt": …} is given; with the options kept, shuffled, left out or another row's
    alarms      sets that hold no official question

--words-alone does without the encoder; --show prints every row that is found beyond the same prompts.
"""

import csv
import gzip
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import reduce
from pathlib import Path

from science_exam.questions.repeats.embeddings import load_encoder
from science_exam.questions.repeats.leaks import NEAR_DUPLICATE, PARAPHRASE, SAME_PROMPT, LeakCheck
from science_exam.questions.repeats.wording import Row

REASONS = (SAME_PROMPT, NEAR_DUPLICATE, PARAPHRASE)
N_REWORDED = 100

SYNONYMS = dict(
    pair.split(":")
    for pair in """
    statements:claims statement:claim accurately:correctly accurate:correct describes:characterizes
    describe:characterize depicts:portrays relationship:relation purpose:aim role:function
    significance:importance reason:cause difference:distinction term:word used:employed main:chief
    primary:principal primarily:mainly definition:meaning observed:seen estimated:approximate
    proposed:suggested proposes:suggests shows:demonstrates show:demonstrate object:body
    effect:phenomenon behind:for result:outcome commonly:often determine:find determined:found
    measuring:determining explanation:account popular:widespread advantages:benefits advantage:benefit
    evidence:proof existence:presence due:owing published:presented examples:instances regards:respect
    between:among
    """.split()
)
FRAMES = [
    (r"^Which of the following (?:claims|statements) correctly \w+ (.+)\?$", r"Which claim about \1 holds?"),
    (r"^Which of the following claims is true about (.+)\?$", r"Regarding \1, which claim is right?"),
    (r"^Which of the following is a correct meaning of (.+)\?$", r"How would \1 be defined correctly?"),
    (r"^What is the word employed (?:in \w+ )?to characterize (.+)\?$", r"What do we call \1?"),
    (r"^What is the cause (?:of|for) (.+)\?$", r"Why do we have \1?"),
    (r"^What is the relation among (.+) and (.+)\?$", r"How is \1 related to \2?"),
    (r"^What is the distinction among (.+) and (.+)\?$", r"How does \1 differ from \2?"),
    (r"^What is the (\w+) of (.+)\?$", r"Which \1 does \2 have?"),
    (r"^What (?:is|are) (?:the |an? )?((?:[^ ?]+ ?){1,4})\?$", r"What is meant by \1?"),
    (r"^What (is|was|are) (.+)\?$", r"Can you say what \2 \1?"),
    (r"^Who was the first to (.+)\?$", r"Which person was first to \1?"),
    (r"^Who (\w+ed) (.+)\?$", r"By whom was \2 \1?"),
    (r"^Who (.+)\?$", r"Which person \1?"),
    (r"^What did (.+)\?$", r"Which thing did \1?"),
]
LAST_PHRASE = re.compile(r"^(.{12,}?) ((?:in|for|on|at|from|with|by|during|according to) [^,?]+)\?$")


def replace_words(prompt: str) -> str:
    """Common words by others that mean the same."""
    return re.sub(r"[A-Za-z]+", lambda match: SYNONYMS.get(match[0], match[0]), prompt)


def drop_articles(prompt: str) -> str:
    return re.sub(r"\b(?:the|an?) ", "", prompt)


def change_frame(prompt: str) -> str:
    """The first frame that fits, in its other form."""
    changed = (re.sub(pattern, other, prompt) for pattern, other in FRAMES)
    return next((text for text in changed if text != prompt), prompt)


def move_clause(prompt: str) -> str:
    """The last phrase comes first: "What is X in Y?" -> "In Y, what is X?"."""
    match = LAST_PHRASE.match(prompt)
    return f"{match[2][0].upper()}{match[2][1:]}, {match[1][0].lower()}{match[1][1:]}?" if match else prompt


STRENGTHS: dict[str, list[Callable[[str], str]]] = {
    "words": [replace_words],
    "words, articles": [replace_words, drop_articles],
    "words, frame": [replace_words, change_frame],
    "words, frame, order": [replace_words, change_frame, move_clause],
    "all": [replace_words, change_frame, move_clause, drop_articles],
}


def read_competition(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [(row["prompt"], tuple(row[letter] for letter in "ABCDE")) for row in csv.DictReader(file)]


def read_mmlu(folder: Path) -> list[Row]:
    rows = []
    for path in sorted(folder.glob("*/*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows += [(row[0], tuple(row[1:5])) for row in list(csv.reader(file))[1:]]
    return rows


def read_instructions(paths: list[Path]) -> list[Row]:
    rows = []
    for path in paths:
        for record in json.loads(path.read_text(encoding="utf-8")):
            prompt, options = record["instruction"].split(": ", 1)[1].split("\n\nAnswer1: ", 1)
            rows.append((prompt, tuple(re.split(r" Answer\d: ", options.split("\n\nAnswer format")[0]))))
    return rows


def read_mcql(folder: Path) -> list[Row]:
    records = [record for path in sorted(folder.glob("*.json")) for record in json.loads(path.read_text())]
    return [(record["sentence"], (record["answer"], *record["distractors"])) for record in records]


def read_review(path: Path) -> list[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [(record["question"], tuple(record["options"])) for record in map(json.loads, file)]


def read_sciq(folder: Path) -> list[Row]:
    rows = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows += [(row["question"], (row["correct_answer"],)) for row in csv.DictReader(file)]
    return rows


def vary_options(row: Row, prompt: str, other: Row, generator: random.Random) -> dict[str, Row]:
    options = list(row[1])
    shuffled = generator.sample(options, len(options))
    return {
        "kept": (prompt, options),
        "shuffled": (prompt, shuffled),
        "left out": (prompt, ()),
        "another's": (prompt, other[1]),
    }


def print_rewordings(
    check: LeakCheck, official: list[Row], reworded: dict[str, list[str]], others: list[Row]
) -> None:
    """Found and rightly attributed, of the first questions of the set."""
    print(
        "\n| rewordings | prompts changed | options kept | shuffled | left out | another's |\n"
        + "| --- " * 6
        + "|"
    )
    for name, prompts in reworded.items():
        generator, found = random.Random(0), Counter()
        for number, prompt in enumerate(prompts):
            for kind, row in vary_options(official[number], prompt, others[number], generator).items():
                leak = check.find([row])[0]
                found[kind] += leak is not None and leak.row == number
        changed = sum(prompt != row[0] for prompt, row in zip(prompts, official, strict=False))
        print(
            f"| {name} | {changed} of {len(prompts)} | {' | '.join(str(found[kind]) for kind in found)} |",
            flush=True,
        )


def print_set(check: LeakCheck, official: list[Row], name: str, rows: list[Row], show: bool) -> None:
    started = time.perf_counter()
    leaks = check.find(rows)
    rate = len(rows) / (time.perf_counter() - started)
    counts = Counter(leak.reason for leak in leaks if leak)
    share = 100 * sum(counts.values()) / len(rows)
    columns = [name, len(rows), *(counts[reason] for reason in REASONS), f"{share:.2f}", f"{rate:.0f}"]
    print(f"| {' | '.join(map(str, columns))} |", flush=True)
    for (prompt, _), leak in zip(rows, leaks, strict=True):
        if show and leak and leak.reason != SAME_PROMPT:
            print(
                f"    {leak.reason[:4]} {leak.score:.2f} {prompt[:160]!r} <- {official[leak.row][0][:160]!r}"
            )


def main(data: Path, rewordings: Path | None, words_alone: bool, show: bool) -> None:
    folder = data / "questions"
    official = read_competition(folder / "kaggle/train.csv")
    review = read_review(folder / "openstax_review.jsonl.gz")
    check = LeakCheck(official, None if words_alone else load_encoder())
    header = "| rows | same prompt | near-duplicate | paraphrase | % | rows/s |\n" + "| --- " * 7 + "|"
    print(f"| repeats {header}")
    for name in ("train_expanded", "6000_train_examples", "stem_1k_v1", "stem_dataset_2023_09_15"):
        print_set(check, official, name, read_competition(folder / f"{name}.csv"), show)
    firsts = [prompt for prompt, _ in official[:N_REWORDED]]
    reworded = {
        name: [reduce(lambda text, step: step(text), steps, prompt) for prompt in firsts]
        for name, steps in STRENGTHS.items()
    }
    if rewordings:
        records = map(json.loads, rewordings.read_text(encoding="utf-8").splitlines())
        by_hand = {int(record["id"]): record["prompt"] for record in records}
        reworded["by hand"] = [by_hand[number] for number in range(len(by_hand))]
    print_rewordings(check, official, reworded, review)
    print(f"\n| alarms {header}")
    adapters = folder / "llm_adapters"
    for name, rows in {
        "mmlu": read_mmlu(folder / "mmlu"),
        "openstax_review": review,
        "ARC": read_instructions(sorted(adapters.glob("ARC-*/*.json"))),
        "OpenBookQA": read_instructions(sorted(adapters.glob("openbookqa/*.json"))),
        "mcql": read_mcql(folder / "mcql"),
        "sciq": read_sciq(folder / "sciq"),
    }.items():
        print_set(check, official, name, rows, show)


if __name__ == "__main__":
    paths = [Path(argument) for argument in sys.argv[1:] if not argument.startswith("--")]
    main(paths[0], paths[1] if len(paths) > 1 else None, "--words-alone" in sys.argv, "--show" in sys.argv)
