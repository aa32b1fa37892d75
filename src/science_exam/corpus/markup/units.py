"""Units as {{convert}} names them: symbol, name, plural, and how to get from one to another."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from math import floor, log10

# codes | symbol | name | plural (+: name with s; =: as the name) | size in the base unit | quantity
# Base units: m, m2, m3, kg, m/s, Pa, J, W, N, N m, s. Sizes are the legal definitions (international
# foot of 1959, pound of 0.45359237 kg, standard gravity of 9.80665 m/s2).
_ROWS = """
nm|nm|nanometre|+|1e-9|length
um μm µm|μm|micrometre|+|1e-6|length
mm|mm|millimetre|+|1e-3|length
cm|cm|centimetre|+|1e-2|length
dm|dm|decimetre|+|1e-1|length
m metre meter|m|metre|+|1|length
km kilometre kilometer|km|kilometre|+|1e3|length
in inch|in|inch|inches|0.0254|length
ft foot|ft|foot|feet|0.3048|length
yd yard|yd|yard|+|0.9144|length
mi mile|mi|mile|+|1609.344|length
nmi NM|nmi|nautical mile|+|1852|length
fathom|fathom|fathom|+|1.8288|length
furlong|furlong|furlong|+|201.168|length
chain|chain|chain|+|20.1168|length
angstrom Å|Å|ångström|+|1e-10|length
AU au|AU|astronomical unit|+|149597870700|length
ly|ly|light-year|+|9460730472580800|length
kly|kly|thousand light-years|=|9460730472580800000|length
Mly|Mly|million light-years|=|9460730472580800000000|length
pc|pc|parsec|+|3.0856775814914e16|length
kpc|kpc|kiloparsec|+|3.0856775814914e19|length
Mpc|Mpc|megaparsec|+|3.0856775814914e22|length
mm2 sqmm|mm^2|square millimetre|+|1e-6|area
cm2 sqcm|cm^2|square centimetre|+|1e-4|area
m2 sqm|m^2|square metre|+|1|area
km2 sqkm|km^2|square kilometre|+|1e6|area
ha hectare|ha|hectare|+|1e4|area
acre acres|acre|acre|+|4046.8564224|area
sqin in2|sq in|square inch|square inches|0.00064516|area
sqft ft2|sq ft|square foot|square feet|0.09290304|area
sqyd yd2|sq yd|square yard|+|0.83612736|area
sqmi mi2|sq mi|square mile|+|2589988.110336|area
cm3 cc|cm^3|cubic centimetre|+|1e-6|volume
m3|m^3|cubic metre|+|1|volume
km3|km^3|cubic kilometre|+|1e9|volume
ml mL|mL|millilitre|+|1e-6|volume
l L|L|litre|+|1e-3|volume
hl hL|hL|hectolitre|+|0.1|volume
cuin in3|cu in|cubic inch|cubic inches|1.6387064e-5|volume
cuft ft3|cu ft|cubic foot|cubic feet|0.028316846592|volume
cuyd yd3|cu yd|cubic yard|+|0.764554857984|volume
cumi mi3|cu mi|cubic mile|+|4168181825.440579584|volume
USgal usgal U.S.gal|US gal|US gallon|+|0.003785411784|volume
impgal imp gal|imp gal|imperial gallon|+|0.00454609|volume
USoz USfloz|US fl oz|US fluid ounce|+|2.95735295625e-5|volume
impoz impfloz|imp fl oz|imperial fluid ounce|+|2.84130625e-5|volume
acre.ft acre·ft acreft|acre⋅ft|acre-foot|acre-feet|1233.48183754752|volume
oilbbl|bbl|barrel|+|0.158987294928|volume
ug μg µg|μg|microgram|+|1e-9|mass
mg|mg|milligram|+|1e-6|mass
g|g|gram|+|1e-3|mass
kg|kg|kilogram|+|1|mass
t tonne MT|t|tonne|+|1e3|mass
Mt|Mt|megatonne|+|1e9|mass
lb|lb|pound|+|0.45359237|mass
oz|oz|ounce|+|0.028349523125|mass
ozt|ozt|troy ounce|+|0.0311034768|mass
st|st|stone|=|6.35029318|mass
ST shortton|short ton|short ton|+|907.18474|mass
LT longton|long ton|long ton|+|1016.0469088|mass
Da|Da|dalton|+|1.66053906892e-27|mass
m/s|m/s|metre per second|metres per second|1|speed
km/s|km/s|kilometre per second|kilometres per second|1e3|speed
km/h kph|km/h|kilometre per hour|kilometres per hour|0.277777777777777778|speed
mph mi/h|mph|mile per hour|miles per hour|0.44704|speed
ft/s|ft/s|foot per second|feet per second|0.3048|speed
kn knot|kn|knot|+|0.514444444444444444|speed
Pa|Pa|pascal|+|1|pressure
hPa|hPa|hectopascal|+|1e2|pressure
kPa|kPa|kilopascal|+|1e3|pressure
MPa|MPa|megapascal|+|1e6|pressure
GPa|GPa|gigapascal|+|1e9|pressure
mbar|mbar|millibar|+|1e2|pressure
bar|bar|bar|+|1e5|pressure
atm|atm|standard atmosphere|+|101325|pressure
psi|psi|pound per square inch|pounds per square inch|6894.757293168|pressure
mmHg|mmHg|millimetre of mercury|millimetres of mercury|133.322387415|pressure
inHg|inHg|inch of mercury|inches of mercury|3386.38864034|pressure
Torr torr|Torr|torr|=|133.32236842105263|pressure
J|J|joule|+|1|energy
kJ|kJ|kilojoule|+|1e3|energy
MJ|MJ|megajoule|+|1e6|energy
GJ|GJ|gigajoule|+|1e9|energy
kWh kW.h|kWh|kilowatt-hour|+|3.6e6|energy
MWh|MWh|megawatt-hour|+|3.6e9|energy
cal|cal|calorie|+|4.184|energy
kcal Cal|kcal|kilocalorie|+|4184|energy
eV|eV|electronvolt|+|1.602176634e-19|energy
W|W|watt|+|1|power
kW|kW|kilowatt|+|1e3|power
MW|MW|megawatt|+|1e6|power
GW|GW|gigawatt|+|1e9|power
hp|hp|horsepower|=|745.69987158227022|power
PS|PS|metric horsepower|=|735.49875|power
N|N|newton|+|1|force
kN|kN|kilonewton|+|1e3|force
MN|MN|meganewton|+|1e6|force
lbf|lbf|pound-force|pounds-force|4.4482216152605|force
kgf|kgf|kilogram-force|kilograms-force|9.80665|force
Nm N.m N·m|N⋅m|newton-metre|+|1|torque
lbft lb.ft lbfft|lb⋅ft|pound-foot|pound-feet|1.3558179483314004|torque
kg/m3|kg/m^3|kilogram per cubic metre|kilograms per cubic metre|1|density
g/cm3|g/cm^3|gram per cubic centimetre|grams per cubic centimetre|1e3|density
m3/s|m^3/s|cubic metre per second|cubic metres per second|1|flow
cuft/s|cu ft/s|cubic foot per second|cubic feet per second|0.028316846592|flow
PD/sqkm /km2|/km^2|inhabitant per square kilometre|inhabitants per square kilometre|1|people
PD/sqmi /sqmi|/sq mi|inhabitant per square mile|inhabitants per square mile|0.386102158542446|people
C degC °C celsius Celsius|°C|°C|=|1|temperature
F degF °F fahrenheit Fahrenheit|°F|°F|=|0.5555555555555555556|temperature
K kelvin|K|K|=|1|temperature
C-change|°C|°C|=|1|temperature difference
F-change|°F|°F|=|0.5555555555555555556|temperature difference
K-change|K|K|=|1|temperature difference
"""
# {{convert|5|e6acre}}, and the units of trade that take letters for thousands of thousands.
_COUNTED = re.compile(
    r"(?:e(?P<power>3|6|9|12)|(?P<letter>[kMGT])(?=oilbbl|cuft|cuyd|USgal|impgal))(?P<unit>.+)"
)
_COUNTS = {
    **dict.fromkeys(("3", "k"), "thousand"),
    **dict.fromkeys(("6", "M"), "million"),
    **dict.fromkeys(("9", "G"), "billion"),
    **dict.fromkeys(("12", "T"), "trillion"),
}
_TIMES = {"s": "second", "min": "minute", "h": "hour", "d": "day", "a": "year", "year": "year"}
_ZERO_KELVIN_AT = {"°C": -273.15, "°F": -459.67, "K": 0.0}


@dataclass(frozen=True)
class Unit:
    """`size` is one unit in the base unit of its `quantity`; an unknown unit has neither."""

    symbol: str
    singular: str
    plural: str
    size: float | None = None
    quantity: str = ""


def _read_rows() -> dict[str, Unit]:
    units = {}
    for row in _ROWS.strip().splitlines():
        codes, symbol, name, plural, size, quantity = row.split("|")
        plural = {"+": f"{name}s", "=": name}.get(plural, plural)
        units.update(dict.fromkeys(codes.split(), Unit(symbol, name, plural, float(size), quantity)))
    return units


UNITS = _read_rows()


def find_unit(code: str) -> Unit:
    """The unit of a code; one that is not known is written as it stands, "kJ/mol" as "kJ/mol".

    Example:
        >>> find_unit("e6acre").plural, find_unit("Goilbbl").plural, find_unit("m3/d").plural
        ('million acres', 'billion barrels', 'cubic metres per day')
    """
    if code in UNITS:
        return UNITS[code]
    counted = _COUNTED.fullmatch(code)
    if counted and counted["unit"] in UNITS:
        count = _COUNTS[counted["power"] or counted["letter"]]
        one = UNITS[counted["unit"]]
        return Unit(f"{count} {one.symbol}", f"{count} {one.singular}", f"{count} {one.plural}")
    amount, slash, time = code.rpartition("/")
    if slash and time in _TIMES and amount:
        one, per = find_unit(amount), _TIMES[time]
        return Unit(f"{one.symbol}/{time}", f"{one.singular} per {per}", f"{one.plural} per {per}")
    symbol = raise_exponents(code)
    return Unit(symbol, symbol, symbol)


def raise_exponents(symbol: str) -> str:
    """A unit's symbol with its powers marked: "m/s2" -> "m/s^2", "kg.m-3" -> "kg⋅m^−3"."""
    symbol = re.sub(r"(?<=[A-Za-zΩμ])([-−]?\d+)(?![A-Za-z\d])", r"^\1", symbol)
    return re.sub(r"(?<=\w)[.*](?=[A-Za-z])", "⋅", symbol).replace("^-", "^−")


def convert_number(number: str, source: Unit, target: Unit, places: int | None = None) -> str | None:
    """A plain number in another unit, rounded; None where the units do not allow it.

    Args:
        number: digits with an optional sign and decimal point.
        source: the unit of the number.
        target: the unit wanted.
        places: decimal places; by default those of Wikipedia's Module:Convert: a precision comparable
            to the number's own, but at least two significant figures.

    Example:
        >>> convert_number("100", UNITS["km"], UNITS["mi"])  # 62.137, two figures
        '62'
        >>> convert_number("20", UNITS["C"], UNITS["F"])
        '68'
    """
    if source.size is None or source.quantity != target.quantity or not _PLAIN.fullmatch(number):
        return None
    value, places_given = (
        float(number),
        len(number.partition(".")[2]) or -len(_ENDING_ZEROS.search(number)[0]),
    )
    if source.quantity == "temperature":
        kelvin = (value - _ZERO_KELVIN_AT[source.symbol]) * source.size
        result = kelvin / target.size + _ZERO_KELVIN_AT[target.symbol]
        fitting = max(places_given, 2 - floor(log10(kelvin))) if kelvin > 0 else places_given
    else:
        result = value * source.size / target.size
        if not result:
            return "0"
        own = floor(places_given + log10(2 * abs(value / result)))
        fitting = max(own, 1 - floor(log10(abs(result))))
    return _round(result, fitting if places is None else places)


_PLAIN = re.compile(r"-?(?=[\d.]{1,15}$)(?:\d+\.?\d*|\.\d+)")
_ENDING_ZEROS = re.compile(r"(?<=[1-9])0*$|$")


def _round(value: float, places: int) -> str:
    # repr first: 0.1 + 0.2 style digits beyond the 15th are no part of the value.
    step = Decimal(1).scaleb(-places)
    rounded = Decimal(f"{value:.15g}").quantize(step, ROUND_HALF_UP)
    return f"{rounded:f}" if places > 0 else str(int(rounded))
