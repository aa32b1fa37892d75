"""Share of the numbers in article bodies that survive cleaning, by where they stand, and the speed.

    python benchmarks/surviving_numbers.py DUMP.xml.bz2 [folder of .txt ...] [--wikiextractor PYTHON]

PYTHON is an interpreter that has WikiExtractor (AGPL, so it is kept apart); it cleans the dump itself,
with and without templates, and its time includes reading the dump.

What counts is found without any parser, by replacing the innermost template or link until none is left:
references, comments, pictures, navigation, maintenance and coordinates go, and what is left of the
sections before "See also", "References" and their like is split by place. Numbers of a template count
where its arguments are printed: a list below names those templates; arguments of the others are
reported as a class of their own, mostly numbers no reader sees. A number is a run of digits with
its decimal point, without commas; a page's numbers are compared as multisets, prose first, so a number
that an extractor prints elsewhere on the page may stand in for a lost one.
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

CLASSES = [
    "prose",
    "convert",
    "val",
    "dates",
    "other templates",
    "math",
    "tables",
    "infobox",
    "unlisted templates",
]
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
DROPPED = re.compile(
    r"cite.*|citation.*|harv(?!txt).*|sfn.*|refn?|efn.*|rp|r|note|#tag:ref|reflist.*|refbegin|refend|ref label|notelist.*"
    r"|coord.*|.*navbox.*|.*sidebar.*|portal.*|commons.*|main|see also|further.*|about|other uses.*|redirect.*|use .*|pp-.*"
    r"|for|hatnote|distinguish.*|details.*|also|flagicon.*|flagdeco|anchor|.*icon|authority control|defaultsort.*|short desc.*"
    r"|.*needed|fact|cn|clarify|dubious|who|when|which|where|by whom|update.*|.*inline|.*section|.*source\??|refimprove"
    r"|multiple i.*|unref.*|more .*|external media|listen|wide image|double image|annotated image|css image crop|isbn|doi"
    r"|oclc|issn|pmid|bibcode|icd.*|google books|webarchive|wayback|dead link|div col.*|col.*|toc.*|clear.*|chart.*|s-.*"
    r"|ipa.*|respell|legend.*|pagename|current.*|#.*|full|vague|wikisource.*|wiktionary.*|wikiquote.*|succession.*|better.*"
)
INFOBOX = re.compile(
    r"infobox.*|.* infobox|taxobox.*|automatic taxobox|speciesbox|chembox.*|drugbox|geobox.*|starbox.*"
)
DATES = re.compile(
    r"(?:start|end|birth|death|release|film|as of)[ -]?date.*|dts|as of|death date and age|age"
)
PRINTED = set(
    "frac sfrac fraction e e-sp 10^ x10^ pow su sup sub gaps formatnum chem chem2 che nuclide nuclide2 simplenuclide "
    "simplenuclide2 ra dec circa c. solar_mass height duration mvar math nowrap nobr small smaller big lang transl nihongo "
    "sic quote blockquote cquote bquote quote_box hlist ubl unbulleted_list plainlist flatlist ordered_list "
    "columns-list ill sortname sort native_name angbr ipa smallcaps harvtxt "
    "fossil_range ma mya chem_name notatypo not_a_typo keypress color font_color script resize larger center "
    "marriage nastaliq longitem vunblist collapsible_list clade".split()
)
PRINTED_FIRST = set(
    "vanchor abbr flag nts uss hms bartable railgauge sc linktext start-date end-date birth-date".split()
)
UNREAD_KEY = re.compile(
    r"\s*(?:image|.*map|.*caption|.*size|.*width|coord|lat|long|.*color|.*_ref|.*footnotes|website|.*url|signature|display"
    r"|isbn|oclc|dewey|.*_?alt|logo)[\w ]*=",
    re.IGNORECASE,
)
INNERMOST = re.compile(r"\{\{((?:[^{}\[]|\[(?!\[))*)\}\}|\[\[((?:[^\[\]]|\[(?!\[)|\](?!\]))*)\]\]")
HOLDER = re.compile("[\U000f0000-\U0010ffff]")
VALUE = re.compile(r"[-−–+ \d.,/⁄e]*\d")
UNIT_WORDS = re.compile(r"to|and|or|by|x|[-–—×*/+±]|\+/-|to\(-\)|and\(-\)")


def read_pages(path: Path) -> dict[str, str]:
    """Title -> wikitext of articles (namespace 0, no redirects) of a dump, or of the .txt of a folder."""
    if path.is_dir():
        return {file.stem: file.read_text(encoding="utf-8") for file in sorted(path.glob("*.txt"))}
    pages = {}
    with (bz2.open if path.suffix == ".bz2" else open)(path, "rb") as stream:
        for _, page in ElementTree.iterparse(stream):
            if (
                page.tag.endswith("page")
                and page.findtext("{*}ns", "0") == "0"
                and page.find("{*}redirect") is None
            ):
                pages[page.findtext("{*}title")] = page.findtext("{*}revision/{*}text") or ""
                page.clear()
    return pages


def count_numbers(text: str) -> Counter[str]:
    return Counter(number.replace(",", "") for number in NUMBER.findall(text))


class Truth:
    """The numbers a reader of one article sees, by class.

    What is taken out of the text leaves one character behind, so that a template in the caption of a
    picture, or inside a reference, goes with it.
    """

    def __init__(self, wikitext: str) -> None:
        self.found = {name: Counter() for name in CLASSES}
        self._held: list[tuple[str, str]] = []  # class, text
        text = re.sub(r"<!--.*?-->", "", wikitext, flags=re.DOTALL)
        text = re.sub(r"<ref\b[^<>]*/>", "", text, flags=re.IGNORECASE)
        text = re.sub(
            r"<(ref|references|gallery|timeline|imagemap|score)\b[^<>]*>.*?</\1\s*>",
            "",
            text,
            flags=re.S | re.I,
        )
        text = re.sub(
            r"<(math|chem|ce)\b[^<>]*>(.*?)</\1\s*>",
            lambda m: self.hold("math", m[2]),
            text,
            flags=re.S | re.I,
        )
        text, n = drop_appendices(text), 1
        while n:
            text, n = INNERMOST.subn(self.take, text)
        text = re.sub(
            r"^[:*]*\{\|.*?^\s*\|\}", lambda m: self.hold("tables", join_cells(m[0])), text, flags=re.M | re.S
        )
        self.count("prose", re.sub(r"^=+.*=+\s*$", " ", text, flags=re.MULTILINE))

    def hold(self, name: str, text: str) -> str:
        self._held.append((name, text))
        return chr(0xF0000 + len(self._held) - 1)

    def count(self, name: str, text: str) -> None:
        for holder in HOLDER.findall(text):
            self.count(*self._held[ord(holder) - 0xF0000])
        text = re.sub(r"\[(?:https?:)?//[^\s\]]*|(?:https?|ftp)://\S+|<[^<>]*>", " ", HOLDER.sub(" ", text))
        self.found[name] += count_numbers(html.unescape(text))

    def take(self, match: re.Match) -> str:
        if match[1] is None:
            target, _, label = match[2].partition("|")
            return (
                "" if re.match(r"\s*(?:file|image|category|[a-z]{2,3}):", target, re.I) else label or target
            )
        name, *arguments = match[1].split("|")
        return self.take_template(" ".join(HOLDER.sub("", name).replace("_", " ").lower().split()), arguments)

    def take_template(self, name: str, arguments: list[str]) -> str:
        positional = [argument.strip() for argument in arguments if not re.match(r"\s*[\w -]+=", argument)]
        if DROPPED.fullmatch(name):
            return ""
        if INFOBOX.fullmatch(name):
            return self.hold(
                "infobox", " ".join(a.partition("=")[2] for a in arguments if not UNREAD_KEY.match(a))
            )
        if name in ("convert", "cvt"):
            ends = (
                i for i, a in enumerate(positional) if not VALUE.fullmatch(a) and not UNIT_WORDS.fullmatch(a)
            )
            return self.hold("convert", " ".join(positional[: next(ends, None)]))
        if name == "val":
            return self.hold(
                "val", " ".join(positional + re.findall(r"^\s*e\s*=(.*)", "\n".join(arguments), re.M))
            )
        if DATES.fullmatch(name):  # the month becomes a word
            return self.hold("dates", " ".join(a.lstrip("0") for i, a in enumerate(positional[:3]) if i != 1))
        listed = name.replace(" ", "_").partition(":")[0]
        if listed in PRINTED_FIRST:
            return self.hold("other templates", (positional or [""])[0])
        if listed in PRINTED or name.startswith("lang-"):
            return self.hold("other templates", " ".join([name.partition(":")[2], *positional]))
        return self.hold("unlisted templates", " ".join(positional))


def drop_appendices(text: str) -> str:
    """The text without the sections that every extractor should drop."""
    pieces = re.split(r"^(=+)([^=\n].*?)\1[ \t]*$", text, flags=re.MULTILINE)
    kept, dropped = [pieces[0]], 0
    for level, heading, body in zip(*(iter(pieces[1:]),) * 3, strict=True):
        if not dropped or len(level) <= dropped:
            dropped = len(level) if heading.strip().lower() in DROPPED_SECTIONS else 0
        kept += [] if dropped else [body]
    return "".join(kept)


def join_cells(table: str) -> str:
    """The text of a table's cells, without its attributes."""
    texts = []
    for line in table.split("\n"):
        if re.match(r"\s*[:*]*\{\||\s*\|-", line):
            continue
        cells = re.split(r"\|\||!!", line.strip()) if line.strip()[:1] in ("|", "!") else [line]
        for cell in cells:
            before, bar, after = cell.lstrip("|!+").partition("|")
            texts.append(after if bar and "=" in before else f"{before} {after}")
    return "\n".join(texts)


def clean_with_ours(wikitext: str) -> str:
    return "\n".join(section.text for section in clean_wikitext(wikitext).sections)


def strip_with_parser(wikitext: str) -> str:
    return mwparserfromhell.parse(wikitext).strip_code()


def run_wikiextractor(python: str, dump: Path, *options: str) -> tuple[dict[str, str], float]:
    """Title -> text, and the seconds of processor time it took."""
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [
            python,
            "-m",
            "wikiextractor.WikiExtractor",
            "--json",
            "--processes",
            "1",
            "-q",
            "-o",
            folder,
        ]
        subprocess.run([*command, *options, str(dump)], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        lines = [line for file in Path(folder).rglob("wiki_*") for line in file.open(encoding="utf-8")]
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {page["title"]: page["text"] for page in map(json.loads, lines)}, seconds


def measure(clean, pages: dict[str, str]) -> tuple[dict[str, str], float]:
    """Title -> text, and the processor time, the median of three runs."""
    times = []
    for _ in range(3):
        start = time.process_time()
        texts = {title: clean(wikitext) for title, wikitext in pages.items()}
        times.append(time.process_time() - start)
    return texts, median(times)


def count_kept(truth: dict[str, dict[str, Counter]], texts: dict[str, str]) -> dict[str, float]:
    """Per cent of each class; a number of the output stands for one number of the page."""
    kept, total = Counter(), Counter()
    for title, found in truth.items():
        left = count_numbers(html.unescape(texts.get(title, "")))
        for name in CLASSES:
            matched = found[name] & left
            left -= matched
            kept[name] += matched.total()
            total[name] += found[name].total()
    return {name: 100 * kept[name] / total[name] if total[name] else float("nan") for name in CLASSES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("paths", nargs="+", type=Path, help="dumps (.xml, .xml.bz2) or folders of .txt")
    parser.add_argument("--wikiextractor", metavar="PYTHON", help="an interpreter that has WikiExtractor")
    arguments = parser.parse_args()
    for path in arguments.paths:
        pages = read_pages(path)
        megabytes = sum(len(text.encode()) for text in pages.values()) / 1e6
        truth = {title: Truth(wikitext).found for title, wikitext in pages.items()}
        totals = [sum(found[name].total() for found in truth.values()) for name in CLASSES]
        results = {"ours": measure(clean_with_ours, pages), "strip_code": measure(strip_with_parser, pages)}
        if arguments.wikiextractor and path.is_file():
            run = lambda *options: run_wikiextractor(arguments.wikiextractor, path, *options)  # noqa: E731
            results["WikiExtractor"] = run()
            results["WikiExtractor --no-templates"] = run("--no-templates")
        print(f"\n{path.name}: {len(pages)} articles, {megabytes:.1f} MB; numbers kept, %\n")
        print("| extractor |", " | ".join(CLASSES), "| pages/s | MB/s |")
        print("| --- |" + " --- |" * (len(CLASSES) + 2))
        print("| (numbers there) |", " | ".join(f"{n:,}" for n in totals), "| | |")
        for name, (texts, seconds) in results.items():
            shares = " | ".join(f"{share:.1f}" for share in count_kept(truth, texts).values())
            print(f"| {name} | {shares} | {len(pages) / seconds:.0f} | {megabytes / seconds:.1f} |")


if __name__ == "__main__":
    main()
