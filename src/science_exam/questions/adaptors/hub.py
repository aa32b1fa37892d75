"""Datasets of the Hugging Face hub, streamed: nothing is stored, no code of a dataset is run."""

from collections.abc import Iterator

from science_exam.errors import UserError
from science_exam.questions.adaptors.columns import check_columns
from science_exam.questions.config import SourceConfig
from science_exam.questions.rows.readers import Row


def read_hub(source: SourceConfig) -> Iterator[Row]:
    """Rows of a dataset with "row N".

    Raises:
        UserError: the dataset cannot be had, its download breaks off, or a mapped column is missing.
    """
    import datasets

    where = f"dataset {source.path}" + (f", subset {source.subset}" if source.subset else "")
    try:
        rows = datasets.load_dataset(source.path, source.subset or None, split=source.split, streaming=True)
        for number, values in enumerate(rows, start=1):
            if number == 1:
                check_columns(source.columns, list(values), where)
            yield f"row {number}", values
    except UserError:
        raise
    except Exception as error:  # whatever the libraries for network and files below it raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(
            f"{where}: cannot read split {source.split!r}: {reason:.300}; check path, subset and split, the "
            f"network and HF_HUB_OFFLINE, log in with `hf auth login` if access is restricted, or download "
            f"the files and give their path with format: columns"
        ) from None
