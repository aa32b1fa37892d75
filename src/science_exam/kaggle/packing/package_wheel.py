"""This package as a wheel: the same sources give the same bytes, whenever and wherever it is made.

The format is that of the binary distribution specification (PEP 427), which pip installs offline.
"""

import base64
import hashlib
import io
import zipfile
from pathlib import Path

import science_exam
from science_exam.errors import UserError

SOURCES = Path(science_exam.__file__).parent
LICENCE = SOURCES.parents[1] / "LICENSE"
VERSION = "0.1.0"
EARLIEST = (1980, 1, 1, 0, 0, 0)  # that a zip archive can say
READABLE = 0o100644 << 16
WHEEL_NAME = f"science_exam-{VERSION}-py3-none-any.whl"
INFO = f"science_exam-{VERSION}.dist-info"
METADATA = f"""\
Metadata-Version: 2.4
Name: science-exam
Version: {VERSION}
License-Expression: Apache-2.0
License-File: LICENSE
Requires-Python: >=3.11,<3.14
"""
WHEEL = """\
Wheel-Version: 1.0
Generator: science-exam
Root-Is-Purelib: true
Tag: py3-none-any
"""


def list_sources() -> list[Path]:
    """The package's modules."""
    return sorted(path for path in SOURCES.rglob("*.py") if "__pycache__" not in path.parts)


def build_package_wheel() -> bytes:
    """The wheel of this package, to be written as `WHEEL_NAME`.

    Raises:
        UserError: the package is not that of a checkout, where its licence is.
    """
    if not LICENCE.is_file():
        raise UserError(f"{LICENCE}: not there; pack from a checkout of the project, installed by make setup")
    members = {
        f"science_exam/{path.relative_to(SOURCES).as_posix()}": path.read_bytes() for path in list_sources()
    }
    members |= {f"{INFO}/METADATA": METADATA.encode(), f"{INFO}/WHEEL": WHEEL.encode()}
    members[f"{INFO}/licenses/LICENSE"] = LICENCE.read_bytes()
    rows = [f"{name},sha256={_encode_digest(data)},{len(data)}\n" for name, data in members.items()]
    members[f"{INFO}/RECORD"] = "".join([*rows, f"{INFO}/RECORD,,\n"]).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in members.items():
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, READABLE
            archive.writestr(entry, data)
    return packed.getvalue()


def _encode_digest(data: bytes) -> str:
    """SHA-256 as RECORD has it: URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
