"""The image that a notebook runs in on Kaggle: what its Python takes, and which packages it has.

From the images of August 2026. Kaggle builds them above Google Colab's (Kaggle/docker-python on GitHub);
versions that are not certain are those of Colab's published list.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.tags import Tag

GLIBC_MINOR = 35  # glibc 2.35, of Ubuntu 22.04
# Every one is named: pip takes a platform literally and finds older releases when only the oldest is given.
PLATFORMS = (*(f"manylinux_2_{minor}_x86_64" for minor in range(GLIBC_MINOR, 16, -1)), "manylinux2014_x86_64")

CUDA = "128"  # CUDA 12.8, as torch there is built

# No wheel may bring these: they fit the GPUs' driver and each other as they are.
PACKAGES = {
    "accelerate": "1.13.0",
    "fsspec": "2025.3.0",
    "huggingface-hub": "1.17.0",
    "joblib": "1.5.3",
    "jinja2": "3.1.6",
    "numpy": "2.0.2",
    "packaging": "26.2",
    "pandas": "2.2.2",
    "peft": "0.19.1",
    "psutil": "5.9.5",
    "pyarrow": "18.1.0",
    "pyyaml": "6.0.3",
    "regex": "2025.11.3",
    "requests": "2.32.4",
    "safetensors": "0.7.0",
    "scikit-learn": "1.6.1",
    "scipy": "1.16.3",
    "tokenizers": "0.22.2",
    "torch": "2.10.0",
    "tqdm": "4.67.3",
    "transformers": "5.0.0",
    "triton": "3.6.0",
    "typing-extensions": "4.15.0",
}
# What they are imported as, where that is another name.
IMPORTED_AS = {"huggingface-hub": "huggingface_hub", "pyyaml": "yaml", "scikit-learn": "sklearn"}


def list_tags(python: str) -> list["Tag"]:
    """The wheel tags that the image's Python takes, the best first.

    Args:
        python: its version, such as "3.12".
    """
    from packaging.tags import compatible_tags, cpython_tags

    version = tuple(int(part) for part in python.split("."))
    interpreter = f"cp{version[0]}{version[1]}"
    return [
        *cpython_tags(version, [interpreter], PLATFORMS),
        *compatible_tags(version, interpreter, PLATFORMS),
    ]


def describe_markers(python: str) -> dict[str, str]:
    """What a requirement's marker is judged by there (PEP 508)."""
    return {
        "extra": "",
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }
