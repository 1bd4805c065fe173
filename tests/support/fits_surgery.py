"""FITS files taken apart into cards and bytes, to be put together again with something wrong."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BLOCK, CARD = 2880, 80
STORED = {"L": "S1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}


@dataclass
class Column:
    """Where a column lies in its row."""

    number: int
    repeat: int
    letter: str
    offset: int

    @property
    def stored(self) -> np.dtype:
        return np.dtype(f"S{self.repeat}" if self.letter == "A" else STORED[self.letter])

    @property
    def width(self) -> int:
        return self.repeat * (1 if self.letter == "A" else self.stored.itemsize)


@dataclass
class Hdu:
    """Header cards without END, and data without padding."""

    cards: list[str]
    data: bytes = b""

    def find(self, key: str) -> int | None:
        return next((n for n, card in enumerate(self.cards) if card[:8].rstrip() == key), None)

    def get(self, key: str) -> str:
        """The value as text, without quotes."""
        place = self.find(key)
        value = "" if place is None else self.cards[place][10:]
        quoted = re.match(r" *'([^']*)'", value)
        return quoted[1].rstrip() if quoted else value.partition("/")[0].strip()

    def set(self, key: str, value: str | int | float) -> None:
        """Change a keyword, or add it."""
        text = f"'{value:<8}'" if isinstance(value, str) else f"{value:>20}"
        card = f"{key:<8}= {text}".ljust(CARD)
        place = self.find(key)
        if place is None:
            self.cards.append(card)
        else:
            self.cards[place] = card

    @property
    def n_rows(self) -> int:
        return int(self.get("NAXIS2") or 0)

    def rows(self) -> np.ndarray:
        """The rows as bytes, shape (rows, bytes of a row)."""
        return np.frombuffer(self.data, np.uint8).reshape(self.n_rows, -1)

    def columns(self) -> dict[str, Column]:
        """Columns by upper-case name."""
        found, offset = {}, 0
        texts = {card[:8].rstrip(): card[11:].partition("'")[0].rstrip() for card in self.cards}
        for number in range(1, int(self.get("TFIELDS")) + 1):
            repeat, letter = re.match(r"(\d*)(\w)", texts[f"TFORM{number}"]).groups()
            column = Column(number, int(repeat or 1), letter, offset)
            found[texts[f"TTYPE{number}"].upper()] = column
            offset += column.width
        return found

    def values(self, column: Column) -> np.ndarray:
        """Values of a column, shape (rows,) or (rows, repeat)."""
        cells = self.rows()[:, column.offset : column.offset + column.width]
        values = np.ascontiguousarray(cells).view(column.stored)
        return values[:, 0] if column.letter == "A" or column.repeat == 1 else values

    def replace(self, column: Column, letter: str, values: np.ndarray, **keywords: object) -> None:
        """Put other values, perhaps of another type, into the place of a column."""
        n = column.number
        rows = self.rows()
        cells = np.ascontiguousarray(values).view(np.uint8).reshape(len(rows), -1)
        before, after = rows[:, : column.offset], rows[:, column.offset + column.width :]
        new = np.concatenate([before, cells, after], axis=1)
        repeat = cells.shape[1] if letter == "A" else cells.shape[1] // values.dtype.itemsize
        self.data = new.tobytes()
        self.set("NAXIS1", new.shape[1])
        self.set(f"TFORM{n}", f"{repeat}{letter}")
        self.cards = [card for card in self.cards if card[:8].rstrip() != f"TDIM{n}"]
        for key, value in keywords.items():
            self.set(f"{key}{n}", value)

    def to_bytes(self) -> bytes:
        header = "".join([*self.cards, "END".ljust(CARD)])
        padded = header.ljust(-(-len(header) // BLOCK) * BLOCK).encode("latin-1")
        return padded + self.data + bytes(-len(self.data) % BLOCK)


def take_apart(content: bytes) -> list[Hdu]:
    """The HDUs of an undamaged file, gzipped or not, without scaled or compressed images."""
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    hdus, at = [], 0
    while at < len(content):
        hdu = Hdu([])
        while (card := content[at : at + CARD].decode("latin-1")).rstrip() != "END":
            hdu.cards.append(card)
            at += CARD
        at += BLOCK - at % BLOCK
        axes = [int(hdu.get(f"NAXIS{n}")) for n in range(1, int(hdu.get("NAXIS")) + 1)]
        size = int(np.prod(axes)) * abs(int(hdu.get("BITPIX"))) // 8 if axes else 0
        hdu.data = content[at : at + size]
        hdus.append(hdu)
        at += -(-size // BLOCK) * BLOCK
    return hdus


def put_together(path: Path, hdus: Iterable[Hdu], *, packed: bool | None = None) -> Path:
    """Write a file, gzipped if its name (or `packed`) says so."""
    content = b"".join(hdu.to_bytes() for hdu in hdus)
    packed = path.suffix == ".gz" if packed is None else packed
    path.write_bytes(gzip.compress(content, 1, mtime=0) if packed else content)
    return path
