"""Templates that print formulas of mathematics, chemistry and physics.

{{math}} and {{mvar}} hold wikitext, so they come out as running text; <math> and {{tmath}} hold LaTeX
and come out as LaTeX.
"""

import re

from science_exam.corpus.markup.calls import Call
from science_exam.corpus.markup.marks import PIPE
from science_exam.corpus.markup.mathematics import clean_chemistry, clean_latex, join_charge

_CHARGE = re.compile(r"\d*[+\-−]")
_COMPOUND = re.compile(r"(?<=.)[-+−±×/⋅ ]")
_BONDS = {"\\s": "–", "\\d": "=", "\\t": "≡", "*": "·"}

# What stands around the argument.
ENCLOSED = {
    "abs": (PIPE, PIPE),
    "norm": ("‖", "‖"),
    "floor": ("⌊", "⌋"),
    "ceil": ("⌈", "⌉"),
    "mset": ("{", "}"),
    "bracket": ("[", "]"),
    "closed-closed": ("[", "]"),
    "open-open": ("(", ")"),
    "open-closed": ("(", "]"),
    "closed-open": ("[", ")"),
    "ket": (PIPE, "⟩"),
    "bra": ("⟨", PIPE),
    "gloss": ("‘", "’"),
    **dict.fromkeys(("angbr", "angle bracket", "angbr ipa", "grapheme", "chevron"), ("⟨", "⟩")),
}


def expand_enclosed(call: Call) -> str:
    """{{abs|x}}: "|x|"; {{mset|a, b}}: "{a, b}"; several arguments are a list."""
    before, after = ENCLOSED[call.name]
    return f"{before}{', '.join(call.list_positional())}{after}"


def expand_tex(call: Call) -> str:
    r"""{{tmath|\alpha}}: "$\alpha$"."""
    return clean_latex(call.get("1"))


def expand_root(call: Call) -> str:
    """{{sqrt|2}}: "√2"; {{radic|a+b|3}}: "∛(a+b)"."""
    radicand, degree = call.get("1"), call.get("2")
    if _COMPOUND.search(radicand):
        radicand = f"({radicand})"
    return f"{ {'': '√', '2': '√', '3': '∛', '4': '∜'}.get(degree, f'{degree}√') }{radicand}"


def expand_bra_ket(call: Call) -> str:
    """{{bra-ket|a|b}}: "⟨a|b⟩"."""
    return f"⟨{PIPE.join(call.list_positional())}⟩"


def expand_chem(call: Call) -> str:
    """{{chem|SO|4|2-}}: "SO4^2−"; {{chem|H|2|O}}: "H2O"."""
    formula = ""
    for i, part in enumerate(call.list_positional()):
        if not formula or not _CHARGE.fullmatch(part):
            formula += part
        elif i > 1 and part[0].isdigit():  # after an index, be it the x of S, x, 2-
            formula += f"^{part.replace('-', '−')}"
        else:
            formula += join_charge(formula, part)
    return formula


def expand_chem2(call: Call) -> str:
    """{{chem2|SO4(2-)}}: "SO4^2−"; {{chem2|CuSO4*5H2O}}: "CuSO4·5H2O"."""
    if not call.has("1"):  # {{ce}} alone marks a year of the common era
        return "CE" if call.name == "ce" else ""
    formula = re.sub(r"\((\d*[+-])\)", r"^\1", call.get("1"))
    for written, bond in _BONDS.items():
        formula = formula.replace(written, bond)
    return clean_chemistry(formula)


def expand_numbered_equation(call: Call) -> str:
    """{{NumBlk|:|formula|1}}: "formula (1)"."""
    label = call.get("3")
    return f"{call.get('2')} ({label})" if label else call.get("2")


def expand_particle(call: Call) -> str:
    """{{subatomic particle|electron}}: "e−"; an unknown one by its name."""
    name = call.get("1")
    return _PARTICLES.get(name.lower(), name)


def expand_star_unit(call: Call) -> str:
    """{{solar mass|5}}: "5 M☉"; without a number the symbol."""
    number = call.get("1")
    return f"{number} {_STAR_UNITS[call.name]}" if number else _STAR_UNITS[call.name]


_STAR_UNITS = {
    "solar mass": "M☉",
    "solar radius": "R☉",
    "solar luminosity": "L☉",
    "jupiter mass": "M♃",
    "jupiter radius": "R♃",
    "earth mass": "M🜨",
    "earth radius": "R🜨",
    "lunar mass": "M☾",
}
STAR_UNITS = tuple(_STAR_UNITS)

_PARTICLE_ROWS = """
e− electron|e+ positron|p proton|p+ proton+|p̅ antiproton|n neutron|n0 neutron0|n̅ antineutron|γ photon|g gluon
μ− muon|μ− muon-|μ+ muon+|μ+ antimuon|τ− tau|τ− tauon|ν neutrino|ν̅ antineutrino|νe electron neutrino
ν̅e electron antineutrino|νμ muon neutrino|ν̅μ muon antineutrino|ντ tau neutrino|ν̅τ tau antineutrino
W w boson|W+ w boson+|W− w boson-|Z z boson|Z0 z boson0|H higgs boson|π pion|π+ pion+|π− pion-|π0 pion0
K kaon|K+ kaon+|K− kaon-|K0 kaon0|K̅0 antikaon0|Λ lambda|Λ0 lambda0|Σ sigma|Σ+ sigma+|Σ0 sigma0|Σ− sigma-
Δ delta|Δ++ delta++|Δ+ delta+|Δ0 delta0|Ξ xi|Ξ0 xi0|Ξ− xi-|Ω− omega-|η eta|ρ rho|J/ψ j/psi
u up quark|d down quark|s strange quark|c charm quark|b bottom quark|t top quark|u̅ up antiquark
d̅ down antiquark|s̅ strange antiquark|α alpha|β− beta-|β+ beta+|d deuteron|t triton|h helion
"""
_PARTICLES = {
    name: symbol
    for row in _PARTICLE_ROWS.strip().splitlines()
    for symbol, _, name in (pair.partition(" ") for pair in row.split("|"))
}
