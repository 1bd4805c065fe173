"""Who runs the embedded server, and the private folders that belong to that user.

PostgreSQL refuses to run as root. When root asks for a server, it runs as another user that
already exists, and everything inside the server's folder is done in that user's name.
"""

from __future__ import annotations

import os
import pwd
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specprod_copy.errors import ServerError

ROOTS_CHOICE = ("postgres", "nobody")
"""The users root takes, in this order, in a folder that is its own."""

FOLDER_ENTRIES = re.compile(r"lock|host|log|data|data\.new|password|\.s\.PGSQL\.\d+(\.lock)?")
"""What the embedded server keeps in its folder; a folder with anything else is not taken."""

# The longest there is.
_SOCKET_NAME = ".s.PGSQL.65535"
_SOCKET_PREFIX = "specprod-copy-"
# sun_path holds 108 bytes with the closing NUL on Linux, 104 on macOS and the BSDs.
_SOCKET_LIMIT = 107 if sys.platform == "linux" else 103


@dataclass(frozen=True)
class Account:
    """The operating-system user that the server runs as."""

    name: str
    uid: int
    gid: int
    home: str

    @property
    def is_caller(self) -> bool:
        """Whether this is the user of the present process."""
        return self.uid == os.geteuid()

    def environment(self) -> dict[str, str]:
        """Return the present environment as the server's programs should see it."""
        # PGDATA, PGPORT, PGOPTIONS and the like belong to another server; with LC_ALL=C
        # PostgreSQL speaks English in its log.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        if not self.is_caller:
            kept.pop("XDG_RUNTIME_DIR", None)
        names = {"HOME": self.home, "USER": self.name, "LOGNAME": self.name}
        return kept | names | {"LC_ALL": "C"}

    def run(
        self, command: Sequence[str | Path], *, folder: Path | str = "/", text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this user, in a folder that the user can enter, with `text` as input."""
        identity: dict[str, Any] = {}
        if not self.is_caller:
            groups = os.getgrouplist(self.name, self.gid)
            identity = {"user": self.uid, "group": self.gid, "extra_groups": groups}
        return subprocess.run(
            [str(part) for part in command],
            cwd=folder,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            env=self.environment(),
            umask=0o077,
            check=False,
            **identity,
        )

    def can_enter(self, folder: Path) -> bool:
        """Tell whether this user may pass through a folder and all those above it."""
        return self.run(["test", "-x", folder]).returncode == 0

    def read(self, path: Path) -> str:
        """Return a file's text, read as this user; the empty one where there is no such file."""
        return self.run(["cat", path]).stdout

    def write(self, path: Path, text: str, *, append: bool = False) -> None:
        """Write a file as this user: root follows no link laid out in a folder of theirs."""
        result = self.run(["tee", *(["-a"] if append else []), path], text=text)
        if result.returncode:
            raise ServerError(f"{path}: cannot be written as user {self.name}: {result.stderr}")


def account_for(directory: Path) -> Account:
    """Return the user that runs the server of a folder, which may not exist yet.

    That is the caller; for root the owner of the folder (of its parent, if the folder is still to
    be made) unless that is root too, else the first of `ROOTS_CHOICE` that exists.
    """
    caller = os.geteuid()
    owner = _owner(directory)
    if caller != 0 and owner not in (None, caller):
        raise ServerError(
            f"{directory}: belongs to {_describe(owner)}; only that user can use this server"
        )
    if caller != 0:
        account = _look_up(caller)
        if account is None:
            raise ServerError(f"user {caller} has no entry in /etc/passwd: PostgreSQL needs one")
        return account
    owner = _owner(directory.parent) if owner is None else owner
    for key in (owner or "root", *ROOTS_CHOICE):
        account = _look_up(key)
        if account is not None and account.uid != 0:
            return account
    raise ServerError(
        f"{directory}: PostgreSQL does not run as root, and there is neither a user "
        f"{' nor '.join(ROOTS_CHOICE)}: name a folder that belongs to an ordinary user"
    )


def prepare_folder(directory: Path) -> Account:
    """Make the folder of a cluster, with mode 0700, and return its owner, who runs the server."""
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        account = account_for(directory)
        home = directory.resolve()
        if not account.can_enter(home.parent):
            raise ServerError(
                f"{directory}: PostgreSQL does not run as root, and user {account.name}, who runs "
                f"it instead, cannot enter {home.parent}: name another folder, such as --embedded "
                f"{shlex.quote(f'/var/lib/specprod-copy/{directory.name}')}"
            )
        home.mkdir(mode=0o700, exist_ok=True)
        _refuse_strangers(directory, home, account)
        _make_private(home, account)
    except OSError as error:
        raise ServerError(f"{directory}: cannot be made: {error}") from error
    return account


def socket_folder(home: Path, account: Account) -> Path:
    """Return the private folder for the server's socket: `home`, or a new one with a short path."""
    if _fits(home):
        return home
    bases = [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108 (mkdtemp below)
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nonexistent")
    if account.is_caller and _owner(runtime) == account.uid:
        bases.insert(0, runtime)
    for base in bases:
        if _fits(base / f"{_SOCKET_PREFIX}12345678") and account.can_enter(base):
            folder = Path(tempfile.mkdtemp(prefix=_SOCKET_PREFIX, dir=base))
            os.chown(folder, account.uid, account.gid)
            return folder
    raise ServerError(f"{home}: this path is too long for a socket, and so is the temporary folder")


def remove_socket_folder(folder: Path, account: Account) -> None:
    """Remove a folder that `socket_folder` made, once the server has left it."""
    if folder.name.startswith(_SOCKET_PREFIX):
        account.run(["rmdir", folder])


def _fits(folder: Path) -> bool:
    # libpq reads a comma as the end of one host and the start of the next.
    path = os.fsencode(folder / _SOCKET_NAME)
    return len(path) <= _SOCKET_LIMIT and b"," not in path


def _make_private(home: Path, account: Account) -> None:
    # By descriptor: what is changed is the folder that was opened, whatever takes its place.
    descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid != account.uid:
            os.fchown(descriptor, account.uid, account.gid)
        os.fchmod(descriptor, 0o700)
    finally:
        os.close(descriptor)


def _refuse_strangers(directory: Path, home: Path, account: Account) -> None:
    data_owner = _owner(home / "data")
    if data_owner not in (None, account.uid):
        raise ServerError(
            f"{home / 'data'}: belongs to {_describe(data_owner)}, but the server would run as "
            f"{account.name}: run 'chown -R {account.name} {home}', or name a new folder"
        )
    names = (path.name for path in home.iterdir())
    strangers = sorted(name for name in names if not FOLDER_ENTRIES.fullmatch(name))
    if "PG_VERSION" in strangers:
        raise ServerError(
            f"{directory}: is the data directory of another PostgreSQL server: start that with "
            "pg_ctl and connect to it, or name a new folder"
        )
    if strangers:
        raise ServerError(
            f"{directory}: not a folder of the embedded server, it holds "
            f"{', '.join(strangers[:3])}{', …' if len(strangers) > 3 else ''}: name a new folder"
        )


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ServerError(f"{path}: cannot be reached: {error.strerror}") from error


def _look_up(key: int | str) -> Account | None:
    try:
        entry = pwd.getpwuid(key) if isinstance(key, int) else pwd.getpwnam(key)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)


def _describe(uid: int | None) -> str:
    account = _look_up(uid or 0)
    return f"user {account.name}" if account else f"user id {uid}, which has no name here"
