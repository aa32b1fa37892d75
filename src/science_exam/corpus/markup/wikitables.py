"""Wiki tables -> lines "header: value; header: value", one a row."""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from science_exam.corpus.markup.marks import CELL, DROPPED, INDENTS, TABLE

MAX_COLUMNS = 100
MAX_HEADER_ROWS = 4
MAX_CELL_LINES = 6  # a cell of more, in a table without headers, is a column of a page and no value
_UNSEEN = re.compile(r"navbox|metadata|ambox|succession|display\s*:\s*none", re.IGNORECASE)
_SPAN = re.compile(r"(row|col)span\s*=\s*[\"']?\s*(\d{1,5})", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"\s*(?:(?:col|row)span|style|v?align|bgcolor|class|scope|width|height)\s*=\s*(?:\"[^\"]*\"|[^\s\"]+)"
)
_CELL_BORDER = re.compile(r"\|\||!!")

SplitLines = Callable[[str], list[str]]
Flatten = Callable[..., str]


@dataclass
class Cell:
    """One cell as written, and its clean lines."""

    source: list[str]
    is_header: bool
    n_rows: int = 1
    n_columns: int = 1
    lines: tuple[str, ...] = ()
    text: str = ""


Row = list[Cell | None]  # by column; a cell that spans stands in each of its places


def describe_table(table: list[str], split_lines: SplitLines, flatten: Flatten) -> list[str]:
    """The caption, then one line a row; a table that only arranges text gives the text of its cells.

    Args:
        table: its lines; the first holds the attributes of the table.
        split_lines: makes clean lines of a cell.
        flatten: makes one line of several.
    """
    if _UNSEEN.search(table[0]):
        return []
    caption, rows = _read_cells(table[1:])
    for cell in (cell for row in rows for cell in row):
        cell.lines = tuple(split_lines("\n".join(cell.source)))
        cell.text = flatten(cell.lines, " " if cell.is_header else ", ")
    lines = [flatten(split_lines("\n".join(caption)), " ")]
    if _arranges_text(rows):
        lines += [line for row in rows for cell in row for line in cell.lines]
    else:
        lines += _describe_rows(_place_cells(rows))
    return [line for line in lines if line]


def _read_cells(lines: list[str]) -> tuple[list[str], list[list[Cell]]]:
    """Caption and cells, line by line as MediaWiki reads them."""
    caption: list[str] = []
    rows: list[list[Cell]] = [[]]
    open_lines = caption  # where lines go that begin no cell
    depth = 0
    for line in lines:
        if line.lstrip(INDENTS).startswith(TABLE):
            depth += 1
        elif line.startswith("|}") and depth:
            depth -= 1
        elif not depth and line.startswith("|-"):
            rows.append([])
            open_lines = caption  # text of no cell is shown above the table
            continue
        elif not depth and line.startswith("|+"):
            caption.append(_split_attributes(line[2:])[1])
            open_lines = caption
            continue
        elif not depth and line[:1] in ("|", "!"):
            rows[-1] += _read_line(line)
            open_lines = rows[-1][-1].source
            continue
        open_lines.append(line)
    return caption, [row for row in rows if row]


def _read_line(line: str) -> list[Cell]:
    """The cells of "| a || b" or "! a !! b"."""
    is_header = line[0] == "!"
    pieces = _CELL_BORDER.split(line[1:]) if is_header else line[1:].split("||")
    cells = []
    for piece in pieces:
        attributes, text = _split_attributes(piece)
        spans = {kind.lower(): max(1, int(number)) for kind, number in _SPAN.findall(attributes)}
        cells.append(Cell([text], is_header, spans.get("row", 1), min(spans.get("col", 1), MAX_COLUMNS)))
    return cells


def _split_attributes(piece: str) -> tuple[str, str]:
    """'align=left | text' -> its two sides; a "|" in plain text parts nothing."""
    if CELL in piece:
        before, _, after = piece.partition(CELL)
        return (before, after) if not before.strip() or "=" in before else ("", piece)
    before, bar, after = piece.partition("|")
    bare = before.replace(DROPPED, "").strip()
    if bar and (not bare or "=" in bare or bare.isalpha()):
        return before, after
    end = 0  # of attributes before a template that would have written the bar
    while found := _ATTRIBUTE.match(piece, end):
        end = found.end()
    return piece[:end], piece[end:].replace("|", " ")


def _arranges_text(rows: list[list[Cell]]) -> bool:
    cells = [cell for row in rows for cell in row]
    return not any(cell.is_header for cell in cells) and any(len(c.lines) > MAX_CELL_LINES for c in cells)


def _place_cells(rows: list[list[Cell]]) -> list[Row]:
    """The grid that rows of spanning cells make; a cell beyond `MAX_COLUMNS` spans nothing."""
    grid: list[Row] = []
    above: dict[int, tuple[Cell, int]] = {}  # column -> the cell that hangs into it, and for how many rows
    for row in rows:
        placed: Row = []
        below: dict[int, tuple[Cell, int]] = {}
        waiting = deque(row)
        end = max(above, default=-1)
        while len(placed) < MAX_COLUMNS and (waiting or len(placed) <= end):
            if len(placed) in above:
                cell, n_rows = above[len(placed)]
                n_columns = 1
            elif waiting:
                cell = waiting.popleft()
                n_rows, n_columns = cell.n_rows, min(cell.n_columns, MAX_COLUMNS - len(placed))
            else:
                cell, n_rows, n_columns = None, 1, 1
            for _ in range(n_columns):
                if n_rows > 1:
                    below[len(placed)] = (cell, n_rows - 1)
                placed.append(cell)
        grid.append([*placed, *waiting])
        above = below
    return grid


def _describe_rows(grid: list[Row]) -> list[str]:
    headers, n_header_rows = _read_headers(grid)
    width = max((len(row) for row in grid), default=0)
    titles = [row[0].text for row in grid[:n_header_rows] if _is_title(row, width)]
    used: set[int] = set()  # columns whose header stands beside a value
    lines = []
    for row in grid[n_header_rows:]:
        used |= {column for column, cell in enumerate(row) if cell is not None and cell.text}
        lines.append(row[0].text if _is_title(row, width) else _describe_row(row, headers))
    # Columns of pictures have nothing but a header.
    unused = dict.fromkeys(header for column, header in enumerate(headers) if header and column not in used)
    return [*titles, "; ".join(unused), *lines]


def _is_title(row: Row, width: int) -> bool:
    return (
        bool(row) and row[0] is not None and width > 1 and len(row) == width and all(c is row[0] for c in row)
    )


def _read_headers(grid: list[Row]) -> tuple[list[str], int]:
    """The header of each column, from the rows of headers on top, and how many rows those are."""
    width = max((len(row) for row in grid), default=0)
    n_rows = 0
    while n_rows < len(grid) and _is_header(grid[n_rows]):
        n_rows += 1
    if n_rows > MAX_HEADER_ROWS or n_rows == len(grid):  # a table of headers only has no headers
        return [""] * width, 0
    headers = []
    for column in range(width):
        texts = [
            row[column].text
            for row in grid[:n_rows]
            if column < len(row) and row[column] is not None and not _is_title(row, width)
        ]
        headers.append(" ".join(text for text in dict.fromkeys(texts) if text))
    return headers, n_rows


def _is_header(row: Row) -> bool:
    cells = [cell for cell in row if cell is not None and cell.text]
    return bool(cells) and all(cell.is_header for cell in cells)


def _describe_row(row: Row, headers: list[str]) -> str:
    """One row: values under one header share it, as "header: a, b"; without headers "first: b; c"."""
    named: list[tuple[str, list[str]]] = []
    last = None
    for header, cell in zip(headers, row, strict=False):
        if cell is None or cell is last or not cell.text:
            continue
        last = cell
        header = "" if header == cell.text else header
        if named and header and named[-1][0] == header:
            named[-1][1].append(cell.text)
        else:
            named.append((header, [cell.text]))
    if not named:
        return ""
    texts = [f"{header}: {', '.join(values)}" if header else values[0] for header, values in named]
    first = next(cell for cell in row if cell is not None and cell.text)
    if not named[0][0] and first.is_header and len(texts) > 1:
        return f"{texts[0]}: {'; '.join(texts[1:])}"
    return "; ".join(texts)
