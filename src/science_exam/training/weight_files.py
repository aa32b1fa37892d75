"""Where the weights of a base, and of an adapter for it, are in their files."""

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from science_exam.errors import UserError
from science_exam.training.merging import ADAPTER_FILE, INDEX, PREFIX, SINGLE

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "U8": torch.uint8}
ADVICE = "get the base again, as transformers saves it"


@dataclass(frozen=True)
class Stored:
    """A tensor in a safetensors file."""

    file: Path
    start: int  # its first byte
    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def n_bytes(self) -> int:
        """Its size."""
        return prod(self.shape) * self.dtype.itemsize


class WeightFiles:
    """The files of a base in safetensors, one or several, and of an adapter for it."""

    def __init__(self, base: Path, adapter: Path | None = None) -> None:
        """
        Raises:
            UserError: the base has neither an index nor a single file with weights.
        """
        self._index, self._single = base / INDEX, base / SINGLE
        self._adapter = adapter and adapter / ADAPTER_FILE
        self._headers: dict[Path, dict[str, Stored]] = {}
        self._files: dict[str, Path] = {}  # of each weight, where an index says so
        if self._index.is_file():
            files = json.loads(self._index.read_text(encoding="utf-8"))["weight_map"]
            self._files = {name: base / file for name, file in files.items()}
        elif not self._single.is_file():
            raise UserError(f"base {base}: expected its weights in {SINGLE} or {INDEX}, found neither")

    def find(self, name: str, where: str) -> Stored:
        """Where a weight is.

        Args:
            name: of the parameter in the model, adapted or not.
            where: what it is part of, for errors: "layer 3".

        Raises:
            UserError: no file has it, or its file is damaged or not there.
        """
        name, file = self._locate(name)
        found = None if file is None else self._read_header(file, where).get(name)
        if found is None:
            raise UserError(
                f"{file or self._index}: {where}: expected {name}, found no such weight; {ADVICE}"
            )
        return found

    def list_below(self, name: str, where: str) -> dict[str, str]:
        """What belongs to a weight when it is in 4 bits: endings behind its name -> whole names."""
        name, _ = self._locate(name)
        names = self._files or self._read_header(self._single, where)
        return {other.removeprefix(name): other for other in names if other.startswith(f"{name}.")}

    def read(self, name: str, where: str) -> torch.Tensor:
        """One weight, memory-mapped: of a large one, only the rows that are used are read."""
        stored, (stored_name, _) = self.find(name, where), self._locate(name)
        with safe_open(stored.file, framework="pt") as file:
            return file.get_tensor(stored_name)

    def _locate(self, name: str) -> tuple[str, Path | None]:
        """A parameter's name in the file that should hold it, and that file."""
        if ".lora_" in name:  # PEFT leaves out the adapter's name, and what holds a magnitude alone
            short = name.replace(".default", "").replace("magnitude_vector.weight", "magnitude_vector")
            return PREFIX + short, self._adapter
        name = name.replace(".base_layer.", ".")
        return name, self._files.get(name) if self._files else self._single

    def _read_header(self, path: Path, where: str) -> dict[str, Stored]:
        """Where each tensor of a file is."""
        if path not in self._headers:
            try:
                with safe_open(path, framework="pt"):  # checks that the header is sound and the file whole
                    pass
            except (OSError, SafetensorError) as error:
                raise UserError(
                    f"{path}: {where}: expected a whole safetensors file: {error}; {ADVICE}"
                ) from None
            with path.open("rb") as file:
                n_bytes = int.from_bytes(file.read(8), "little")
                header = json.loads(file.read(n_bytes))
            header.pop("__metadata__", None)
            self._headers[path] = {
                name: _describe(path, 8 + n_bytes, name, entry) for name, entry in header.items()
            }
        return self._headers[path]


def check_shape(stored: Stored, parameter: torch.Tensor, name: str, where: str) -> None:
    """Raise a UserError unless a weight is stored in its parameter's shape."""
    if stored.shape != parameter.shape:
        expected, found = list(parameter.shape), list(stored.shape)
        raise UserError(f"{stored.file}: {where}: expected {name} of {expected}, found {found}; {ADVICE}")


def _describe(path: Path, start: int, name: str, entry: dict) -> Stored:
    if entry["dtype"] not in DTYPES:
        raise UserError(f"{path}: {name}: expected one of {', '.join(DTYPES)}, found {entry['dtype']}")
    return Stored(path, start + entry["data_offsets"][0], DTYPES[entry["dtype"]], tuple(entry["shape"]))
