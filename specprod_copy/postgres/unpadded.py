"""Texts of type char(n) as files have them: without the blanks that fill them up."""

from __future__ import annotations

import psycopg
from psycopg.abc import Buffer
from psycopg.pq import Format
from psycopg.types.string import TextLoader


class _Unpadded(TextLoader):
    def load(self, data: Buffer) -> bytes | str:
        return super().load(bytes(data).rstrip(b" "))


class _UnpaddedBinary(_Unpadded):
    format = Format.BINARY


def unpad(connection: psycopg.Connection) -> None:
    """Let a connection return texts without blanks that say nothing, so that keys are found."""
    for loader in (_Unpadded, _UnpaddedBinary):
        connection.adapters.register_loader("bpchar", loader)
