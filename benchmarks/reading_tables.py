"""The tables of base_reading.py: scores with intervals, scores by place, and the trainings."""

from collections import defaultdict
from dataclasses import dataclass
from statistics import mean

import numpy as np
from reading_jobs import LONGEST, N_SHUFFLES, SHUFFLED, list_read
from reading_sets import ARMS, GIVEN, OFFICIAL, STEM, ZERO_SHOT

from science_exam.evaluation.intervals import bootstrap_difference, bootstrap_mean
from science_exam.evaluation.report import RANDOM_ACCURACY, RANDOM_MAP3

TITLES = {
    OFFICIAL: "The official questions, by adapters trained on all of stem_1k (less what gives one away)",
    STEM: "stem_1k, out of fold",
}
N_OPTIONS = 5
WITHOUT_ADAPTER = ("base", "max_tokens")  # the settings that matter then


@dataclass(frozen=True)
class Answers:
    """The answers of one arm to one set, in one way: reciprocal ranks, NaN where a seed has none.

    Attributes:
        arm: "" for the longest option, which no base chose.
        variant: names and values of the settings and sources, where several were tried.
        view: the contexts answered with.
        ids: (questions,)
        positions: (questions,) of the right option.
        reciprocal: (seeds, questions)
    """

    arm: str
    variant: tuple[tuple[str, str], ...]
    view: str
    ids: tuple[str, ...]
    positions: np.ndarray
    reciprocal: np.ndarray

    @property
    def name(self) -> str:
        return name_variant(self.arm or self.view, self.variant)

    def agrees(self, other: "Answers") -> bool:
        """True when no setting or source that both depend on differs."""
        return all(dict(self.variant).get(name, value) == value for name, value in other.variant)

    def mean_seeds(self, values: np.ndarray) -> np.ndarray:
        """(questions,) mean over the seeds that answered."""
        return np.nanmean(values, axis=0)

    @property
    def right(self) -> np.ndarray:
        """(seeds, questions) 1 where the first option is right, 0 elsewhere, NaN where there is none."""
        return np.where(np.isnan(self.reciprocal), np.nan, self.reciprocal == 1)


def format_tables(results: list[dict]) -> str:
    """Every table as Markdown; of a job that stands twice the later result counts."""
    latest = {_name_run(result): result for result in results}
    results = list(latest.values())
    parts = []
    for asked, title in TITLES.items():
        answers = gather_answers([result for result in results if result["asked"] == asked], results)
        if answers:
            parts += [f"## {title}", format_scores(answers), format_positions(answers)]
    return "\n\n".join([*parts, "## Trainings", format_trainings(results)])


def gather_answers(results: list[dict], compared: list[dict]) -> list[Answers]:
    """The answers of every arm, variant and view, in the order of the arms.

    Args:
        results: of one evaluation set.
        compared: of all sets; settings and sources that differ among them are part of an arm's name.
    """
    grouped: dict[tuple, dict] = defaultdict(lambda: defaultdict(dict))
    differing = list_differing(compared)
    for result in results:
        for view, scores in result["scores"].items():
            arm, seed = ("", 0) if view == LONGEST else (result["arm"], result["seed"])
            grouped[arm, select_variant(result, view, differing), view][seed] |= {
                name: (position, value) for name, position, value in zip(*scores.values(), strict=True)
            }
    made = [_join_seeds(*key, by_seed) for key, by_seed in grouped.items()]
    return sorted(made, key=lambda answers: ARMS.index(answers.arm) if answers.arm else -1)


def _join_seeds(arm: str, variant: tuple, view: str, by_seed: dict[int, dict]) -> Answers:
    positions = {name: position for answers in by_seed.values() for name, (position, _) in answers.items()}
    missing = (0, np.nan)
    reciprocal = [[by_seed[seed].get(name, missing)[1] for name in positions] for seed in sorted(by_seed)]
    return Answers(
        arm,
        variant,
        view,
        tuple(positions),
        np.array([*positions.values()]),
        np.array(reciprocal, dtype=float),
    )


def format_scores(answers: list[Answers]) -> str:
    """MAP@3 and accuracy over questions (seeds averaged first), and the difference from arm "given"."""
    lines = [
        "| trained | answered with | questions | MAP@3 | of each seed | accuracy | MAP@3 - given |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        f"| random order (expected) | | | {RANDOM_MAP3:.3f} | | {RANDOM_ACCURACY:.3f} | |",
    ]
    for own in answers:
        if own.view == SHUFFLED:
            continue
        view = own.view if own.arm else ""
        seeds = ", ".join(f"{np.nanmean(row):.3f}" for row in own.reciprocal) if own.arm else ""
        map3, right = (bootstrap_mean(own.mean_seeds(values)) for values in (own.reciprocal, own.right))
        difference = format_difference(own, find_reference(own, answers))
        lines.append(f"| {own.name} | {view} | {len(own.ids)} | {map3} | {seeds} | {right} | {difference} |")
    return "\n".join(lines)


def find_reference(own: Answers, answers: list[Answers]) -> Answers | None:
    """Arm "given", answered with the given contexts, with the same settings and sources.

    Baselines depend on few of them, so theirs is the first arm "given" that agrees in those.
    """
    references = (
        other for other in answers if (other.arm, other.view) == (GIVEN, GIVEN) and other is not own
    )
    return next((other for other in references if own.agrees(other)), None)


def format_difference(own: Answers, other: Answers | None) -> str:
    """The paired difference over the questions that both answered."""
    if other is None:
        return ""
    theirs = dict(zip(other.ids, other.mean_seeds(other.reciprocal), strict=True))
    ours = dict(zip(own.ids, own.mean_seeds(own.reciprocal), strict=True))
    both = [name for name in ours if name in theirs]
    if not both:
        return ""
    interval = bootstrap_difference([ours[name] for name in both], [theirs[name] for name in both])
    return f"{interval.mean:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def format_positions(answers: list[Answers]) -> str:
    """How it matters where the right option stands, over five orders of the options of each question.

    The p-value is of Pearson's test that every place is answered alike, for each seed. It takes the orders of
    one question for as many questions, so it is a guide and no more.
    """
    lines = [
        "| options shuffled | right at 1 | 2 | 3 | 4 | 5 | p, χ² of each seed | MAP@3 of each order |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for own in answers:
        if own.view != SHUFFLED:
            continue
        right = own.mean_seeds(own.right)
        places = " | ".join(
            f"{right[own.positions == place].mean():.3f}" for place in range(1, N_OPTIONS + 1)
        )
        p_values = ", ".join(f"{measure_flatness(row, own.positions):.2g}" for row in own.right)
        reciprocal, orders = own.mean_seeds(own.reciprocal), np.array([i.rpartition("-")[2] for i in own.ids])
        by_order = ", ".join(
            f"{reciprocal[orders == str(order)].mean():.3f}" for order in range(1, N_SHUFFLES + 1)
        )
        lines.append(f"| {own.name} | {places} | {p_values} | {by_order} |")
    return "\n".join(lines)


def measure_flatness(right: np.ndarray, positions: np.ndarray) -> float:
    """p of Pearson's chi-squared test that right answers are as likely at each of the five places.

    Args:
        right: (questions,) 1, 0, or NaN where there is no answer.
        positions: (questions,) 1-5.
    """
    from scipy.stats import chi2_contingency

    counts = np.array(
        [
            [np.sum(right[positions == place] == value) for place in range(1, N_OPTIONS + 1)]
            for value in (1, 0)
        ]
    )  # (right or wrong, places)
    return float(chi2_contingency(counts).pvalue) if counts.any(axis=1).all() else 1.0


def format_trainings(results: list[dict]) -> str:
    """Rows, passes over them, optimizer steps, last loss and seconds: means over an arm's trainings."""
    groups: dict[str, list[dict]] = defaultdict(list)
    differing = list_differing(results)
    for result in sorted(results, key=lambda result: ARMS.index(result["arm"])):
        if "steps" in result:
            variant = select_variant(result, GIVEN, differing)
            groups[name_variant(result["arm"], variant)].append(result)
    lines = [
        "| trained | trainings | rows | left out | passes | steps | loss | rows/s | training s | all s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    columns = ("rows", "left_out", "passes", "steps", "loss", "rows_per_second", "training_seconds")
    for name, group in groups.items():
        values = [mean(result[column] for result in group) for column in columns]
        values.append(mean(sum(result["seconds"].values()) for result in group))
        lines.append(f"| {name} | {len(group)} | {' | '.join(f'{value:.4g}' for value in values)} |")
    return "\n".join(lines)


def list_differing(results: list[dict]) -> list[str]:
    """Settings and sources that were tried with several values."""
    values: dict[str, set[str]] = defaultdict(set)
    for result in results:
        for view in result["scores"]:
            for name, value in select_told(result, view).items():
                values[name].add(value)
    return [name for name, found in values.items() if len(found) > 1]


def select_told(result: dict, view: str) -> dict[str, str]:
    """The settings and sources that the answers of a view depend on; words, so that they compare."""
    arm = "" if view == LONGEST else result["arm"]
    names = {"": (), ZERO_SHOT: WITHOUT_ADAPTER}.get(arm, tuple(result["settings"]))
    told = result["settings"] | result["sources"]
    return {name: str(told[name]) for name in (*names, *list_read(arm, view))}


def select_variant(result: dict, view: str, differing: list[str]) -> tuple[tuple[str, str], ...]:
    """What sets these answers apart from others of the arm: names and values."""
    return tuple((name, value) for name, value in select_told(result, view).items() if name in differing)


def name_variant(name: str, variant: tuple[tuple[str, str], ...]) -> str:
    """The name in the tables: "given, r 8"."""
    return name + "".join(f", {setting} {value}" for setting, value in variant)


def _name_run(result: dict) -> tuple:
    told = (str(result[name]) for name in ("settings", "sources"))
    return (result["arm"], result["asked"], result["fold"], result["seed"], *told)
