"""What a worker sends back, however it is sent: the result of a task, or its error."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable
from typing import Any

RESULT, ERROR = "result", "error"
"""Kinds of answers; each is a pickled pair of its kind and its content."""


def answer(task: Callable[[], Any]) -> bytes:
    """Do a task, and return the answer: its result, or what it raised."""
    try:
        return pickle.dumps((RESULT, task()))
    except Exception as error:  # noqa: BLE001 - the caller raises it
        return _packed(error)


def result_of(content: bytes) -> Any:
    """Return the result of an answer, or raise what the task raised."""
    kind, value = pickle.loads(content)  # noqa: S301 - from a worker
    if kind == ERROR:
        raise value
    return value


def _packed(error: Exception) -> bytes:
    error.add_note(f"In a worker process:\n{traceback.format_exc()}")
    try:
        return pickle.dumps((ERROR, error))
    except (TypeError, AttributeError, pickle.PicklingError):
        return pickle.dumps((ERROR, RuntimeError(traceback.format_exc())))
