"""Triggers that keep rows from being written."""

from __future__ import annotations

from collections.abc import Callable


def drop_rows(execute: Callable, table: str, event: str, condition: str = "true") -> None:
    """Let a trigger keep rows from being inserted, updated or deleted."""
    result = "OLD" if event == "DELETE" else "NEW"
    execute(
        f"""CREATE FUNCTION public.drop_{event}() RETURNS trigger LANGUAGE plpgsql AS
            $$BEGIN IF {condition} THEN RETURN NULL; END IF; RETURN {result}; END$$;
            CREATE TRIGGER dropping BEFORE {event} ON {table}
            FOR EACH ROW EXECUTE FUNCTION public.drop_{event}()"""
    )
