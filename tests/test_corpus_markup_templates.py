"""Inline templates: what MediaWiki prints for them, as plain text. Expected texts are written by hand."""

import doctest
import importlib

import pytest

from science_exam.corpus.wikitext import clean_wikitext


def read(wikitext):
    """The lead of a page as text."""
    sections = clean_wikitext(wikitext).sections
    return sections[0].text if sections else ""


def check(cases):
    return pytest.mark.parametrize(("wikitext", "text"), cases, ids=[wikitext[:60] for wikitext, _ in cases])


@check(
    [
        # The stated unit is written out, the converted one abbreviated.
        ("{{convert|5|km|mi}}", "5 kilometres (3.1 mi)"),
        ("{{convert|1|mi|km}}", "1 mile (1.6 km)"),
        ("{{convert|100|km|mi}}", "100 kilometres (62 mi)"),
        ("{{convert|12345|m|ft}}", "12,345 metres (40,500 ft)"),
        ("{{convert|663,268|sqmi|km2|0}}", "663,268 square miles (1,717,856 km^2)"),
        ("{{Convert|5|km|mi|abbr=on}}", "5 km (3.1 mi)"),
        ("{{cvt|5|km|mi}}", "5 km (3.1 mi)"),
        ("{{convert|5|km|mi|abbr=off}}", "5 kilometres (3.1 miles)"),
        ("{{convert|5|km|mi|sp=us}}", "5 kilometers (3.1 mi)"),
        ("{{convert|20|C|F}}", "20 °C (68 °F)"),
        ("{{convert|-40|°C|°F}}", "−40 °C (−40 °F)"),
        ("{{convert|0|C|K}}", "0 °C (273 K)"),
        ("{{convert|&minus;5|C|F}}", "−5 °C (23 °F)"),
        ("{{convert|5|C-change|F-change}}", "5 °C (9.0 °F)"),
        ("{{convert|2.5|mi|km|1}}", "2.5 miles (4.0 km)"),
        # Ranges, products and adjectives.
        ("{{convert|5|to|10|km|mi}}", "5 to 10 kilometres (3.1 to 6.2 mi)"),
        ("{{convert|5|-|10|km|mi}}", "5–10 kilometres (3.1–6.2 mi)"),
        ("{{convert|5|x|10|cm}}", "5 by 10 centimetres"),
        ("{{cvt|5|x|10|x|2|cm}}", "5 × 10 × 2 cm"),
        ("{{convert|5|by|10|m}}", "5 by 10 metres"),
        ("{{convert|30|±|2|mm}}", "30 ± 2 millimetres"),
        ("{{convert|10|ft|m|adj=on}} wall", "10-foot (3.0 m) wall"),
        ("{{convert|5|to|10|km|adj=on}} walk", "5-to-10-kilometre walk"),
        ("{{convert|100|mi|km|disp=or}}", "100 miles or 160 km"),
        ("{{convert|100|km|mi|order=flip}}", "62 mi (100 kilometres)"),
        # Two units of one length; fractions; powers of ten.
        ("{{convert|6|ft|2|in|m}}", "6 feet 2 inches"),
        ("{{convert|6|ft|2|in|m|abbr=on}}", "6 ft 2 in"),
        ("{{convert|1/2|mi}}", "1/2 mile"),
        ("{{convert|1+1/2|in}}", "1 1/2 inches"),
        ("{{convert|87|e6acre|e6ha}}", "87 million acres"),
        ("{{convert|1.2e6|km}}", "1.2×10^6 kilometres"),
        # No target, two targets or an unknown unit: nothing is made up.
        ("{{convert|300|m}}", "300 metres"),
        ("{{convert|300|m|fathom ft}}", "300 metres"),
        ("{{convert|250|kJ/mol|kcal/mol}}", "250 kJ/mol"),
        ("{{convert|9.8|m/s2}}", "9.8 m/s^2"),
        ("{{convert|40|m3/d}}", "40 cubic metres per day"),
        ("{{convert|5|furlong|km|sigfig=3}}", "5 furlongs"),
        ("{{convert}}", ""),
        ("{{convert|many|km}}", "many kilometres"),
    ]
)
def test_convert(wikitext, text):
    assert read(wikitext) == text


@check(
    [
        ("{{val|1.5}}", "1.5"),
        ("{{val|1.5|u=m}}", "1.5 m"),
        ("{{val|1.5|0.2|ul=km|up=s}}", "1.5±0.2 km/s"),
        ("{{val|6.02214076|e=23|u=mol-1}}", "6.02214076×10^23 mol^−1"),
        ("{{val|6.674|0.015|e=-11|u=m3.kg-1.s-2}}", "(6.674±0.015)×10^−11 m^3⋅kg^−1⋅s^−2"),
        ("{{val|1.007|(3)|e=5}}", "1.007(3)×10^5"),
        ("{{val|5|+0.2|-0.1|u=ly}}", "5 +0.2/−0.1 ly"),
        ("{{val|-3|u=%}}", "−3%"),
        ("{{val|e=6|u=W}}", "10^6 W"),
        ("{{val|p=&lt;|30|u=K}}", "<30 K"),
        ("{{frac|1|2}}", "1/2"),
        ("{{frac|3|1|2}}", "3 1/2"),
        ("{{frac|8}}", "1/8"),
        ("1{{frac|1|4}} days", "1 1/4 days"),
        ("{{sfrac|a + b|2}}", "(a + b)/2"),
        ("3{{e|8}} m", "3×10^8 m"),
        ("3{{E|-8}} m", "3×10^−8 m"),
        ("{{10^|21}}", "10^21"),
        ("2{{x10^|4}}", "2×10^4"),
        ("{{pow|2|10}}", "2^10"),
        ("12{{su|p=+3|b=-2}}", "12 +3/−2"),
        ("x{{su|b=1}}", "x1"),
        ("m{{sup|2}}", "m^2"),
        ("CO{{sub|2}}", "CO2"),
        ("{{gaps|6.022|140|76|e=23|u=mol-1}}", "6.02214076×10^23 mol^−1"),
        ("{{RA|05|34|31.94}}", "05h 34m 31.94s"),
        ("{{DEC|+22|00|52.2}}", "+22° 00′ 52.2″"),
        ("{{DEC|-5|30}}", "−5° 30′"),
        ("{{height|ft=5|in=10}}", "5 ft 10 in"),
        ("{{height|m=1.78}}", "1.78 m"),
        ("{{duration|h=1|m=2|s=3}}", "1:02:03"),
        ("{{duration|m=4|s=33}}", "4:33"),
        ("{{percentage|1|3|1}}", "33.3%"),
        ("{{percentage|1|0}}", "1/0"),
        ("{{nts|12345}}", "12,345"),
        ("{{formatnum:1234567.5}}", "1,234,567.5"),
        ("{{nuclide|uranium|235}}", "235U"),
        ("{{nuclide|U|238}}", "238U"),
        ("{{simplenuclide2|lithium|6}}", "6Li"),
        ("{{RailGauge|1435mm}}", "1,435 mm"),
        ("{{solar mass|2.1}}", "2.1 M☉"),
        ("{{Solar luminosity}}", "L☉"),
    ]
)
def test_quantities(wikitext, text):
    assert read(wikitext) == text


@check(
    [
        ("{{chem|H|2|O}}", "H2O"),
        ("{{chem|SO|4|2-}}", "SO4^2−"),
        ("{{chem|Ca|2+}}", "Ca2+"),
        ("{{chem|NH|4|+}}", "NH4+"),
        ("{{chem2|SO4(2-)}}", "SO4^2−"),
        ("{{chem2|Na+}}", "Na+"),
        ("{{chem2|CuSO4*5H2O}}", "CuSO4·5H2O"),
        ("{{chem2|2H2 + O2 -> 2H2O}}", "2H2 + O2 → 2H2O"),
        ("<chem>CO2 + H2O <=> H2CO3</chem>", "CO2 + H2O ⇌ H2CO3"),
        ("<ce>Fe^3+</ce>", "Fe3+"),
        ("{{ce|H2SO4}}", "H2SO4"),
        ("{{math|''E'' {{=}} ''mc''<sup>2</sup>}}", "E = mc^2"),
        ("{{mvar|x}}", "x"),
        (r"{{tmath|\alpha + 1}}", r"$\alpha + 1$"),
        ("{{sqrt|2}} and {{radic|a + b|3}}", "√2 and ∛(a + b)"),
        ("{{abs|x}}", "|x|"),
        ("{{mset|1, 2}}", "{1, 2}"),
        ("{{closed-open|0, 1}}", "[0, 1)"),
        ("{{bra-ket|a|b}} of {{ket|b}}", "⟨a|b⟩ of |b⟩"),
        ("{{overline|AB}} {{vec|v}}", "AB v"),
        ("{{NumBlk|:|<math>a=b</math>|2}}", "$a=b$ (2)"),
        ("{{subatomic particle|Electron}}", "e−"),
        ("{{subatomic particle|unheard}}", "unheard"),
        ("2{{pi}}''r''", "2πr"),
    ]
)
def test_formulas(wikitext, text):
    assert read(wikitext) == text


@check(
    [
        ("{{start date|1969|7|20}}", "July 20, 1969"),
        ("{{Start date|1969|07|20|df=y}}", "20 July 1969"),
        ("{{start date|1969|7}}", "July 1969"),
        ("{{start date|1969}}", "1969"),
        ("{{start date|1969|7|20|20|17||UTC}}", "July 20, 1969, 20:17 UTC"),
        ("{{birth date and age|1950|1|2}}", "January 2, 1950"),
        ("{{death date and age|1955|4|18|1879|3|14|df=yes}}", "18 April 1955 (aged 76)"),
        ("{{death date and age|1955|3|13|1879|3|14}}", "March 13, 1955 (aged 75)"),
        ("{{dda|1955|4|18}}", "April 18, 1955"),
        ("{{birth-date|3 May 1700}}", "3 May 1700"),
        ("{{start and end dates|1914|7|28|1918|11|11}}", "July 28, 1914 – November 11, 1918"),
        ("{{circa|1850}}", "c. 1850"),
        ("{{c.|1850|1900}}", "c. 1850 – c. 1900"),
        ("{{floruit|1200}}, {{reign|1066|1087}}", "fl. 1200, r. 1066–1087"),
        ("500 {{BCE}}, 500 {{CE}}", "500 BCE, 500 CE"),
        ("{{as of|2010|5|lc=y}}", "as of May 2010"),
        ("{{As of|2010|5|20}}", "As of 20 May 2010"),
        ("{{as of|2010|alt=in 2010}}", "in 2010"),
        ("{{age|1879|3|14|1955|4|18}} years", "76 years"),
        ("{{Ma|66}}", "66 million years ago"),
        ("{{fossil range|252|66}}", "252–66 million years ago"),
        ("{{OldStyleDate|February 2|1905|January 20}}", "February 2 [O.S. January 20] 1905"),
        ("{{dts|2001|2|3}}", "February 3, 2001"),
        # No months: a superscript two, and a number that int() refuses.
        ("{{start date|2001|²|3}}", "² 3, 2001"),
        ("{{start date|2001|" + 5000 * "1" + "}}", 5000 * "1" + " 2001"),
    ]
)
def test_dates(wikitext, text):
    assert read(wikitext) == text


@check(
    [
        ("1914{{ndash}}1918", "1914–1918"),
        ("one{{snd}}two{{mdash}}three", "one – two—three"),
        ("5{{nbsp}}km and 5&nbsp;km", "5 km and 5 km"),
        ("a{{spaces|4}}b", "a b"),
        ("{{nowrap|5 km}}", "5 km"),
        ("{{lang|fr|''eau''}}", "eau"),
        ("{{lang-la|aqua}}", "Latin: aqua"),
        (
            "{{langx|ar|الجبر|translit=al-jabr|lit=completion}}",
            "Arabic: الجبر, romanized: al-jabr, lit. 'completion'",
        ),
        ("{{transl|ar|DIN|al-jabr}}", "al-jabr"),
        ("{{IPA|[p]}} is a stop", "[p] is a stop"),
        ("{{ill|Hans Tropfen|de}}", "Hans Tropfen"),
        ("{{interlanguage link|Hans Tropfen|de|lt=Tropfen}}", "Tropfen"),
        ("{{abbr|GCM|general circulation model}}", "GCM"),
        ("{{not a typo|Teh}}", "Teh"),
        ("{{sic}} {{sic|recieve}}", "[sic] recieve"),
        ("{{hlist|iron|zinc|tin}}", "iron, zinc, tin"),
        ("{{harvtxt|Hill|Lo|1999}} showed", "Hill & Lo (1999) showed"),
        ("{{HMS|Beagle|1820|6}}", "HMS Beagle (1820)"),
        ("{{sortname|Lise|Meitner}}", "Lise Meitner"),
        ("{{flag|Peru}} {{flagicon|Peru}}", "Peru"),
        ("{{BRA}} won", "BRA won"),
        ("{{US$|5}} million", "US$5 million"),
        ("{{color|red|hot}}", "hot"),
        ("{{key press|Ctrl|C}}", "Ctrl+C"),
        ("{{nihongo|origami|折り紙|origami}}", "origami (折り紙, origami)"),
        ("{{music|flat}}", "♭"),
        ("{{DentalFormula|upper=2.1.2.3|lower=2.1.2.3}}", "2.1.2.3 / 2.1.2.3"),
        ("{{clade|label1=Canidae|1={{clade|1=wolf|2=fox}}|2=cat}}", "Canidae (wolf, fox), cat"),
        ("{{Template:Nowrap|x}} {{ nowrap | y }}", "x y"),
        ("{{lc:ABC}} {{uc:abc}} {{ucfirst:abc}}", "abc ABC Abc"),
    ]
)
def test_words(wikitext, text):
    assert read(wikitext) == text


@check(
    [
        ("a{{citation needed|date=May 2010}} b", "a b"),
        ("a {{cn}}, b {{dubious|date=May 2010}}.", "a, b."),
        ("a{{sfn|Hill|1999|p=3}}{{rp|75}}.", "a."),
        ("{{cite web|url=http://example.org|title=T}}b", "b"),
        ("{{#if:x|yes|no}}b{{#expr:1+1}}", "b"),
        ("{{unheard of|5}}b", "b"),
        ("{{DEFAULTSORT:Name}}b", "b"),
        ("{{{1|default}}} {{{2}}}b", "default b"),
        ("{{coord|51|30|N|0|7|W}}b", "b"),
        ("{{flagicon|France}} Paris", "Paris"),
    ]
)
def test_other_templates_print_nothing(wikitext, text):
    assert read(wikitext) == text


def test_the_words_around_dropped_pronunciations_close_up():
    page = (
        "'''Foo''' ({{IPAc-en|f|uː}}; {{lang-la|fu}}; {{respell|FOO}}) is a ({{IPA-fr|fu}}) thing ({{cn}}) ."
    )
    assert read(page) == "Foo (Latin: fu) is a thing."


def test_calls_inside_calls_are_rendered_once():
    depth = 30  # twice each would be a billion times
    assert read("{{clade|1=" * depth + "x" + "}}" * depth) == "x"


@pytest.mark.parametrize("module", ["blocks", "mathematics", "tidying", "units"])
def test_examples_in_docstrings_hold(module):
    result = doctest.testmod(importlib.import_module(f"science_exam.corpus.markup.{module}"))
    assert result.failed == 0
