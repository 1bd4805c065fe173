"""TLS: a server with a certificate of a private CA is trusted by that CA and name only."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import make_conninfo
from support.clusters import private_cluster
from support.held_ports import held_ports

from specprod_copy.cli import cli
from specprod_copy.demo import write_production
from specprod_copy.errors import DatabaseError
from specprod_copy.server.account import account_for
from specprod_copy.server.cluster import Cluster


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make_ca(folder: Path, name: str) -> Path:
    subject = ["-subj", f"/CN={name}", "-days", "2"]
    key = ["-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key"]
    openssl(folder, "req", "-x509", *key, *subject, "-out", f"{name}.crt")
    return folder / f"{name}.crt"


def make_certificate(folder: Path, ca: str) -> None:
    """Make server.key, and server.crt for the name localhost."""
    key = ["-newkey", "rsa:2048", "-nodes", "-keyout", "server.key"]
    openssl(folder, "req", "-new", *key, "-subj", "/CN=localhost", "-out", "server.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    signer = ["-CA", f"{ca}.crt", "-CAkey", f"{ca}.key", "-CAcreateserial", "-days", "2"]
    names = ["-extfile", "names"]
    openssl(folder, "x509", "-req", "-in", "server.csr", *signer, *names, "-out", "server.crt")


def serve(cluster: Cluster, certificate: Path) -> int:
    """Start a cluster that takes connections by TLS, on the loopback interface; return the port."""
    account = account_for(cluster.directory)
    for name in ("server.crt", "server.key"):
        account.write(cluster.data / name, (certificate / name).read_text())
    account.write(cluster.data / "pg_hba.conf", "hostssl all all 127.0.0.1/32 trust\n", append=True)
    with held_ports(1) as [port]:
        settings = {"ssl": "on", "listen_addresses": "127.0.0.1", "port": str(port)}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        pg_ctl(cluster, "start", "--log=log/server.log", f"--options={options}")
    return port


def pg_ctl(cluster: Cluster, *arguments: str) -> None:
    account, program = account_for(cluster.directory), cluster.binaries().program("pg_ctl")
    done = account.run([program, *arguments, "-D", "data", "-w", "-s"], folder=cluster.home)
    assert done.returncode == 0, done.stderr + cluster.log_tail()


@dataclass(frozen=True)
class Tls:
    """A server, and files of certificates."""

    port: int
    folder: Path

    def conninfo(self, *, ca: str, host: str = "localhost") -> str:
        return make_conninfo(
            host=host,
            port=self.port,
            user="postgres",
            dbname="specprod",
            sslmode="verify-full",
            sslrootcert=str(self.folder / f"{ca}.crt"),
        )


@pytest.fixture(scope="module")
def tls(tmp_path_factory) -> Iterator[Tls]:
    if shutil.which("openssl") is None:
        pytest.skip("there is no program openssl to make certificates with")
    folder = tmp_path_factory.mktemp("certificates")
    make_ca(folder, "ours")
    make_ca(folder, "another")
    make_certificate(folder, "ours")
    with private_cluster() as cluster:
        cluster.start()
        cluster.stop()
        port = serve(cluster, folder)
        try:
            yield Tls(port, folder)
        finally:
            pg_ctl(cluster, "stop", "-m", "immediate")


def load(root: Path, conninfo: str) -> None:
    command = ["load", "tile", "-p", "iron", "-r", str(root), "--dsn", conninfo, "-q"]
    CliRunner().invoke(cli, command, catch_exceptions=False)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("tls")
    write_production(root, "iron", tiles=2, targets=20)
    return root


def test_right_ca(tls, root):
    right = tls.conninfo(ca="ours")
    load(root, right)
    with psycopg.connect(right) as connection:
        assert connection.execute("SELECT count(*) FROM iron.tile").fetchone() == (2,)
        encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert connection.execute(encrypted).fetchone() == (True,)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"ca": "another"}, "certificate verify failed"),
        ({"ca": "none"}, 'none.crt" does not exist'),
        (
            {"ca": "ours", "host": "127.0.0.1"},
            'does not match host name "127.0.0.1"',
        ),
    ],
)
def test_wrong_ca_or_name(tls, root, wrong, why):
    with pytest.raises(DatabaseError) as caught:
        load(root, tls.conninfo(**wrong))
    message = str(caught.value)
    assert message.startswith("cannot connect: ")
    assert why in message
    assert "\n" not in message
