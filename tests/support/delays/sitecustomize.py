"""Now and then a wait for the server is longer, in each process with this folder on PYTHONPATH.

Python imports a module of this name when it starts. A test that relies on who comes first, and does
not make sure of it, fails sooner or later: see ``make test-delays``.
"""

from __future__ import annotations

import random
import sys
import time
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

SHARE = 0.02
"""Of the waits, which are several for each statement."""

SECONDS = (0.02, 0.1, 0.3)


class Delaying(MetaPathFinder):
    """Changes connections as soon as somebody imports them."""

    def find_spec(
        self, name: str, path: Any, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name == "psycopg.connection" else None
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            delay(module.Connection)

        spec.loader.exec_module = exec_module
        return spec


def delay(connection: Any) -> None:
    """Let some waits of connections be longer."""
    wait = connection.wait

    def wait_longer(self: Any, *arguments: Any, **options: Any) -> Any:
        if random.random() < SHARE:
            time.sleep(random.choice(SECONDS))
        return wait(self, *arguments, **options)

    connection.wait = wait_longer


sys.meta_path.insert(0, Delaying())
