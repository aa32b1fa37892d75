"""Near misses: statements with a word, a name, a number or a relation changed, and families of them.

A family is a random tree whose nodes are versions of one text, each a near miss of its neighbour.
The text itself may be any of the nodes, so being most like the others does not give it away.
"""

import random
from collections.abc import Iterable

from science_exam.pretraining.reading import Reading, sort_piece
from science_exam.pretraining.rewording import match_article
from science_exam.pretraining.synonyms import OPPOSITE
from science_exam.pretraining.words import PIECE

N_CHANGES, N_CHANGES_WEIGHTS = (1, 2, 3), (0.6, 0.28, 0.12)
# Tried in this order, each with its share, where the text offers it.
OPPOSITE_SHARE, NUMBER_SHARE, SWAP_SHARE, NEGATION_SHARE = 0.4, 0.5, 0.1, 0.02
NEAR_NUMBER_SHARE = 0.4
DONOR_SHARE = 0.75
DONOR_TRIES = 3
MISS_TRIES = 4
NUMERALS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
AUXILIARIES = frozenset(("is", "are", "was", "were", "can", "could", "does", "did", "may", "will"))


def grow_family(reading: Reading, text: str, size: int, nearby: bool, spared: str = "") -> list[str]:
    """`size` different versions of a text, itself first; fewer when it offers no changes.

    The tree is drawn as the first steps of a random walk on all nodes (Aldous, 1990), uniform over all
    labelled trees.

    Args:
        reading: whose words are taken.
        text: statement or phrase.
        size: versions.
        nearby: words come from the reading's contexts, not only from anywhere.
        spared: its words are not changed.
    """
    versions = {0: text}
    node = 0
    while len(versions) < size:
        step = reading.rng.randrange(size)
        if step not in versions:
            version = miss(reading, versions[node], nearby, spared, versions.values())
            if not version:
                break
            versions[step] = version
        node = step
    return list(versions.values())


def miss(reading: Reading, text: str, nearby: bool, spared: str = "", taken: Iterable[str] = ()) -> str:
    """The text with one to three changes, none in words of `spared`, and none of `taken`; "" if none."""
    original = PIECE.findall(text)
    content = reading.library.content
    kept = set(PIECE.findall(spared))
    places = [i for i, piece in enumerate(original) if content[piece] and piece not in kept]
    turning = [i for i, piece in enumerate(original) if piece in OPPOSITE or piece in NUMERALS]
    for _ in range(MISS_TRIES):
        pieces = original.copy()
        [n_changes] = reading.rng.choices(N_CHANGES, N_CHANGES_WEIGHTS) if len(places) > 4 else (1,)
        for _ in range(n_changes):
            place = _change(reading, pieces, places, turning, nearby)
            if place > 1 and pieces[place - 1] == " ":
                pieces[place - 2] = match_article(pieces[place - 2], pieces[place])
        if reading.rng.random() < NEGATION_SHARE:
            _negate(pieces, reading.rng)
        changed = "".join(pieces)
        if changed != text and changed not in taken:
            return changed
    return ""


def _change(reading: Reading, pieces: list[str], places: list[int], turning: list[int], nearby: bool) -> int:
    """Change a piece, and say which: one of the content words in `places`, or one with an opposite."""
    rng = reading.rng
    if turning and (not places or rng.random() < OPPOSITE_SHARE):
        place = rng.choice(turning)
        pieces[place] = _turn(pieces[place], rng)
    elif not places:
        return 0
    elif (numbers := [i for i in places if pieces[i].isdecimal()]) and rng.random() < NUMBER_SHARE:
        place = rng.choice(numbers)
        pieces[place] = draw_other_number(reading, pieces[place], nearby)
    elif len(places) > 4 and rng.random() < SWAP_SHARE:
        place = _swap(pieces, places, rng)
    else:
        place = rng.choice(places)
        pieces[place] = _draw_other(reading, pieces, place, nearby)
    return place


def draw_other_number(reading: Reading, piece: str, nearby: bool) -> str:
    """A number for a number: one near it, one of the contexts, or any of as many digits."""
    rng = reading.rng
    if rng.random() < NEAR_NUMBER_SHARE:
        value = int(piece)
        reach = max(2, value // 8) if value < 1000 else 30
        near = str(max(2, value + rng.choice((-1, 1)) * rng.randint(1, reach)))
        return near if near != piece else str(value + 1)
    donors = reading.donors.get(sort_piece(piece), ()) if nearby else ()
    donors = [donor for donor in donors if donor != piece and donor[0] != "0" and donor != "1"]
    return rng.choice(donors) if donors else reading.library.draw_like(piece, rng)


def _draw_other(reading: Reading, pieces: list[str], place: int, nearby: bool) -> str:
    piece = pieces[place]
    if piece.isdecimal():
        return draw_other_number(reading, piece, nearby)
    donors = reading.donors.get(sort_piece(piece))
    if nearby and donors and reading.rng.random() < DONOR_SHARE:
        for _ in range(DONOR_TRIES):
            donor = reading.rng.choice(donors)
            if donor not in pieces:
                return donor
    return reading.library.draw_like(piece, reading.rng)


def _turn(piece: str, rng: random.Random) -> str:
    if piece in NUMERALS:
        return rng.choice([numeral for numeral in NUMERALS if numeral != piece])
    return OPPOSITE.get(piece, piece)


def _swap(pieces: list[str], places: list[int], rng: random.Random) -> int:
    """Let two words of one sort change places; one of the two places."""
    one = rng.choice(places)
    sort = sort_piece(pieces[one])
    others = [i for i in places if pieces[i] != pieces[one] and sort_piece(pieces[i]) == sort]
    if others:
        other = rng.choice(others)
        pieces[one], pieces[other] = pieces[other], pieces[one]
    return one


def _negate(pieces: list[str], rng: random.Random) -> None:
    """Put a "not" behind an auxiliary verb, or take it away."""
    places = [i for i, piece in enumerate(pieces[:-2]) if piece in AUXILIARIES and pieces[i + 1] == " "]
    if places:
        place = rng.choice(places)
        if pieces[place + 2] == "not":
            del pieces[place + 1 : place + 3]
        else:
            pieces[place + 1 : place + 1] = [" ", "not"]
