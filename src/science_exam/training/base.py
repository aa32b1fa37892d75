"""Where a base model's files are: a local folder, the hub, a Python package, or attached on Kaggle."""

import importlib.util
import os
from pathlib import Path

from science_exam.errors import UserError

KAGGLE_SCHEME = "kaggle:"
PACKAGE_SCHEME = "package:"
KAGGLE_INPUT = Path("/kaggle/input")
SMALL_BYTES = 64 * 2**20
MARKER = "config.json"  # every checkpoint folder of transformers has one
HUB_FILES = ["*.safetensors", "*.json", "*.model", "*.txt", "*.jinja"]  # weights, settings, tokenizer


def find_base(path: str) -> str:
    """Resolve a base's path to what `from_pretrained` takes, before any work is done.

    Args:
        path: a local folder, a hub id "owner/model", "package:name/folder" inside an installed Python
            package, or "kaggle:owner/model/framework/variation/version".

    Returns:
        A folder, or the hub id once its configuration has been seen to be readable.

    Raises:
        UserError: absent, gated or unreachable; the message lists the ways to get it.
    """
    if path.startswith(KAGGLE_SCHEME):
        return str(_find_on_kaggle(path.removeprefix(KAGGLE_SCHEME)))
    if path.startswith(PACKAGE_SCHEME):
        return str(_find_in_package(path.removeprefix(PACKAGE_SCHEME)))
    folder = Path(path).expanduser()
    if (folder / MARKER).is_file():
        return str(folder)
    if folder.is_dir():
        raise UserError(f"base {path!r}: the folder holds no {MARKER}; {_ways(path)}")
    if path.startswith((".", "/", "~")) or path.count("/") != 1:
        raise UserError(f"base {path!r}: no such folder; {_ways(path)}")
    _check_hub(path)
    return path


def fetch_base(path: str) -> Path:
    """The folder of a base's files; those of a hub model are downloaded where they are not yet.

    Raises:
        UserError: as `find_base`, or the download breaks off.
    """
    found = find_base(path)
    if (Path(found) / MARKER).is_file():
        return Path(found)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HTTPError

    try:
        return Path(snapshot_download(found, allow_patterns=HUB_FILES))
    except (HTTPError, OSError) as error:
        raise UserError(
            f"base {path!r}: the download broke off ({type(error).__name__}); try again"
        ) from None


def read_model_type(path: str) -> str | None:
    """What kind of model a base says it is, the `model_type` of its configuration.

    Raises:
        UserError: as `find_base`, or the configuration cannot be read.
    """
    from transformers import PretrainedConfig

    try:
        return PretrainedConfig.get_config_dict(find_base(path))[0].get("model_type")
    except OSError as error:
        raise UserError(f"base {path!r}: its {MARKER} cannot be read: {error}") from None


def list_small_files(path: str) -> list[Path]:
    """Files of a local base that are quick to hash, so that a run can tell when its base changed.

    That takes in the whole of a small base, and the configuration and tokenizer of a large one;
    its card is left out, since words about a model do not change it.
    """
    folder = Path(find_base(path) if path.startswith(PACKAGE_SCHEME) else path).expanduser()
    if not (folder / MARKER).is_file():
        return []
    files = (file for file in sorted(folder.iterdir()) if file.suffix != ".md")
    return [file for file in files if file.stat().st_size <= SMALL_BYTES]


def _find_on_kaggle(handle: str) -> Path:
    """The folder of an attached model, whichever of Kaggle's mount layouts is in use."""
    parts = handle.split("/")
    if len(parts) != 5:
        raise UserError(f"base 'kaggle:{handle}': expected kaggle:owner/model/framework/variation/version")
    owner, *wanted = [part.lower() for part in parts]
    folders = [marker.parent for marker in sorted(KAGGLE_INPUT.rglob(MARKER))]
    found = [folder for folder in folders if [part.lower() for part in folder.parts[-4:]] == wanted]
    # Some mount layouts leave the owner out.
    owned = [folder for folder in found if folder.parts[-5].lower() == owner]
    if found:
        return (owned or found)[0]
    raise UserError(
        f"base 'kaggle:{handle}': not found below {KAGGLE_INPUT}; attach the model to the notebook "
        f"(Add input > Models)"
    )


def _find_in_package(place: str) -> Path:
    """A folder inside an installed package."""
    name, _, inside = place.partition("/")
    package = importlib.util.find_spec(name) if name.isidentifier() else None
    if package is None or package.origin is None:
        raise UserError(
            f"base 'package:{place}': no such package; install it with "
            f"`.venv/bin/pip install {name.replace('_', '-')}`"
        )
    folder = Path(package.origin).parent / inside
    if not (folder / MARKER).is_file():
        raise UserError(f"base 'package:{place}': {folder} holds no {MARKER}")
    return folder


def _check_hub(hub_id: str) -> None:
    """Read the configuration alone: a few hundred bytes tell whether the rest can be had."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        HTTPError,
        LocalEntryNotFoundError,
        RemoteEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        hf_hub_download(hub_id, MARKER)
    except GatedRepoError:
        reason = "the hub says it is gated: accept its licence there, then run `hf auth login`"
    except RepositoryNotFoundError:
        reason = "neither a local folder nor a model on the hub (or it is private)"
    except RemoteEntryNotFoundError:
        reason = f"the hub's model holds no {MARKER}"
    except HFValidationError:
        reason = "no such folder"
    except (LocalEntryNotFoundError, HTTPError, OSError) as error:
        offline = os.environ.get("HF_HUB_OFFLINE") == "1"
        reason = (
            "not in the local cache, and HF_HUB_OFFLINE=1"
            if offline
            else f"no local folder, and the hub could not be reached ({type(error).__name__})"
        )
    else:
        return
    raise UserError(f"base {hub_id!r}: {reason}; {_ways(hub_id)}")


def _ways(path: str) -> str:
    return (
        "give base.path=FOLDER (with config.json, tokenizer.json and *.safetensors), "
        "base.path=OWNER/MODEL from the hub (unsloth/Meta-Llama-3.1-8B-bnb-4bit is not gated), "
        "base.path=kaggle:OWNER/MODEL/FRAMEWORK/VARIATION/VERSION on Kaggle, "
        "or CONFIG=demo for the base that comes with the project"
    )
