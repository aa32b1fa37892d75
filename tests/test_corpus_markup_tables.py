"""Tables and infoboxes as lines of text. Expected lines are written by hand."""

import pytest

from science_exam.corpus.wikitext import clean_wikitext


def read_lines(wikitext):
    sections = clean_wikitext(wikitext).sections
    return sections[0].text.split("\n") if sections else []


def table(body, attributes='class="wikitable"'):
    return f"{{| {attributes}\n{body}\n|}}"


def test_each_row_names_its_headers():
    rows = "|+ Two moons\n! Name !! Radius (km)\n|-\n| Phobos || 11.3\n|-\n| Deimos\n| 6.2"
    assert read_lines(table(rows)) == [
        "Two moons",
        "Name: Phobos; Radius (km): 11.3",
        "Name: Deimos; Radius (km): 6.2",
    ]


def test_attributes_are_no_text():
    rows = (
        '|+ style="color:red" | Caption\n! scope="col" | A !! style="width:5%" | B\n'
        '|- style="background:#eee"\n| align=right | 1 || nowrap | 2\n|-\n|3||style="x"|4'
    )
    assert read_lines(table(rows)) == ["Caption", "A: 1; B: 2", "A: 3; B: 4"]


def test_a_cell_that_spans_rows_is_repeated_and_one_that_spans_columns_is_not():
    rows = (
        '! Kind !! Name !! Low !! High\n|-\n| rowspan="2" | Gas || Neon || colspan="2" | 27\n'
        "|-\n| Argon || 84 || 87\n|-\n| Metal || Tin || 505 || 2875"
    )
    assert read_lines(table(rows)) == [
        "Kind: Gas; Name: Neon; Low: 27",
        "Kind: Gas; Name: Argon; Low: 84; High: 87",
        "Kind: Metal; Name: Tin; Low: 505; High: 2875",
    ]


def test_headers_of_two_rows_are_joined():
    rows = "! rowspan=2 | Star\n! colspan=2 | Mass\n|-\n! now !! then\n|-\n| Sol || 1 || 2"
    assert read_lines(table(rows)) == ["Star: Sol; Mass now: 1; Mass then: 2"]


def test_values_under_one_header_share_it():
    assert read_lines(table("! A !! colspan=2 | B\n|-\n| 1 || 2 || 3")) == ["A: 1; B: 2, 3"]


def test_rows_that_begin_with_a_header_name_their_values():
    assert read_lines(table("! Mass\n| 5 kg\n|-\n! Radii\n| 1 || 2")) == ["Mass: 5 kg", "Radii: 1; 2"]


def test_without_headers_the_cells_are_in_a_row():
    assert read_lines(table("| a || b\n|-\n| c || d")) == ["a; b", "c; d"]


def test_a_row_of_one_wide_cell_is_a_line():
    rows = "! A !! B\n|-\n! colspan=2 | Group 1\n|-\n| 1 || 2\n|-\n| colspan=2 | Group 2\n|-\n| 3 || 4"
    assert read_lines(table(rows)) == ["Group 1", "A: 1; B: 2", "Group 2", "A: 3; B: 4"]


def test_nothing_is_lost_of_a_table_of_headers_only():
    assert read_lines(table("! a !! b\n|-\n! c !! d")) == ["a: b", "c: d"]


def test_a_column_of_pictures_keeps_its_header():
    assert read_lines(table("! Name !! 300 BC\n|-\n| Aleph || [[File:Aleph.png]]")) == [
        "300 BC",
        "Name: Aleph",
    ]


def test_empty_cells_say_nothing():
    assert read_lines(table("! A !! B !! C\n|-\n| || 2 ||\n|-\n|1||||3")) == ["B: 2", "A: 1; C: 3"]


def test_lists_and_breaks_in_a_cell_become_commas():
    rows = "! A<br />a !! B\n|-\n|\n* x\n* y\n| 300 K<br>27 °C<br />(80 °F)"
    assert read_lines(table(rows)) == ["A a: x, y; B: 300 K, 27 °C (80 °F)"]


def test_formulas_links_and_templates_in_cells():
    rows = (
        "! A !! B\n|-\n| [[x|y]] || <math>|a||b|</math>\n"
        "|-\n| {{convert|5|km|mi}} || {{abs|z}}\n|-\n|{{yes}}||{{n/a}}"
    )
    assert read_lines(table(rows)) == [
        "A: y; B: $|a||b|$",
        "A: 5 kilometres (3.1 mi); B: |z|",
        "A: Yes; B: N/A",
    ]


def test_a_template_of_a_cell_ends_its_attributes():
    rows = '! A !! B !! C\n|-\n| colspan=2 {{n/a}} || 1\n|-\n| style="x" {{unheard}} || 2 || 3'
    assert read_lines(table(rows)) == ["A: N/A; C: 1", "B: 2; C: 3"]


def test_pipes_may_come_from_templates():
    assert read_lines("{{{!}}\n{{!}}-\n{{!}} a {{!!}} b\n{{!}}}") == ["a; b"]


def test_a_table_in_a_list_and_text_around_tables():
    page = "before\n:" + table("| a || b") + "\nafter"
    assert read_lines(page) == ["before", "a; b", "after"]


def test_tables_that_arrange_text_give_their_text():
    page = table("|\n" + "\n".join(f"* item {i}" for i in range(8)) + "\n| right", "")
    assert read_lines(page) == [*(f"- item {i}" for i in range(8)), "right"]


def test_tables_inside_tables():
    inner = "{|\n! A !! B\n|-\n| 1 || 2\n|}"
    assert read_lines(f"{{|\n|\n{inner}\n| x\n|}}") == ["A: 1; B: 2; x"]


@pytest.mark.parametrize("attributes", ['class="navbox"', 'style="display:none"', 'class="vertical-navbox"'])
def test_navigation_and_hidden_tables_are_left_out(attributes):
    assert read_lines("a\n" + table("| x || y", attributes) + "\nb") == ["a", "b"]


def test_html_tables_read_the_same():
    page = "<table><caption>C</caption><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>"
    assert read_lines(page) == ["C", "A: 1; B: 2"]


@pytest.mark.parametrize(
    "page",
    [
        "{|\n! A\n|-\n| word",
        "{|\n! A\n|-\n| [[word",
        "{| class=x\n|-\n! A\n|-\n| {{nowrap|word",
        "! A\n|-\n| word\n|}",
        "{|\n{|\n{|\n| word\n|}",
        '{|\n| rowspan="9999999" colspan="9999" | word\n|-\n| a\n|}',
    ],
)
def test_broken_tables_keep_their_words(page):
    text = "\n".join(read_lines(page + "\n\nrest of the page"))
    assert "word" in text and "rest of the page" in text


def test_facts_of_an_infobox_close_the_lead():
    page = """{{Infobox planet
| name = Ogra
| image = Ogra.jpg
| image_size = 200
| caption = Ogra from afar
| mass = {{val|6.4|e=23|u=kg}}<ref>Source</ref>
| mean_radius_km = 3389.5
| albedo = {{plainlist|
* 0.17 geometric
* 0.25 Bond
}}
| moons = [[Foo]]<br />[[Bar (moon)|Bar]]
| website = {{URL|example.org}}
| period =
}}
'''Ogra''' is a planet.

== Orbit ==
It is round."""
    sections = clean_wikitext(page).sections
    assert [section.path for section in sections] == ["", "Orbit"]
    assert sections[0].text.split("\n") == [
        "Ogra is a planet.",
        "name: Ogra",
        "mass: 6.4×10^23 kg",
        "mean radius (km): 3389.5",
        "albedo: 0.17 geometric, 0.25 Bond",
        "moons: Foo, Bar",
    ]


def test_a_chembox_gives_the_facts_of_its_sections():
    page = """{{Chembox
| ImageFile = x.svg
| IUPACName = Oxidane
| Section1 = {{Chembox Identifiers | CASNo = 7732-18-5 | SMILES = O | StdInChI = 1S/H2O/h1H2 }}
| Section2 = {{Chembox Properties | H=2 | O=1 | MeltingPtC = 0.00 | BoilingPtC = 99.98 | pKa = 13.995 }}
}}"""
    assert read_lines(page) == [
        "IUPAC name: Oxidane",
        "CAS no: 7732-18-5",
        "formula: H2O",
        "melting point (°C): 0.00",
        "boiling point (°C): 99.98",
        "pKa: 13.995",
    ]


def test_a_taxobox_names_ranks_in_english():
    page = "{{Taxobox | regnum = [[Animal]]ia | classis = Aves | binomial = ''Aves primus'' | color = pink }}"
    assert read_lines(page) == [
        "kingdom: Animalia",
        "class: Aves",
        "binomial name: Aves primus",
        "color: pink",
    ]


def test_labels_of_an_infobox_name_their_values():
    page = "{{Infobox x|leader_title1=Chair|leader_name1=Ann|label3=Depth|data3=5 m|data4=alone}}"
    assert read_lines(page) == ["Chair: Ann", "Depth: 5 m", "alone"]
