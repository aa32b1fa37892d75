"""Pages of wikitext as plain text: markup, sections, categories, and markup that is broken.

Expected texts are written by hand, from how MediaWiki shows the page.
"""

import string
import time

import mwparserfromhell
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from science_exam.corpus import wikitext as module
from science_exam.corpus.articles import Section
from science_exam.corpus.wikitext import clean_wikitext


def read(wikitext):
    """The lead of a page as text."""
    sections = clean_wikitext(wikitext).sections
    return sections[0].text if sections else ""


def check(cases):
    return pytest.mark.parametrize(("wikitext", "text"), cases, ids=[wikitext for wikitext, _ in cases])


@check(
    [
        ("'''Bold''', ''italic'' and '''''both'''''", "Bold, italic and both"),
        ("'''Rosa''''s atom", "Rosa's atom"),
        ("L'''eau'' flows", "L'eau flows"),
        ("it's 5' 10\" tall", "it's 5' 10\" tall"),
        ("H<sub>2</sub>O", "H2O"),
        ("SO<sub>4</sub><sup>2−</sup>, Ca<sup>2+</sup>, Na<sup>+</sup>", "SO4^2−, Ca2+, Na+"),
        ("10<sup>6</sup> m<sup>2</sup>", "10^6 m^2"),
        ("2<sup>''n''+1</sup> and e<sup>x</sup>", "2^(n+1) and e^x"),
        ("x<sup>2<sup>n</sup></sup>", "x^2^n"),
        ("the 19<sup>th</sup> century", "the 19th century"),
        ("<sup>235</sup>U and ''x''<sup>2</sup>", "235U and x^2"),
        ("101<sub>2</sub>, ''t''<sub>1/2</sub>, ''x''<sub>''n''+1</sub>", "101_2, t1/2, x_(n+1)"),
        ("E<small> = </small><span style='color:red'>mc</span><u>²</u>", "E = mc²"),
        ("seen<span style='display:none'>hidden</span> here", "seen here"),
        ("a<br>b<br />c</br>", "a\nb\nc"),
        ("<p>one</p><p>two</p>", "one\ntwo"),
        ("<poem>\nline one\nline ''two''\n</poem>", "line one\nline two"),
        ("<code>x[1] = y</code> and <nowiki>''[[x]]'' {{y}}</nowiki>", "x[1] = y and ''[[x]]'' {{y}}"),
        (
            "<syntaxhighlight lang='c'>\nint a[[2]];\nreturn {{0}};\n</syntaxhighlight>",
            "int a[[2]];\nreturn {{0}};",
        ),
        ("<math>\\displaystyle E = m\\,c^2 </math>", "$E = m c^2$"),
        ("<math display='block'>\n\\left( \\frac{a}{b} \\right)\n</math>", "$( \\frac{a}{b} )$"),
        ("where <math>f''(x) | \\{{a}\\}</math> is", "where $f''(x) | \\{{a}\\}$ is"),
        ("a &lt; b &amp; c &gt; d&nbsp;&ndash; &#8722;5&deg;", "a < b & c > d – −5°"),
        ("&#91;He&#93; and &lt;ref&gt;", "[He] and <ref>"),
        ("a < b and c > d, <unknown>tag</unknown>", "a < b and c > d, <unknown>tag</unknown>"),
        ("soft\u00adware, zero\u200bwidth and 5\u00a0\u202fkm", "software, zerowidth and 5 km"),
        ("a <!-- note -->b", "a b"),
        ("one\n<!-- note -->\ntwo", "one two"),
        ("__NOTOC__ __FORCETOC__text", "text"),
    ]
)
def test_text_inside_a_line(wikitext, text):
    assert read(wikitext) == text


@check(
    [
        ("[[Water]] is [[Ice|frozen]]", "Water is frozen"),
        ("[[Atom]]s, [[#History|above]], [[:Category:Ions|ions]]", "Atoms, above, ions"),
        ("[[Ion (physics)|''Ion'' <sub>2</sub>]]", "Ion 2"),
        ("[http://example.org a ''label''], [http://example.org]", "a label,"),
        ("[//example.org label] and [mailto:a@example.org mail]", "label and mail"),
        ("[[File:A.jpg|thumb|A [[picture]] of {{convert|5|km}}]]text", "text"),
        ("[[Image:A.jpg|20px]] text [[Media:A.ogg|sound]]", "text"),
        ("[[Datei:A.jpg|mini|Ein Bild]]text", "text"),
        ("text [[Category:Ions|Sort]] [[de:Ion]] [[zh-min-nan:Ion]]", "text"),
        ("[[wikt:ion|ion]] and [[s:Text|source]]", "ion and source"),
        ("{{nowrap|[[a|b = c]]}}", "b = c"),
        ("[[CSI: Miami]], [[Re:Zero]] and [[:File:A.jpg|a figure]]", "CSI: Miami, Re:Zero and a figure"),
    ]
)
def test_links(wikitext, text):
    assert read(wikitext) == text


@check(
    [
        ("a<ref>Book, p. 5</ref> b<ref name=x /> c<ref name='x'>[[Y]]</ref>.", "a b c."),
        ("a <ref>x</ref>, b ( <ref>x</ref> )", "a, b"),
        ("text<references>\n<ref name=x>5</ref>\n</references>", "text"),
        ("<gallery>\nA.jpg|A caption\n</gallery>text", "text"),
        ("<timeline>\nDateFormat = yyyy\n</timeline>\n<templatestyles src='x' />text", "text"),
        ("{{Main|Ion}}\n{{Short description|x}}\ntext", "text"),
        ("a\n{{clear}}\nb", "a b"),
        ("a{{efn|A note with {{convert|5|km}}.}} b{{refn|x}}", "a b"),
    ]
)
def test_references_and_furniture_are_left_out(wikitext, text):
    assert read(wikitext) == text


@check(
    [
        ("one\ntwo\n\nthree", "one two\nthree"),
        ("* a\n* b\n** c\n* d", "- a\n- b\n-- c\n- d"),
        ("# a\n# b\n## c\n## d\n# e", "1. a\n2. b\n2.1. c\n2.2. d\n3. e"),
        ("# a\n#* b\n#: more\n# c", "1. a\n-- b\nmore\n2. c"),
        ("# a\n\n# b", "1. a\n1. b"),
        (
            "; ion : a charged atom\n; atom\n: a particle\n: old word",
            "ion: a charged atom\natom: a particle\nold word",
        ),
        ("; [[a|x: y]] : z", "x: y: z"),
        ("; Title\n* item", "Title\n- item"),
        (": <math>a</math>\n:: b", "$a$\nb"),
        ("* a<br>b", "- a b"),
        ("text\n* a\ntext", "text\n- a\ntext"),
        ("a\n----\nb", "a\nb"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("{{ubl|a|b}}", "- a\n- b"),
        ("x {{plainlist|\n* a\n* b\n}}", "x\n- a\n- b"),
        ("{{ordered list|a|b}}", "1. a\n2. b"),
        ("{{columns-list|colwidth=20em|\n* a\n* b}}", "- a\n- b"),
        (
            "He said: {{quote|Light is ''fast''.|Ann|A Book}} Then left.",
            "He said:\nLight is fast. — Ann, A Book\nThen left.",
        ),
        ("a <blockquote>b</blockquote> c", "a\nb\nc"),
    ]
)
def test_paragraphs_and_lists(wikitext, text):
    assert read(wikitext) == text


PAGE = """{{Short description|Invented}}
'''Ogrite''' ({{IPAc-en|oʊ}}) is a mineral.<ref>Mine, p. 3.</ref>

== History ==
{{Main|History of ogrite}}
Found in 1850.

=== ''Early'' work{{anchor|x}} ===
Ann weighed {{convert|5|kg|lb}}.

==Empty==
=== Inside ===
Text inside.

== See also ==
* [[Other]]

=== More links ===
* [[Third]]

== Uses ==
It shines.

==References==
{{reflist}}
== External links ==
* [http://example.org Site]
[[Category:Minerals|Ogrite]]
[[category: Invented things]]
[[Category:Minerals]]
<!-- [[Category:Not this]] --><nowiki>[[Category:Nor this]]</nowiki>
"""


def test_a_page_becomes_its_sections():
    page = clean_wikitext(PAGE)
    assert page.sections == (
        Section(path="", text="Ogrite is a mineral."),
        Section(path="History", text="Found in 1850."),
        Section(path="History > Early work", text="Ann weighed 5 kilograms (11 lb)."),
        Section(path="Empty > Inside", text="Text inside."),
        Section(path="Uses", text="It shines."),
    )
    assert page.categories == ("Minerals", "Invented things")
    assert not page.is_disambiguation


def test_a_heading_inside_a_template_parts_nothing():
    page = clean_wikitext("a\n{{quote|b\n== no heading ==\nc}}\n== Real ==\nd")
    assert [section.path for section in page.sections] == ["", "Real"]


@pytest.mark.parametrize("heading", ["=== Low ===", "= High =", "== Spaces ==  ", "==Uneven==="])
def test_headings_of_every_level_count(heading):
    (section,) = clean_wikitext(f"{heading}\ntext").sections
    assert section.path == heading.strip("= ") + ("=" if "Uneven" in heading else "")


def test_an_empty_page_has_no_sections():
    page = clean_wikitext("")
    assert (page.sections, page.categories, page.is_disambiguation) == ((), (), False)


@pytest.mark.parametrize(
    "mark",
    [
        "{{disambiguation}}",
        "{{Disambig|geo}}",
        "{{dab}}",
        "{{hndis|Hill, Ann}}",
        "{{Surname}}",
        "__DISAMBIG__",
    ],
)
def test_pages_of_names_are_disambiguation(mark):
    assert clean_wikitext(f"'''Hill''' may be:\n* [[Ann Hill]]\n{mark}").is_disambiguation


@pytest.mark.parametrize(
    "mark", ["{{disambiguation needed|date=May 2010}}", "[[Hill (disambiguation)]]", "{{about|x}}"]
)
def test_other_pages_are_not(mark):
    assert not clean_wikitext(f"A hill is a small mountain. {mark}").is_disambiguation


@pytest.mark.parametrize(
    "opening",
    [
        *("{{", "{{nowrap|", "{{cite web|title=", "[[", "[[File:A.jpg|", "[http://example.org ", "{{{1|"),
        *("<ref>", "<ref name=x>", "<math>", "<nowiki>", "<gallery>", "<!-- ", "<div style='x'>", "<sup>"),
        *(
            "<span style='display:none'>",
            "<table><tr><td>",
            "{|\n|",
            "'''",
            "<poem>",
            "<",
            "{{Infobox x\n| a = ",
        ),
    ],
)
def test_what_is_not_closed_takes_no_later_paragraph_with_it(opening):
    text = "\n".join(
        section.text for section in clean_wikitext(f"before {opening}\n\nafter\n\n== H ==\nend").sections
    )
    assert all(word in text for word in ("before", "after", "end"))


def test_an_unclosed_reference_does_not_reach_to_the_next():
    assert read("a<ref name=x> b c.<ref>Book</ref> d") == "a b c. d"


@pytest.mark.parametrize("error", [RecursionError, mwparserfromhell.parser.ParserError("broken")])
def test_a_page_that_the_parser_gives_up_on_keeps_its_words(monkeypatch, error):
    def give_up(*_):
        raise error

    monkeypatch.setattr(module.Renderer, "render_source", give_up)
    assert read("[[Ice|Frozen]] {{x|water}}") == "Frozen x water"


TOKEN_ROWS = """
{{ }} [[ ]] {| |} |- || !! | ! = == === ' '' ''' ''''' <ref> </ref> <ref/> <!-- --> <nowiki> </nowiki>
<math> </math> <sup> </sup> <sub> </sub> <br> <div> </div> <span> </span> <table> <tr> <td> </table> <li>
<poem> </poem> {{convert| {{val| {{frac| {{e| {{chem| {{su| {{lang| {{ubl| {{clade| {{Infobox {{age|
{{#if: {{formatnum: {{{ }}} [http://a ] [ { } &nbsp; &lt; &#123; __TOC__ File: Category: : ; * # - ( ) , .
/ km 5 1/2 1e999 to rowspan=9 e= 1=
"""
TOKENS = TOKEN_ROWS.split()
MARKUP = st.lists(
    st.sampled_from([*TOKENS, "\n", " ", "|", "\n*", "\n#", "\n|", "\n{|", "\n|}", "word"])
).map("".join)


@given(st.one_of(MARKUP, st.text()))
@settings(max_examples=50, deadline=None)
@example("\ud800")
@example("\U000f0000\U0010ff00")
def test_no_markup_raises_and_all_text_is_clean(wikitext):
    for section in clean_wikitext(wikitext).sections:
        assert section.text and section.text == section.text.strip()
        assert "  " not in section.text and "\n\n" not in section.text
        assert not any(ord(character) >= 0xF0000 for character in section.text + section.path)


WORDS = st.text(string.ascii_lowercase, min_size=3, max_size=8)


@given(st.lists(st.tuples(WORDS, MARKUP)))
@settings(max_examples=50, deadline=None)
def test_words_in_front_of_all_markup_survive(pairs):
    words = [word for word, _ in pairs]
    wikitext = "\n\n".join(words) + "\n\n" + "".join(markup for _, markup in pairs)
    text = "\n".join(section.text for section in clean_wikitext(wikitext).sections)
    assert text.startswith("\n".join(words))


OPENINGS = st.sampled_from(
    [token for token in TOKENS if not set(token) & set(")}]>")] + ["<ref>", "<sup>", "<div>"]
)


@given(st.lists(st.tuples(OPENINGS, WORDS)))
@settings(max_examples=50, deadline=None)
def test_where_nothing_is_closed_every_paragraph_survives(pairs):
    wikitext = "".join(f"{opening}\n\n{word}\n\n" for opening, word in pairs)
    lines = "\n".join(section.text for section in clean_wikitext(wikitext).sections)
    assert all(word in lines for _, word in pairs)


@pytest.mark.parametrize(
    "unit",
    [
        "{{",
        "{{a|",
        "[[a|",
        "{|\n|a\n",
        "<div ",
        "<sub>",
        "[http://a ",
        "{{a|[[b|",
        "== a",
        "{{a}} ",
        "[[Category:",
        "(" + "{{x}};",
    ],
)
def test_time_grows_with_the_length_of_a_page_and_not_with_its_square(unit):
    def seconds(n):
        start = time.process_time()
        clean_wikitext(unit * (n // len(unit)))
        return time.process_time() - start

    # Ten times the page takes ten times the time, on a busy machine thirty; a square would take a hundred.
    assert seconds(200_000) < 70 * max(seconds(20_000), 0.02)


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("{{a|", "}}"), ("{{nowrap|", "}}"), ("[[a|", "]]"), ("\n{|\n|", "\n|}"), ("<sup>", "</sup>")],
)
def test_deep_nesting_ends(opening, closing):
    clean_wikitext(opening * 5_000 + "x" + closing * 5_000)
