"""What every script does around its one call: words to settings, mistakes to exit codes."""

import logging
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from science_exam.config import describe, load_config
from science_exam.errors import UserError

CONFIGS = Path("configs")


def run_script(main: Callable[[Any, str], None], kind: type, stage: str) -> None:
    """Run `main(settings, name)` with the settings that the command line asks for.

    Usage of every script: `script.py [CONFIG] [key=value …]`. CONFIG is a name under
    `configs/<stage>/` or a YAML file; `name` is its stem, or "" without one. `--some-key` is short for
    `some_key=true`.

    Scripts import torch and its like in the functions that need them: that takes seconds, and bad
    input, --help and a finished run should answer at once.

    Exit codes: 0 done, 1 Kaggle refused or failed, 2 the user can mend it (one line says how),
    130 interrupted.
    """
    words = sys.argv[1:]
    if any(word in ("-h", "--help") for word in words):
        print(f"{sys.modules['__main__'].__doc__.strip()}\n\nSettings (key=value):\n\n{describe(kind)}")
        return
    words = [_spell_out(word) for word in words]
    name = words.pop(0) if words and "=" not in words[0] else ""
    _quieten()
    try:
        settings = load_config(kind, name or None, words, CONFIGS / stage)
        # Not Path.stem, which ends "llama-3.1-8b" at the dot.
        main(settings, Path(name).name.removesuffix(".yaml").removesuffix(".yml"))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print(
            "interrupted; run the same command again: it goes on from its last checkpoint or finished part "
            "(unless overwrite=true starts anew)",
            file=sys.stderr,
        )
        sys.exit(130)


def _spell_out(word: str) -> str:
    """`--dry-run` -> `dry_run=true`; other words as they are."""
    return f"{word[2:].replace('-', '_')}=true" if word.startswith("--") and "=" not in word else word


def _quieten() -> None:
    """Keep libraries' notices out of the user's sight; errors still come through.

    Set before the libraries are imported: some read these once, at import.
    """
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    for library in ("bitsandbytes", "torchao", "huggingface_hub"):
        logging.getLogger(library).setLevel(logging.ERROR)
    for module in ("transformers", "peft", "trl", "bitsandbytes"):
        warnings.filterwarnings("ignore", category=FutureWarning, module=rf"{module}\.")
