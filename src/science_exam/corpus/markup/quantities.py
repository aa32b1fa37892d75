"""Templates that print numbers: measured values, fractions, powers, coordinates on the sky, counts."""

import re

from science_exam.corpus.markup.calls import Call
from science_exam.corpus.markup.convert import format_number
from science_exam.corpus.markup.marks import GAP, SCRIPT_END, SUBSCRIPT, SUPERSCRIPT
from science_exam.corpus.markup.units import raise_exponents

_UNIT_NAMES = {"solar mass": "M☉", "M_solar": "M☉", "Msun": "M☉", "deg": "°", "degC": "°C", "c": "c"}
_NO_SPACE_BEFORE = ("%", "°", "′", "″", "'", '"')
_OPERATOR = re.compile(r"(?<=.)[-+−±×/⋅ ]")


def expand_val(call: Call) -> str:
    """{{val}}: "1.5±0.2 m", "(1.5±0.2)×10^−3 kg", "1.5(2)×10^6", "5 +0.2/−0.1 km/s"."""
    number, *uncertainty = (*call.list_positional(), "", "")[:3]
    text = f"{_sign(number)}{call.get('end')}"
    plus, minus = (_sign(part) for part in (*uncertainty, "")[:2])
    if plus and minus:
        text += f" +{plus.lstrip('+')}/−{minus.lstrip('−')}"
    elif plus.startswith("("):
        text += plus
    elif plus:
        text += f"±{plus}"
    if exponent := call.get("e"):
        text = f"({text})" if plus and not plus.startswith("(") else text
        text += f"×10^{_sign(exponent)}" if text else f"10^{_sign(exponent)}"
    return f"{call.get('p')}{text}{_join_unit(call)}{call.get('s')}"


def _sign(number: str) -> str:
    return re.sub(r"^[-–]", "−", number)


def _join_unit(call: Call) -> str:
    unit, per = call.get("u", "ul"), call.get("up", "upl")
    unit = _UNIT_NAMES.get(unit, raise_exponents(unit))
    if per:
        unit += "/" + _UNIT_NAMES.get(per, raise_exponents(per))
    return (
        unit if unit.startswith(_NO_SPACE_BEFORE) and unit not in ("°C", "°F") else f" {unit}" if unit else ""
    )


def expand_fraction(call: Call) -> str:
    """{{frac}} and {{sfrac}}: "1/2", "3 1/2", "(a+b)/c"."""
    parts = [f"({part})" if _OPERATOR.search(part) else part for part in call.list_positional()]
    if not parts:
        return "/"
    if len(parts) == 1:
        return f"{GAP}1/{parts[0]}"
    return GAP + f"{' '.join(parts[:-2])} {parts[-2]}/{parts[-1]}".strip()


def expand_power_of_ten(call: Call) -> str:
    """{{e|6}}: "×10^6"; {{10^|6}}: "10^6"; {{x10^|6}}: "×10^6"."""
    times = "" if call.name == "10^" else "×"
    return f"{times}10^{_sign(call.get('1') or '1')}"


def expand_power(call: Call) -> str:
    """{{pow|2|10}}: "2^10"."""
    return f"{call.get('1')}{SUPERSCRIPT}{call.get('2')}{SCRIPT_END}"


def expand_scripts(call: Call) -> str:
    """{{su|p=…|b=…}}: both of two, "+1/−2" for an error, else as a superscript or subscript."""
    above, below = _sign(call.get("p", "1")), _sign(call.get("b", "2"))
    if above[:1] in "+−" and below[:1] in "+−" and above and below:
        return f" {above}/{below}"
    return (f"{SUBSCRIPT}{below}{SCRIPT_END}" if below else "") + (
        f"{SUPERSCRIPT}{above}{SCRIPT_END}" if above else ""
    )


def expand_superscript(call: Call) -> str:
    """{{sup|2}}, as <sup>."""
    return f"{SUPERSCRIPT}{call.get('1')}{SCRIPT_END}"


def expand_subscript(call: Call) -> str:
    """{{sub|2}}, as <sub>."""
    return f"{SUBSCRIPT}{call.get('1')}{SCRIPT_END}"


def join_digits(call: Call) -> str:
    """{{gaps|6.022|140|76}}: the gaps are drawn, not written: "6.02214076"."""
    digits = "".join(call.list_positional())
    if exponent := call.get("e"):
        digits += f"×10^{_sign(exponent)}"
    return f"{call.get('lhs')}{' = ' if call.has('lhs') else ''}{digits}{_join_unit(call)}"


def expand_angle(call: Call) -> str:
    """{{RA|5|34|31.9}}: "5h 34m 31.9s"; {{DEC|+22|0|52}}: "+22° 0′ 52″"."""
    signs = "hms" if call.name == "ra" else "°′″"
    parts = zip(call.list_positional(), signs, strict=False)
    return " ".join(f"{_sign(part)}{sign}" for part, sign in parts if part)


def expand_height(call: Call) -> str:
    """{{height|ft=5|in=10}}: "5 ft 10 in"; {{height|m=1.78}}: "1.78 m"."""
    return " ".join(f"{call.get(unit)} {unit}" for unit in ("m", "cm", "ft", "in", "inch") if call.get(unit))


def expand_duration(call: Call) -> str:
    """{{duration|1|2|3}} and {{duration|h=1|m=2|s=3}}: "1:02:03"."""
    hours, minutes, seconds = (call.get(key, number) for key, number in (("h", "1"), ("m", "2"), ("s", "3")))
    if not (hours or minutes or seconds):
        return ""
    parts = [part for part in (hours, minutes or "0", seconds or "0") if part]
    return ":".join([parts[0], *(part.zfill(2) for part in parts[1:])])


def expand_percentage(call: Call) -> str:
    """{{percentage|1|3|1}}: "33.3%"; the parts as they are where they are no numbers."""
    part, whole, places = (*call.list_positional(), "", "", "")[:3]
    try:
        share = 100 * float(part.replace(",", "")) / float(whole.replace(",", ""))
        return f"{share:.{min(int(places or 0), 9)}f}%"
    except (ValueError, ZeroDivisionError, OverflowError):
        return f"{part}/{whole}".strip("/")


def expand_gauge(call: Call) -> str:
    """{{RailGauge|1435mm}}: "1,435 mm"; "standard" and "sg" are names of that one."""
    code = call.get("1").replace(" ", "")
    parts = re.fullmatch(r"([\d.]+)(\D+)", {"standard": "1435mm", "sg": "1435mm"}.get(code, code))
    return f"{format_number(parts[1])} {parts[2]}" if parts else code


def expand_number(call: Call) -> str:
    """{{nts|1234}}, {{formatnum:1234}}: "1,234"."""
    return format_number(call.get("1"))


def expand_nuclide(call: Call) -> str:
    """{{nuclide|U|235}}, {{nuclide|uranium|235}}, {{simplenuclide|U|235}}: "235U", "235uranium"."""
    parts = call.list_positional()
    if not parts:
        return ""
    if parts[0].isdigit() and len(parts) > 1:  # {{nuclide|235|U}}, as {{PhysicsParticle}} users write it
        parts[:2] = parts[1::-1]
    element = _ELEMENTS.get(parts[0].lower(), parts[0])
    return "".join((*parts[1:2], element, *parts[2:3]))


_ELEMENT_ROWS = """
H hydrogen|He helium|Li lithium|Be beryllium|B boron|C carbon|N nitrogen|O oxygen|F fluorine|Ne neon
Na sodium|Mg magnesium|Al aluminium|Al aluminum|Si silicon|P phosphorus|S sulfur|S sulphur|Cl chlorine
Ar argon|K potassium|Ca calcium|Sc scandium|Ti titanium|V vanadium|Cr chromium|Mn manganese|Fe iron
Co cobalt|Ni nickel|Cu copper|Zn zinc|Ga gallium|Ge germanium|As arsenic|Se selenium|Br bromine
Kr krypton|Rb rubidium|Sr strontium|Y yttrium|Zr zirconium|Nb niobium|Mo molybdenum|Tc technetium
Ru ruthenium|Rh rhodium|Pd palladium|Ag silver|Cd cadmium|In indium|Sn tin|Sb antimony|Te tellurium
I iodine|Xe xenon|Cs caesium|Cs cesium|Ba barium|La lanthanum|Ce cerium|Pr praseodymium|Nd neodymium
Pm promethium|Sm samarium|Eu europium|Gd gadolinium|Tb terbium|Dy dysprosium|Ho holmium|Er erbium
Tm thulium|Yb ytterbium|Lu lutetium|Hf hafnium|Ta tantalum|W tungsten|Re rhenium|Os osmium|Ir iridium
Pt platinum|Au gold|Hg mercury|Tl thallium|Pb lead|Bi bismuth|Po polonium|At astatine|Rn radon
Fr francium|Ra radium|Ac actinium|Th thorium|Pa protactinium|U uranium|Np neptunium|Pu plutonium
Am americium|Cm curium|Bk berkelium|Cf californium|Es einsteinium|Fm fermium|Md mendelevium
No nobelium|Lr lawrencium|Rf rutherfordium|Db dubnium|Sg seaborgium|Bh bohrium|Hs hassium
Mt meitnerium|Ds darmstadtium|Rg roentgenium|Cn copernicium|Nh nihonium|Fl flerovium|Mc moscovium
Lv livermorium|Ts tennessine|Og oganesson
"""
_ELEMENTS = {
    name: symbol
    for row in _ELEMENT_ROWS.strip().splitlines()
    for symbol, name in (pair.split() for pair in row.split("|"))
}
