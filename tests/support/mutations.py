"""Random damage to files: bits, bytes, blocks, header cards, fields."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from random import Random

BLOCK, CARD = 2880, 80

# What a damaged header may claim, as it stands in the card.
VALUES = [
    *("0", "1", "-1", "2", "7", "8", "16", "255", "999999999", "2147483647", "2147483648"),
    *("4294967296", "1000000000000000000", "99999999999999999999", "-32", "1.5", "1E3", "1D400"),
    *("T", "F", "", "''", "'", "'x'", "'K'", "'1J'", "'4Z'", "'0A'", "'3A'", "'1PE(9)'", "'QD'"),
    *("'(2,2)'", "'(0)'", "'(-1,4)'", "'()'", "'TABLE'", "'IMAGE'", "'BINTABLE'", "'ZCATALOG'"),
    *("'TARGETID'", "'a&'", "'a''b'", "'\x80\xff'", "NaN", "(1.0, 2.0)", "32768", "128"),
    *("9223372036854775808", "0.0", "2.0", "'     '", "'E       ' / comment", "1 / '"),
]
STRUCTURE = ["NAXIS", "NAXIS1", "NAXIS2", "BITPIX", "PCOUNT", "GCOUNT", "THEAP", "TFIELDS"]
STRUCTURE += ["EXTNAME", "XTENSION", "SIMPLE", "EXTEND", "GROUPS", "ZTABLE", "ZIMAGE", "TILEID"]
STRUCTURE += ["SURVEY", "PROGRAM", "SPGRP"]
INDEXED = ["TFORM", "TTYPE", "TDIM", "TZERO", "TSCAL", "TNULL", "TDISP", "TUNIT"]

Mutation = Callable[[Random, bytes], bytes]


def cards(content: bytes) -> list[int]:
    """Offsets of the cards of all headers, END included, as far as they can be found."""
    found, inside = [], False
    for at in range(0, len(content) - CARD + 1, CARD):
        if at % BLOCK == 0 and content.startswith((b"SIMPLE  =", b"XTENSION="), at):
            inside = True
        if inside:
            found.append(at)
            inside = not content.startswith(b"END     ", at)
    return found


def place(random: Random, content: bytes) -> int:
    """Somewhere in the file, half of the time in a header."""
    offsets = cards(content)
    if offsets and random.random() < 0.5:
        return random.choice(offsets) + random.randrange(CARD)
    return random.randrange(len(content))


def flip_bits(random: Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(random.choice([1, 1, 1, 2, 8])):
        changed[place(random, content)] ^= 1 << random.randrange(8)
    return bytes(changed)


def overwrite(random: Random, content: bytes) -> bytes:
    at, length = place(random, content), random.choice([1, 2, 4, 8, 80, 500])
    fill = random.choice([b"\0", b" ", b"\xff", b"9", None])
    run = random.randbytes(length) if fill is None else fill * length
    return content[:at] + run[: len(content) - at] + content[at + length :]


def truncate(random: Random, content: bytes) -> bytes:
    at = random.choice([place(random, content), random.randrange(len(content)) // BLOCK * BLOCK])
    return content[:at]


def insert(random: Random, content: bytes) -> bytes:
    at, length = place(random, content), random.choice([1, 7, 80, 2880])
    return content[:at] + random.choice([b" " * length, random.randbytes(length)]) + content[at:]


def delete(random: Random, content: bytes) -> bytes:
    at = place(random, content)
    return content[:at] + content[at + random.choice([1, 7, 80, 2880]) :]


def move_blocks(random: Random, content: bytes) -> bytes:
    blocks = [content[at : at + BLOCK] for at in range(0, len(content), BLOCK)]
    one, other = random.randrange(len(blocks)), random.randrange(len(blocks))
    kind = random.choice(["swap", "double", "drop"])
    if kind == "swap":
        blocks[one], blocks[other] = blocks[other], blocks[one]
    elif kind == "double":
        blocks.insert(one, blocks[other])
    else:
        del blocks[one]
    return b"".join(blocks)


def edit_card(random: Random, content: bytes) -> bytes:
    """Give a keyword another value."""
    key = random.choice([*STRUCTURE, *(f"{key}{random.randint(1, 40)}" for key in INDEXED)])
    offsets = cards(content)
    there = [at for at in offsets if content[at : at + 8].decode("latin-1").rstrip() == key]
    value = random.choice([*VALUES, str(random.randint(-20, 400))])
    card = f"{key:<8}= {value:>20}" if random.random() < 0.8 else f"{key:<8}= {value}"
    new = card.encode("latin-1")[:CARD].ljust(CARD)
    if there:
        at = random.choice(there)
        return content[:at] + new + content[at + CARD :]
    return add_card(random, content, new)


def add_card(random: Random, content: bytes, new: bytes = b"") -> bytes:
    """Put a card in the place of another: a keyword twice, CONTINUE, HIERARCH, no END, ..."""
    offsets = cards(content)
    if not offsets:
        return flip_bits(random, content)
    at, other = random.choice(offsets), random.choice(offsets)
    choices = [
        content[other : other + CARD],
        b"CONTINUE  'and so on&'".ljust(CARD),
        b"CONTINUE  'the end' / of it".ljust(CARD),
        b"HIERARCH a b = 'c'".ljust(CARD),
        b"COMMENT \xff\xfe\x80".ljust(CARD),
        b"END".ljust(CARD),
        b"ENDING  = 1".ljust(CARD),
        b" " * CARD,
        random.randbytes(CARD),
    ]
    new = new or random.choice(choices)
    return content[:at] + new + content[at + CARD :]


def edit_text(random: Random, content: bytes) -> bytes:
    """Change a field, a line or a separator of a text table."""
    lines = content.split(b"\n")
    at, other = random.randrange(len(lines)), random.randrange(len(lines))
    kind = random.choice(["field", "field", "field", "line", "double", "swap", "quote", "byte"])
    if kind == "field":
        fields = lines[at].split(b",")
        values = [b"", b"nan", b"-inf", b"1e39", b"9" * 19, b"2147483648", b"abc", b'"a"', b" 7 "]
        values += [b"0x1F", b"1_000", b"+5", b"1.", b".5e-400", b"True", b"\xc3\xa9", b"a\0b", b"'"]
        fields[random.randrange(len(fields))] = random.choice(values)
        lines[at] = b",".join(fields)
    elif kind == "line":
        lines[at] = random.choice([b"", b"#", b",,,", lines[at] + b",", lines[at][:-3], b"\xff"])
    elif kind == "double":
        lines.insert(at, lines[other])
    elif kind == "swap":
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == "quote":
        lines[at] = lines[at].replace(b",", random.choice([b',"', b"\t", b";", b"\r", b",,"]), 1)
    else:
        return flip_bits(random, content)
    return b"\n".join(lines)


ANYWHERE: list[Mutation] = [flip_bits, overwrite, truncate, insert, delete]
OF_FITS: list[Mutation] = [*ANYWHERE, flip_bits, flip_bits, move_blocks, edit_card, edit_card]
OF_FITS += [edit_card, add_card]
OF_TEXT: list[Mutation] = [*ANYWHERE, edit_text, edit_text, edit_text, edit_text]


def mutate(random: Random, content: bytes, suffix: str) -> tuple[bytes, str]:
    """Damage a file; return it and what was done.

    What is gzipped is damaged as it lies on the disk, or before it is packed.
    """
    packed = suffix.endswith(".gz") and random.random() < 0.5
    if packed:
        content = gzip.compress(content, 1, mtime=0)
    kinds = ANYWHERE if packed else OF_FITS if ".fits" in suffix else OF_TEXT
    done = []
    for _ in range(random.choice([1, 1, 1, 2, 4])):
        mutation = random.choice(kinds)
        content = mutation(random, content) or b"?"
        done.append(mutation.__name__)
    if suffix.endswith(".gz") and not packed:
        content = gzip.compress(content, 1, mtime=0)
    return content, "+".join(done)
