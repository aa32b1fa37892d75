"""Trained runs and their index -> kernels/<name>: a notebook for Kaggle, its metadata, and bundles to upload.

    make kernel RUN=demo NAME=science-exam-demo
    python scripts/kernel.py runs=data/runs/demo name=science-exam-demo index=data/index/sample

kernels/<name>/<name>.ipynb and kernel-metadata.json are for the repository; kernels/<name>/bundles is not.
"""

from pathlib import Path

from science_exam.cli import run_script
from science_exam.errors import UserError
from science_exam.files import hash_file
from science_exam.kaggle.config import KernelConfig
from science_exam.kaggle.manifest import MARKER, read_manifest
from science_exam.kaggle.packing.bundles import list_bundles


def main(config: KernelConfig, _: str) -> None:
    from science_exam.kaggle.packing.kernel import make_kernel, plan_kernel
    from science_exam.kaggle.packing.metadata import check_kernel

    folder = make_kernel(plan_kernel(config), config.overwrite)
    if problems := check_kernel(folder):
        raise UserError(f"{folder}: not fit to be pushed: " + "; ".join(problems))
    print_kernel(folder)


def print_kernel(folder: Path) -> None:
    print(f"{'bundle':<8}{'files':>7}{'MB':>11}  sha256 of its manifest")
    for name, place in list_bundles(folder).items():
        files = read_manifest(place / MARKER).files
        size = sum(member.size for member in files) / 1e6
        print(f"{name:<8}{len(files):>7}{size:>11,.1f}  {hash_file(place / MARKER)[:16]}")
    notebook = folder / f"{folder.name}.ipynb"
    print(f"{notebook}: {notebook.stat().st_size / 1e3:.1f} kB; next: make simulate NAME={folder.name}")


if __name__ == "__main__":
    run_script(main, KernelConfig, "kernel")
