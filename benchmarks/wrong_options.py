"""How wrong options are filled in: how many questions, how fast, and how easily they are told.

    python benchmarks/wrong_options.py path/to/data/questions [--encoder] [rows=5000] [show=0]

Three tables. Filled: rows of sources with fewer than five options. Giveaways: how often a simple guess
finds the right option before and after filling. Held out: of five-option questions one wrong option is taken
away and filled in again, from other questions; how often a guess tells the filled one among the wrong ones
(chance is 0.25), and how often it tells the one that was taken away. `show=N` prints N filled questions to be
read.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np

from science_exam.questions.adaptors.reading import read_drafts
from science_exam.questions.config import SourceConfig
from science_exam.questions.drafts import Draft, Tally
from science_exam.questions.wrong_options.filling import N_WRONG, complete_drafts
from science_exam.questions.wrong_options.option_references import refers_to_others
from science_exam.questions.wrong_options.pool import OptionPool
from science_exam.retrieval.encoder_loading import EMBEDDED, load_encoder
from science_exam.retrieval.terms import split_terms

SOURCES = ("mmlu/dev", "mmlu/test", "llm_adapters/ARC-Challenge", "llm_adapters/ARC-Easy",
           "llm_adapters/openbookqa", "mcql", "openstax_review.jsonl.gz", "sciq")  # fmt: skip
COMPLETE = "6000_train_examples.csv"
MAX_POOL = 100_000

Guess = Callable[[str, Sequence[str]], int]


def read_source(path: Path) -> list[Draft]:
    files = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
    name = path.parent.name if path.parent.name == "mmlu" else path.name
    sources = [SourceConfig(path=str(file), name=name) for file in files]
    return [draft for source in sources for draft in read_drafts(source, Tally())]


def show_filled(drafts: list[Draft], pool: OptionPool) -> list[Draft]:
    dropped = Tally()
    start = time.process_time()
    done = complete_drafts(drafts, pool, 0, dropped, Tally())
    seconds = time.process_time() - start
    asked, filled = Counter(draft.source for draft in drafts), Counter(draft.source for draft in done)
    print(f"\n{len(drafts) / seconds:,.0f} drafts a CPU second")
    print("\n| source | rows | filled |\n| --- | --- | --- |")
    for source, n_rows in asked.items():
        print(f"| {source} | {n_rows:,} | {filled[source] / n_rows:.2f} |")
    print(
        f"| all | {len(drafts):,} | {len(done) / len(drafts):.2f} |\n\n| not filled | share |\n| --- | --- |"
    )
    reasons = Counter()
    for (_, reason), n_rows in dropped.counts.items():
        reasons[reason] += n_rows
    for reason, n_rows in reasons.most_common():
        print(f"| {reason} | {n_rows / len(drafts):.3f} |")
    return done


def list_guesses(encode) -> dict[str, Guess]:
    """Ways to pick one of several options without knowing anything."""

    def overlap(prompt: str, options: Sequence[str]) -> int:
        terms = set(split_terms(prompt))
        return max(range(len(options)), key=lambda n: len(terms & set(split_terms(options[n]))))

    def odd_length(prompt: str, options: Sequence[str]) -> int:
        middle = np.median([len(option) for option in options])
        return max(range(len(options)), key=lambda n: abs(len(options[n]) - middle))

    def odd_capital(prompt: str, options: Sequence[str]) -> int:
        capitals = [option[:1].isupper() for option in options]
        return min(range(len(options)), key=lambda n: capitals.count(capitals[n]))

    guesses: dict[str, Guess] = {
        "longest": lambda prompt, options: max(range(len(options)), key=lambda n: len(options[n])),
        "shortest": lambda prompt, options: min(range(len(options)), key=lambda n: len(options[n])),
        "odd length": odd_length,
        "odd capital": odd_capital,
        "most words of the prompt": overlap,
    }
    if encode:

        def measure(prompt: str, options: Sequence[str]) -> np.ndarray:
            vectors = encode([prompt[-300:], *options])
            return vectors[1:] @ vectors[0]

        guesses["nearest to the prompt"] = lambda prompt, options: int(measure(prompt, options).argmax())
        guesses["farthest from the prompt"] = lambda prompt, options: int(measure(prompt, options).argmin())
    return guesses


def measure_guess(guess: Guess, cases: Sequence[tuple[str, str, Sequence[str]]]) -> float:
    """How often a guess picks the text that is looked for among it and the others, in random order."""
    rng, hits = Random(0), 0
    for prompt, wanted, others in cases:
        options = rng.sample([wanted, *others], 1 + len(others))
        hits += options[guess(prompt, options)] == wanted
    return hits / max(1, len(cases))


def show_held_out(drafts: list[Draft], pool: OptionPool, guesses: dict[str, Guess]) -> None:
    rng = Random(0)
    taken = {}
    for draft in drafts:
        if len(draft.wrong) == N_WRONG and not any(map(refers_to_others, draft.options)):
            place = rng.randrange(N_WRONG)
            rest = replace(draft, wrong=draft.wrong[:place] + draft.wrong[place + 1 :])
            taken[rest.place] = draft.wrong[place], rest
    done = complete_drafts([rest for _, rest in taken.values()], pool, 0, Tally(), Tally())
    pairs = [(taken[row.place][0], row.wrong[-1], row) for row in done]
    lengths = [abs(len(new) - len(old)) / len(old) for old, new, _ in pairs]
    types = [pool.describe(new).kind == pool.describe(old).kind for old, new, _ in pairs]
    same = np.mean([new == old for old, new, _ in pairs])
    print(
        f"\n{len(done):,} of {len(taken):,} held-out options filled; the same text {same:.3f}, the same kind "
        f"{np.mean(types):.2f}, median difference in length {np.median(lengths):.2f}"
    )
    print("\n| told among the wrong ones by | filled | taken away |\n| --- | --- | --- |")
    for name, guess in guesses.items():
        new = measure_guess(guess, [(row.prompt, new, row.wrong[:-1]) for _, new, row in pairs])
        old = measure_guess(guess, [(row.prompt, old, row.wrong[:-1]) for old, _, row in pairs])
        print(f"| {name} | {new:.3f} | {old:.3f} |")


def show_giveaways(drafts: list[Draft], done: list[Draft], guesses: dict[str, Guess]) -> None:
    before = {draft.place: draft for draft in drafts if len(draft.wrong) == 3}
    pairs = [(before[row.place], row) for row in done if row.place in before]
    print(f"\n{len(pairs):,} questions of four options; chance is 0.25 before and 0.20 after")
    print("\n| right option found by | before | after |\n| --- | --- | --- |")
    for name, guess in guesses.items():
        old, new = (
            measure_guess(guess, [(row.prompt, row.right, row.wrong) for row in rows])
            for rows in zip(*pairs, strict=True)
        )
        print(f"| {name} | {old:.3f} | {new:.3f} |")


def main(folder: Path, encode, n_rows: int, n_shown: int) -> None:
    drafts = [draft for name in SOURCES for draft in read_source(folder / name)]
    complete = read_source(folder / COMPLETE)
    start = time.process_time()
    pool = OptionPool.build(drafts, MAX_POOL, 0, encode)
    print(f"pool of {len(pool.questions):,} questions built in {time.process_time() - start:.1f} CPU seconds")
    lacking = [draft for draft in drafts if len(draft.wrong) < N_WRONG]
    lacking = Random(0).sample(lacking, min(n_rows, len(lacking)))
    guesses = list_guesses(encode)
    done = show_filled(lacking, pool)
    show_giveaways(lacking, done, guesses)
    middle = len(complete) // 2  # a row's own options must not be in the pool
    pool_of_others = OptionPool.build([*drafts, *complete[:middle]], MAX_POOL, 0, encode)
    show_held_out(complete[middle:][:n_rows], pool_of_others, guesses)
    known = {draft.place: len(draft.wrong) for draft in lacking}
    for row in done[:n_shown]:
        given, added = row.wrong[: known[row.place]], row.wrong[known[row.place] :]
        print(f"\n[{row.source}] …{row.prompt[-250:]}\n  right: {row.right}\n  wrong: {' | '.join(given)}")
        print(f"  added: {' | '.join(added)}")


if __name__ == "__main__":
    words = dict(word.split("=", 1) for word in sys.argv[2:] if "=" in word)
    encoder = load_encoder(EMBEDDED, "cpu", "float32").encode_passages if "--encoder" in sys.argv else None
    main(Path(sys.argv[1]), encoder, int(words.get("rows", 5000)), int(words.get("show", 0)))
