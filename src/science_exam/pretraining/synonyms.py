"""Everyday words: those that say the same, and those that say the opposite.

They are no content words, so they stay where content words are replaced.
"""

# Either may stand for the other; in phrases of several words too.
_SAME = """
large|big, show|demonstrate, shows|demonstrates, showed|demonstrated, called|known as, used|employed,
using|employing, usually|normally, often|frequently, begin|start, begins|starts, began|started,
almost|nearly, several|a number of, important|significant, main|principal, whole|entire,
approximately|roughly, however|though, part|portion, parts|portions, way|manner, ways|means, helps|assists,
helped|assisted, needs|requires, needed|required, gets|obtains, obtained|gained, gives|provides,
gave|provided, allow|let, allows|lets, allowed|enabled, makes|creates, build|construct, builds|constructs,
built|constructed, contain|include, contains|includes, contained|included, changed|altered, occur|happen,
occurs|happens, occurred|happened, describe|portray, describes|portrays, described|portrayed, keep|retain,
keeps|retains, kept|retained, buy|purchase, ended|finished, choose|select, chooses|selects, chose|selected,
explain|clarify, explains|clarifies, explained|clarified, look at|examine, looks at|examines,
examined|inspected, deal with|address, deals with|addresses, consist of|are made up of,
consists of|is made up of, caused by|brought about by, causes|brings about, leads to|results in,
lead to|result in, led to|resulted in, due to|because of, such as|for example, in order to|so as to,
depends on|is determined by, depend on|are determined by, based on|founded on, related to|connected with,
different from|unlike, for instance|for example, together with|along with, refers to|denotes,
refer to|denote, is defined as|means, named|termed, type|kind, types|kinds, area|region, areas|regions,
goal|aim, goals|aims, idea|notion, ideas|notions, job|task, method|technique, methods|techniques,
problem|difficulty, problems|difficulties, answer|reply, speed|pace, amount|quantity, amounts|quantities,
step|stage, steps|stages, effect|influence, effects|influences, features|characteristics, people|persons,
person|individual, country|nation, countries|nations, near|close to, through|by way of, across|throughout,
quick|rapid, quickly|rapidly, slowly|gradually, easy|simple, easily|readily, hard|difficult, wide|broad,
widely|broadly, rare|uncommon, rarely|seldom, mainly|chiefly, mostly|for the most part,
particularly|especially, completely|entirely, originally|at first, finally|in the end, today|nowadays,
currently|at present, exact|precise, exactly|precisely, famous|well known, enough|sufficient,
various|diverse
"""

# Each turns a statement into another one: near misses are made with them.
_OPPOSITE = """
increase|decrease, increases|decreases, increased|decreased, increasing|decreasing, rise|fall, rises|falls,
more|less, most|least, higher|lower, highest|lowest, high|low, larger|smaller, largest|smallest,
greater|lesser, longer|shorter, long|short, before|after, above|below, always|never, can|cannot,
first|last, early|late, inner|outer, internal|external, upper|under, north|south, northern|southern,
east|west, eastern|western, positive|negative, positively|negatively, maximum|minimum, maximize|minimize,
maximise|minimise, best|worst, better|worse, strong|weak, stronger|weaker, faster|slower, fast|slow,
hot|cold, warm|cool, warmer|cooler, heavy|lightweight, heavier|lighter, thick|thin, thicker|thinner,
old|young, older|younger, oldest|youngest, rich|poor, full|empty, open|closed, public|private, male|female,
mother|father, son|daughter, brother|sister, primary|secondary, single|multiple, direct|indirect,
directly|indirectly, active|passive, dependent|independent, possible|impossible, necessary|unnecessary,
similar|dissimilar, equal|unequal, stable|unstable, regular|irregular, known|unknown, with|without,
inside|outside, up|down, upward|downward, upwards|downwards, forward|backward, forwards|backwards,
few|many, fewer|more, all|some, both|neither, same|opposite, absorb|emit, absorbs|emits, absorbed|emitted,
attract|repel, attracts|repels, expand|contract, expands|contracts, gain|lose, gains|loses, gained|lost,
add|remove, adds|removes, added|removed, support|oppose, supports|opposes, supported|opposed,
accept|reject, accepts|rejects, accepted|rejected, allow|prevent, allows|prevents, allowed|prevented,
enable|disable, enables|disables, include|exclude, includes|excludes, included|excluded, succeed|fail,
succeeded|failed, win|lose, won|lost, join|leave, simple|complex, natural|artificial, ancient|modern,
winter|summer, day|night, morning|evening, visible|invisible, solid|liquid, present|absent,
presence|absence, advantage|disadvantage, advantages|disadvantages, success|failure, reduce|raise,
reduces|raises, reduced|raised, improve|worsen, improves|worsens, improved|worsened, encourage|discourage,
encourages|discourages, encouraged|discouraged
"""


def _parse(table: str) -> list[tuple[str, str]]:
    return [tuple(pair.split("|")) for pair in " ".join(table.split()).split(", ")]


SAME = _parse(_SAME)
OPPOSITE: dict[str, str] = {}  # both ways; of a word's several opposites the first
for _word, _other in _parse(_OPPOSITE):
    OPPOSITE.setdefault(_word, _other)
    OPPOSITE.setdefault(_other, _word)
_EVERYDAY = frozenset(word for pair in SAME for phrase in pair for word in phrase.split())
_EVERYDAY |= frozenset(OPPOSITE)


def is_everyday(word: str) -> bool:
    """True for a lower-case word of one of the two tables."""
    return word in _EVERYDAY
