"""Merge a trained adapter into its 16-bit base: a model of its own, for any engine that loads safetensors.

    make merge RUN=demo/fold0
    python scripts/merge.py run=data/runs/llama-3.1-8b/fold0 base=meta-llama/Llama-3.1-8B

Writes data/merged/<run>-<fold>/ once its logits are seen to be those of base and adapter.
"""

import shutil
from functools import partial
from pathlib import Path

from tqdm import tqdm

from science_exam.cli import run_script
from science_exam.errors import UserError
from science_exam.training.base import MARKER, fetch_base
from science_exam.training.config import MergeConfig
from science_exam.training.folders import whole_folder
from science_exam.training.trained import read_training


def main(config: MergeConfig, _: str) -> None:
    run = Path(config.run)
    settings = read_training(run, config.base)
    out = Path(config.out or f"data/merged/{settings.run}-{run.name}")
    if out.exists() and not config.overwrite:
        raise UserError(f"{out}: there already; add overwrite=true to replace it, or give another out=")
    if out.exists() and not (out / MARKER).is_file():
        raise UserError(f"{out}: holds no model; overwrite=true does not delete it")
    merge(settings.base.path, run / "adapter", out)


def merge(base: str, adapter: Path, out: Path) -> None:
    from science_exam.training import merge_check, merging

    merging.check_precision(base)
    folder, merger = fetch_base(base), merging.load_merger(adapter)
    shards = merging.list_shards(folder)
    merging.check_layers(merger, shards)
    size = sum(shard.stat().st_size for shard in shards)
    print(f"{size / 1e9:.2f} GB in {len(shards)} file(s), {len(merger.layers)} layers adapted -> {out}")
    out.parent.mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(out.parent).free) < size:
        raise UserError(f"{out}: expected {size / 1e9:.1f} GB of free disk, found {free / 1e9:.1f}")
    with whole_folder(out) as partial_folder:
        merging.write_merged(merger, folder, partial_folder, partial(tqdm, desc="merging", unit="file"))
        difference = merge_check.check_merged(base, adapter, partial_folder)
    print(f"{out}: done; its logits differ from those of base and adapter by {difference:.1e} of their size")


if __name__ == "__main__":
    run_script(main, MergeConfig, "merge")
