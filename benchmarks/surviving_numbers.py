"""Share of the numbers in article bodies that survive cleaning, by where they stand, and the speed.

    python benchmarks/surviving_numbers.py DUMP.xml.bz2 [more dumps] [--wikiextractor PYTHON]

PYTHON is an interpreter with WikiExtractor (AGPL, so kept apart), which reads and cleans the dump itself.

What counts is found without the package and without a parser: the innermost template or link is replaced
by one character that stands for it, until none is left. References, pictures, navigation, notes to
editors, headings and appendices ("References" …) go with all that is in them. A template's numbers
count where it prints its arguments: PRINTED names those templates. Arguments of all others are a class
of their own, "unlisted"; a reader sees few of them. A page's numbers are compared as multisets, class by
class in the order of CLASSES, so one that is printed elsewhere on the page may stand in for a lost one.
"""

import argparse
import bz2
import html
import json
import re
import resource
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from xml.etree import ElementTree

import mwparserfromhell

from science_exam.corpus.wikitext import DROPPED_SECTIONS, clean_wikitext

CLASSES = ["prose", "convert", "val", "other templates", "math", "tables", "infobox", "unlisted"]
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
PRINTED = """
frac sfrac e 10^ x10^ pow su sup sub gaps formatnum chem chem2 simplenuclide2 nuclide2 ra dec circa c.
height duration mvar math nowrap nobr small smaller big lang transl nihongo sic quote blockquote cquote
bquote hlist ubl plainlist flatlist ordered_list columns-list ill sortname sort native_name angbr ipa
nuclide smallcaps harvtxt fossil_range ma mya color script larger center marriage longitem vunblist
collapsible_list
"""
PRINTED_FIRST = "vanchor abbr flag nts uss hms bartable railgauge sc start-date end-date birth-date"
UNSEEN = re.compile(
    r"cit(?:e|ation)\b.*|harv(?!txt).*|sfn.*|refn?|efn|rp|r|note|#.*|reflist.*|ref(?:begin|end| label)|coord"
    r"|.*navbox.*|.*sidebar.*|portal.*|main|see also|further|about|other uses.*|redirect.*|use .*|pp-.*|for"
    r"|details.*|flag(?:icon|deco)|anchor|.*needed|clarify|when|who|which|.*section|.*source\??|refimprove"
    r"|multiple i.*|listen|wide image|double image|isbn|doi|oclc|issn|icd.*|google books|wayback|dead link"
    r"|div col.*|col.*|chart.*|s-.*|ipa.*|respell|legend.*|defaultsort.*"
)
INFOBOX = re.compile(
    r"infobox.*|.* infobox|taxobox.*|automatic taxobox|speciesbox|chembox.*|drugbox|geobox.*"
)
UNREAD_KEY = re.compile(
    r"(?i)\s*(?:image|.*(?:map|caption|size|width|color|footnotes|url|signature|alt|cover|logo)|coord|lat|long"
    r"|isbn|oclc)[\w ]*="
)
DATES = re.compile(r"(?:start|end|birth|death|film) date.*|dts|as of")
INNERMOST = re.compile(r"\{\{((?:[^{}\[]|\[(?!\[))*)\}\}|\[\[((?:[^\[\]]|\[(?!\[)|\](?!\]))*)\]\]")
VALUE = re.compile(r"[-−–+ \d.,/⁄e]*\d|to|and|or|by|x|[-–×*/+±]|\+/-")  # of {{convert}}, before the unit
HELD = re.compile("[\U000f0000-\U0010ffff]")


class Truth:
    """The numbers a reader of one article sees, by class."""

    def __init__(self, wikitext: str) -> None:
        self.found = {name: Counter() for name in CLASSES}
        self._held: list[tuple[str, str]] = []  # class and text behind each character that stands for one
        text = re.sub(r"(?s)<!--.*?-->|(?i:<ref\b[^<>]*/>)", "", wikitext)
        text = re.sub(r"(?is)<(ref|references|gallery|timeline|imagemap)\b[^<>]*>.*?</\1\s*>", "", text)
        text = re.sub(r"(?is)<(math|chem|ce)\b[^<>]*>(.*?)</\1\s*>", lambda m: self._hold("math", m[2]), text)
        text, n = drop_appendices(text), 1
        while n:
            text, n = INNERMOST.subn(self._take, text)
        tables = re.compile(r"(?ms)^[:*]*\{\|.*?^\s*\|\}")
        text = tables.sub(lambda table: self._hold("tables", join_cells(table[0])), text)
        self._count("prose", re.sub(r"(?m)^=+.*=+\s*$", " ", text))

    def _hold(self, name: str, text: str) -> str:
        self._held.append((name, text))
        return chr(0xF0000 + len(self._held) - 1)

    def _count(self, name: str, text: str) -> None:
        for character in HELD.findall(text):
            self._count(*self._held[ord(character) - 0xF0000])
        text = re.sub(r"\[(?:https?:)?//[^\s\]]*|https?://\S+|<[^<>]*>", " ", HELD.sub(" ", text))
        self.found[name] += count_numbers(html.unescape(text))

    def _take(self, match: re.Match) -> str:
        if match[1] is None:
            target, _, label = match[2].partition("|")
            return "" if re.match(r"(?i)\s*(?:file|image|category|[a-z]{2,3}):", target) else label or target
        raw, *arguments = match[1].split("|")
        name = " ".join(HELD.sub("", raw).replace("_", " ").lower().split())
        unnamed = [argument.strip() for argument in arguments if not re.match(r"\s*[\w -]+=", argument)]
        listed = name.replace(" ", "_").partition(":")[0]
        if UNSEEN.fullmatch(name):
            return ""
        if INFOBOX.fullmatch(name):
            values = (a.partition("=")[2] for a in arguments if not UNREAD_KEY.match(a))
            return self._hold("infobox", " ".join(values))
        if name in ("convert", "cvt"):
            ends = (i for i, argument in enumerate(unnamed) if not VALUE.fullmatch(argument))
            return self._hold("convert", " ".join(unnamed[: next(ends, None)]))
        if name == "val":
            powers = [argument.partition("=")[2] for argument in arguments if argument.strip()[:2] == "e="]
            return self._hold("val", " ".join(unnamed + powers))
        if DATES.fullmatch(name):  # the month becomes a word
            return self._hold("other templates", " ".join(a.lstrip("0") for a in unnamed[:1] + unnamed[2:3]))
        if listed in PRINTED_FIRST.split():
            return self._hold("other templates", "".join(unnamed[:1]))
        is_printed = listed in PRINTED.split() or name.startswith("lang-")
        return self._hold(CLASSES[3 if is_printed else -1], " ".join([name.partition(":")[2], *unnamed]))


def drop_appendices(text: str) -> str:
    """The text without the sections that every extractor should drop."""
    lead, *rest = re.split(r"(?m)^(=+)([^=\n].*?)\1[ \t]*$", text)
    kept, dropped = [lead], 0
    for level, heading, body in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        if not dropped or len(level) <= dropped:
            dropped = len(level) if heading.strip().lower() in DROPPED_SECTIONS else 0
        kept += [] if dropped else [body]
    return "".join(kept)


def join_cells(table: str) -> str:
    """The text of a table's cells, without its attributes."""
    texts = []
    for line in table.split("\n"):
        is_cell = line.strip()[:1] in ("|", "!") and line.strip()[:2] != "|-"
        for cell in re.split(r"\|\||!!", line.strip()) if is_cell else []:
            before, bar, after = cell.lstrip("|!+").partition("|")
            texts.append(after if bar and "=" in before else f"{before} {after}")
        texts += [] if is_cell or re.match(r"\s*[:*]*\{\||\s*\|-", line) else [line]
    return "\n".join(texts)


def count_numbers(text: str) -> Counter[str]:
    return Counter(number.replace(",", "") for number in NUMBER.findall(text))


def read_pages(dump: Path) -> dict[str, str]:
    """Title -> wikitext of the articles of a dump: namespace 0, no redirects."""
    pages = {}
    with (bz2.open if dump.suffix == ".bz2" else open)(dump, "rb") as stream:
        for _, page in ElementTree.iterparse(stream):
            if page.tag.endswith("page"):
                if page.findtext("{*}ns", "0") == "0" and page.find("{*}redirect") is None:
                    pages[page.findtext("{*}title")] = page.findtext("{*}revision/{*}text") or ""
                page.clear()
    return pages


def clean_with_ours(wikitext: str) -> str:
    return "\n".join(section.text for section in clean_wikitext(wikitext).sections)


def measure(clean, pages: dict[str, str]) -> tuple[dict[str, str], float]:
    """Title -> text, and the seconds of processor time, the median of three runs."""
    times = []
    for _ in range(3):
        start = time.process_time()
        texts = {title: clean(wikitext) for title, wikitext in pages.items()}
        times.append(time.process_time() - start)
    return texts, median(times)


def run_wikiextractor(python: str, dump: Path, *options: str) -> tuple[dict[str, str], float]:
    """As `measure`; its time is that of all its processes, and includes reading the dump."""
    times = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            before = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
            module = ["-m", "wikiextractor.WikiExtractor", "--json", "--processes", "1", "-q", "-o", folder]
            subprocess.run([python, *module, *options, str(dump)], check=True, stdout=subprocess.DEVNULL)
            times.append(sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - before)
            lines = [line for file in Path(folder).rglob("wiki_*") for line in file.open(encoding="utf-8")]
    return {page["title"]: page["text"] for page in map(json.loads, lines)}, median(times)


def count_kept(truth: dict[str, Truth], texts: dict[str, str]) -> list[float]:
    """Per cent of the numbers of each class that are in the text; each stands for one."""
    kept = Counter()
    for title, page in truth.items():
        left = count_numbers(html.unescape(texts.get(title, "")))
        for name in CLASSES:
            matched = page.found[name] & left
            left -= matched
            kept[name] += matched.total()
    totals = [sum(page.found[name].total() for page in truth.values()) for name in CLASSES]
    return [100 * kept[name] / total if total else 100.0 for name, total in zip(CLASSES, totals, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dumps", nargs="+", type=Path, help="MediaWiki XML, plain or bz2")
    parser.add_argument("--wikiextractor", metavar="PYTHON", help="an interpreter that has WikiExtractor")
    arguments = parser.parse_args()
    for dump in arguments.dumps:
        pages = read_pages(dump)
        megabytes = sum(len(text.encode()) for text in pages.values()) / 1e6
        truth = {title: Truth(wikitext) for title, wikitext in pages.items()}
        results = {
            "ours": measure(clean_with_ours, pages),
            "strip_code": measure(lambda text: mwparserfromhell.parse(text).strip_code(), pages),
        }
        if arguments.wikiextractor:
            for options in ((), ("--no-templates",)):
                named = " ".join(("WikiExtractor", *options))
                results[named] = run_wikiextractor(arguments.wikiextractor, dump, *options)
        print(f"\n{dump.name}: {len(pages)} articles, {megabytes:.1f} MB; numbers kept, %\n")
        print("| extractor |", " | ".join(CLASSES), "| pages/s | MB/s |")
        print("| --- |" + " --- |" * (len(CLASSES) + 2))
        there = (sum(page.found[name].total() for page in truth.values()) for name in CLASSES)
        print("| (how many) |", " | ".join(f"{n:,}" for n in there), "| | |")
        for name, (texts, seconds) in results.items():
            shares = " | ".join(f"{share:.1f}" for share in count_kept(truth, texts))
            print(f"| {name} | {shares} | {len(pages) / seconds:.0f} | {megabytes / seconds:.1f} |")


if __name__ == "__main__":
    main()
