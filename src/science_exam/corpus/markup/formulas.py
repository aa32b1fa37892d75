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
    **dict.fromkeys("abs pipe-enclosed cardinality".split(), (PIPE, PIPE)),
    **dict.fromkeys("norm".split(), ("‖", "‖")),
    **dict.fromkeys("floor".split(), ("⌊", "⌋")),
    **dict.fromkeys("ceil ceiling".split(), ("⌈", "⌉")),
    **dict.fromkeys(("mset", "brace"), ("{", "}")),
    **dict.fromkeys(("bracket", "closed-closed"), ("[", "]")),
    **dict.fromkeys(("paren", "open-open", "tuple"), ("(", ")")),
    **{"open-closed": ("(", "]"), "closed-open": ("[", ")")},
    **dict.fromkeys("angbr|angle bracket|angbr ipa|angle|chevron|grapheme".split("|"), ("⟨", "⟩")),
    **{"ket": (PIPE, "⟩"), "bra": ("⟨", PIPE), "single quote": ("‘", "’"), "double quote": ("“", "”")},
    **dict.fromkeys("gloss|lit gloss|single+double".split("|"), ("‘", "’")),
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
    **{"solar mass": "M☉", "solar masses": "M☉", "solar radius": "R☉", "solar radii": "R☉"},
    **{"solar luminosity": "L☉", "solar luminosities": "L☉", "earth mass": "M🜨", "earth radius": "R🜨"},
    **{"jupiter mass": "M♃", "jupiter radius": "R♃", "lunar mass": "M☾"},
}
STAR_UNITS = tuple(_STAR_UNITS)

_PARTICLES = {
    **{"electron": "e−", "positron": "e+", "proton": "p", "proton+": "p+", "antiproton": "p̅"},
    **{"neutron": "n", "neutron0": "n0", "antineutron": "n̅", "photon": "γ", "gluon": "g", "muon": "μ−"},
    **{"muon-": "μ−", "muon+": "μ+", "antimuon": "μ+", "tau": "τ−", "tauon": "τ−", "neutrino": "ν"},
    **{"antineutrino": "ν̅", "electron neutrino": "νe", "electron antineutrino": "ν̅e"},
    **{"muon neutrino": "νμ", "muon antineutrino": "ν̅μ", "tau neutrino": "ντ", "tau antineutrino": "ν̅τ"},
    **{
        "w boson": "W",
        "w boson+": "W+",
        "w boson-": "W−",
        "z boson": "Z",
        "z boson0": "Z0",
        "higgs boson": "H",
    },
    **{"pion": "π", "pion+": "π+", "pion-": "π−", "pion0": "π0", "kaon": "K", "kaon+": "K+", "kaon-": "K−"},
    **{"kaon0": "K0", "antikaon0": "K̅0", "lambda": "Λ", "lambda0": "Λ0", "sigma": "Σ", "sigma+": "Σ+"},
    **{"sigma0": "Σ0", "sigma-": "Σ−", "delta": "Δ", "delta++": "Δ++", "delta+": "Δ+", "delta0": "Δ0"},
    **{"xi": "Ξ", "xi0": "Ξ0", "xi-": "Ξ−", "omega-": "Ω−", "eta": "η", "rho": "ρ", "j/psi": "J/ψ"},
    **{"up quark": "u", "down quark": "d", "strange quark": "s", "charm quark": "c", "bottom quark": "b"},
    **{"top quark": "t", "up antiquark": "u̅", "down antiquark": "d̅", "strange antiquark": "s̅"},
    **{"alpha": "α", "beta-": "β−", "beta+": "β+", "deuteron": "d", "triton": "t", "helion": "h"},
}
