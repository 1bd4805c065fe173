"""A worker that is another process, both ends of it: it ends when its parent ends."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple, NoReturn, TypeVar

from specprod_copy.errors import WorkerDiedError
from specprod_copy.executors.answers import ERROR, RESULT, answer
from specprod_copy.executors.contexts import Context, OpenContexts
from specprod_copy.executors.workers import Shared

S = TypeVar("S")
D = TypeVar("D")
R = TypeVar("R")

_REPORT = "report"
"""Kind of the messages from a worker that are no `answer`."""

_SECONDS_BETWEEN_LOOKS = 1.0

_starting = threading.Lock()


class _TaskMessage(NamedTuple):
    """A task on its way to a worker. The end of a context is the message of its number alone."""

    number: int
    """Of the context."""
    context: bytes | None
    """Itself, pickled, with the first task of a worker."""
    work: bytes
    """Function and data, pickled."""


# The parent's end --------------------------------------------------------------------------------


class ProcessWorker:
    """Has tasks done by a process of its own, which is started for the first of them."""

    def __init__(self) -> None:
        self._process: multiprocessing.process.BaseProcess | None = None
        self._known: set[int] = set()

    def run(self, shared: Shared[S], function: Callable[[S, D], R], data: D) -> R:
        """Have a task done.

        Raises
        ------
        WorkerDiedError
            If the process ended before it had done it, or could not be started.
        """
        number, known = shared.number, shared.number in self._known
        context = None if known else pickle.dumps(shared.context)
        work = pickle.dumps((function, data))
        if self._process is None:
            self._start()
        self._known.add(number)
        self._send(_TaskMessage(number, context, work))
        while True:
            kind, content = self._receive()
            if kind == RESULT:
                return content
            if kind == ERROR:
                raise content
            shared.report(*content)

    def close(self, number: int) -> None:
        """Have a context closed."""
        if number in self._known:
            self._known.remove(number)
            with suppress(WorkerDiedError):
                self._send(number)

    def release(self) -> None:
        """End the process; the next task starts another one."""
        if self._process is not None:
            self._pipe.close()
            self._process.join()
            self._process = None
            self._known.clear()

    def _start(self) -> None:
        # Not fork: threads of Polars and Arrow do not survive it.
        context = multiprocessing.get_context("spawn")
        try:
            with _starting, interrupts_left_to_parent():
                ours, theirs = context.Pipe()
                with theirs:
                    process = context.Process(target=_serve, args=(theirs,), daemon=True)
                    process.start()
        except OSError as error:
            raise WorkerDiedError(
                f"no worker process can be started: {error.strerror}; free something, or use fewer "
                "--jobs, and run the command again"
            ) from error
        self._pipe, self._process = ours, process

    def _send(self, message: object) -> None:
        try:
            self._pipe.send(message)
        except OSError as error:
            raise WorkerDiedError from error

    def _receive(self) -> tuple[str, Any]:
        try:
            message = self._pipe.recv_bytes()
        except (EOFError, OSError) as error:
            raise WorkerDiedError from error
        return pickle.loads(message)  # noqa: S301 - from the worker


@contextmanager
def interrupts_left_to_parent() -> Iterator[None]:
    """Let processes that are started within the block take no notice of Ctrl-C, from the first on.

    They inherit that the signal is blocked; a terminal sends it to all processes of a command, and
    the parent awaits or cancels what they do.
    """
    # Started before the block: to start it lets Ctrl-C through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# The worker's end --------------------------------------------------------------------------------


def _serve(pipe: Connection) -> NoReturn:
    """Do the tasks that come through a pipe, until it is closed at the other end."""
    gc.disable()
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    contexts: dict[int, Context[Any]] = {}
    open_contexts = OpenContexts()

    def report(*content: Any) -> None:
        pipe.send((_REPORT, content))

    def done(task: _TaskMessage) -> Any:
        if task.context is not None:
            contexts[task.number] = pickle.loads(task.context)  # noqa: S301 - from the parent
        function, data = pickle.loads(task.work)  # noqa: S301
        if not gc.isenabled():
            # What the first task imported is not garbage; to look through it takes 0.05 s.
            gc.freeze()
            gc.enable()
        opened = open_contexts.opened(task.number, contexts[task.number], report)
        return function(opened, data)

    with suppress(EOFError, OSError):
        while True:
            message = pipe.recv()
            if isinstance(message, _TaskMessage):
                pipe.send_bytes(answer(partial(done, message)))
            else:
                open_contexts.close(message)
                contexts.pop(message, None)
    open_contexts.close_all()
    # Python takes 0.1 s to take itself apart. What was printed by then goes out, if it can.
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError):  # closed ones are None
            stream.flush()
    os._exit(0)


def _end_with_parent() -> None:
    """End when the parent ends, however it does, whatever this process is doing.

    The end of a pipe shows it at once, unless a process that the parent has forked holds the pipe
    open; but then this process has another parent.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        while os.getppid() == parent.pid and not wait([parent.sentinel], _SECONDS_BETWEEN_LOOKS):
            pass
        os._exit(1)
