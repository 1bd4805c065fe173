"""A FITS table of two columns, and the message that its damage is answered with."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from specprod_copy.errors import InputError
from support.raw_fits import RawColumn, cells, table_bytes

NUMBER = RawColumn("TARGETID", "K", cells(bytes(8), bytes(8), bytes(8)))
TEXT = RawColumn("PROGRAM", "4A", cells(b"dark", b"    ", b"x   "))
PLAIN = table_bytes([NUMBER, TEXT], name="T")


def message(call: Callable, *args: object, **options: object) -> str:
    """The text of the InputError that a call raises."""
    with pytest.raises(InputError) as caught:
        call(*args, **options)
    return str(caught.value)
