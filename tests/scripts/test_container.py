"""The steps that make the images of ``container/``, run here; and how the images are described."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fitsio
import psycopg
import pytest
import yaml
from support.batch_options import tool

from specprod_copy.server.cluster import Cluster
from specprod_copy.server.data_directory import machine_settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "container"
DOCKERFILE = (FOLDER / "Dockerfile").read_text()
PROGRAMS = Path(sys.executable).parent
READERS = ("desi", "desi_public")
ROLES = ("desi_admin", *READERS)
LINE = re.compile(r"^(\w+) = (.+)$", re.M)
SETTINGS = dict(LINE.findall((FOLDER / "initdb/settings.conf").read_text()))


@dataclass(frozen=True)
class Container:
    """A server as the image makes it, without the image."""

    cluster: Cluster
    secrets: Path

    def password(self, role: str) -> str:
        return (self.secrets / f"{role}_password").read_text().strip()

    def connect(self, role: str, password: str | None = None) -> psycopg.Connection:
        """Connect as one of the roles, with its password or another."""
        given = {"user": role, "password": password or self.password(role)}
        return psycopg.connect(self.cluster.conninfo("desi"), autocommit=True, **given)

    def run(self, *command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "SECRETS": str(self.secrets), **variables}
        environment["PATH"] = f"{PROGRAMS}:{environment['PATH']}"
        return subprocess.run(
            [*map(str, command)], env=environment, capture_output=True, text=True, check=False
        )

    def make_roles(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the script as the entrypoint of the official image does."""
        psql = self.cluster.psql_command(dbname="desi")
        options = ["-v", "ON_ERROR_STOP=1", "--no-password", "--no-psqlrc", "-f"]
        return self.run(*psql, *options, FOLDER / "initdb/10-roles.sql", **variables)

    def load(self, folder: Path) -> str:
        socket = str(self.cluster.postmaster().socket_dir)
        where = {"PGHOST": socket, "PGDATABASE": "desi", "PGUSER": "desi_admin"}
        done = self.run(FOLDER / "load-demo.sh", folder, **where)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def container(own: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """Return a server that has been through the steps of the image."""
    made = Container(own, tmp_path_factory.mktemp("container") / "secrets")
    assert made.run(FOLDER / "make-secrets.sh", made.secrets).returncode == 0
    with psycopg.connect(own.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE desi")
    done = made.make_roles()
    assert (done.returncode, done.stderr) == (0, "")
    # Where the user of root's server can read it.
    initdb = shutil.copytree(FOLDER / "initdb", own.home.parent / "initdb")
    assert made.run(initdb / "20-settings.sh", PGDATA=str(own.data)).returncode == 0
    access = own.data / "pg_hba.conf"
    access.write_text(f"local all {','.join(ROLES)} scram-sha-256\n{access.read_text()}")
    own.stop()
    own.start()
    yield made


def test_settings_are_those_of_the_server(container):
    with psycopg.connect(container.cluster.conninfo("desi")) as connection:
        used = connection.execute(
            """SELECT f.name FROM pg_file_settings f JOIN pg_settings s USING (name)
               WHERE f.sourcefile LIKE '%/initdb/settings.conf' AND f.applied AND f.error IS NULL
               AND s.sourcefile = f.sourcefile"""
        ).fetchall()
    assert {name for (name,) in used} == SETTINGS.keys()


def test_settings_are_those_of_the_embedded_server():
    """Of a machine like the container; who connects, and how many, is not the loader's business."""
    template = dict(LINE.findall((ROOT / "templates/postgresql.conf").read_text()))
    sized = machine_settings(4 << 30, 2)
    of_connections = ("listen_addresses", "port", "unix_socket", "max_connections")
    assert {
        name: str(sized[name]) if "{{" in value else value
        for name, value in template.items()
        if not name.startswith(of_connections)
    } == SETTINGS


def test_roles_and_the_demo(container, tmp_path):
    root = tmp_path / "demo"
    assert "zpix" in container.load(root)
    with fitsio.FITS(next(root.rglob("tiles-fuji.fits"))) as file:
        rows = file[1].get_nrows()
    for role in ROLES:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            container.connect(role, "wrong")
    for role in READERS:
        with container.connect(role) as connection:
            count = "SELECT count(*), count(q3c_ang2ipix(tilera, tiledec)) FROM fuji.tile"
            assert connection.execute(count).fetchone() == (rows, rows)
            for change in ("DELETE FROM fuji.tile", "CREATE SCHEMA s", "CREATE TABLE public.t ()"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(change)


def test_passwords_are_nowhere_else(container, tmp_path):
    """Not in messages and not in the log, when the roles are there, and when they are refused."""
    again = container.make_roles()
    assert again.returncode == 3
    assert 'role "desi_admin" already exists' in again.stderr
    missing = container.make_roles(SECRETS=str(tmp_path))
    assert missing.returncode == 3
    assert "a password is empty or missing" in missing.stderr
    log = (container.cluster.home / "log/server.log").read_text()
    assert "already exists" in log
    before = {role: container.password(role) for role in ("postgres", *ROLES)}
    assert len({*before.values()}) == 4
    said = log + again.stdout + again.stderr
    assert [role for role, password in before.items() if password in said] == []
    assert container.run(FOLDER / "make-secrets.sh", container.secrets).returncode == 0
    assert {role: container.password(role) for role in before} == before
    assert container.secrets.stat().st_mode & 0o777 == 0o700


def test_packages(own):
    """The same command; q3c is installed, so nothing on the machine changes."""
    major = str(own.binaries().major)
    query = ["dpkg-query", "-W", "-f=${Status}", f"postgresql-{major}-q3c"]
    if os.geteuid() != 0:
        pytest.skip("apt-get install needs root")
    if shutil.which("dpkg-query") is None:
        pytest.skip("no Debian packages here")
    if "ok installed" not in subprocess.run(query, capture_output=True, text=True).stdout:
        pytest.skip(f"postgresql-{major}-q3c is not a package here, and tests install none")
    done = subprocess.run([FOLDER / "install.sh", major], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"\b0 upgraded, 0 newly installed, 0 to remove", done.stdout)


def test_linters():
    """DL3008 wants versions of packages, which change with each release of PostgreSQL."""
    scripts = sorted(FOLDER.rglob("*.sh"))
    assert len(scripts) == 4
    subprocess.run([tool("shellcheck"), *scripts], check=True)
    hadolint = [PROGRAMS / "hadolint", "--ignore", "DL3008", FOLDER / "Dockerfile"]
    done = subprocess.run(hadolint, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_images_have_what_the_package_is_built_from():
    copied = [
        source.rstrip("/")
        for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.M)
        for source in line.split()[:-1]
    ]
    let_in = {
        line[1:]
        for line in (FOLDER / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    assert set(copied) == let_in
    assert [name for name in copied if not (ROOT / name).exists()] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = [project["project"]["readme"], *project["project"]["license-files"]]
    assert {*needed, *wheel["packages"], *wheel["force-include"]} <= set(copied)


def _by_kind() -> dict[tuple[str, str], dict[str, Any]]:
    parts = yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text())
    return {(part["kind"], part["metadata"]["name"]): part for part in parts}


def test_compose_and_kubernetes_run_the_same():
    compose = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    kubernetes = _by_kind()
    major = re.search(r"^ARG PG_MAJOR=(\d+)$", DOCKERFILE, re.M)[1]
    data = re.search(r"PGDATA=(/var/lib/postgresql)/\$\{PG_MAJOR\}/docker", DOCKERFILE)[1]
    check = yaml.safe_load(re.search(r"HEALTHCHECK .*\\\n +CMD (\[.+\])", DOCKERFILE)[1])
    password_file = re.search(r"POSTGRES_PASSWORD_FILE=(\S+)", DOCKERFILE)[1]
    database = re.search(r"POSTGRES_DB=(\w+)", DOCKERFILE)[1]
    passwords = {f"/secrets/{role}_password" for role in ("postgres", *ROLES)}
    assert password_file in passwords

    def pod(kind: str, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        spec = kubernetes[kind, name]["spec"]["template"]["spec"]
        (only,) = spec["containers"]
        assert {mount["name"] for mount in only["volumeMounts"]} == {
            volume["name"] for volume in spec["volumes"]
        }
        return spec, only

    # The server.
    here, (spec, there) = compose["services"]["db"], pod("Deployment", "db")
    assert here["image"].replace("${PG_MAJOR:-17}", major) == there["image"].split("/")[-1]
    assert here["build"]["args"] == {"PG_MAJOR": f"${{PG_MAJOR:-{major}}}"}
    mounts = {mount["name"]: mount["mountPath"] for mount in there["volumeMounts"]}
    assert here["volumes"] == [f"data:{data}"]
    assert mounts == {"data": data, "keys": "/secrets", "shm": "/dev/shm"}
    assert {secret["target"] for secret in here["secrets"]} == passwords
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert ("PersistentVolumeClaim", volumes["data"]["persistentVolumeClaim"]["claimName"]) in (
        kubernetes
    )
    assert (here["shm_size"], volumes["shm"]["emptyDir"]["sizeLimit"]) == ("1gb", "1Gi")
    assert (here["mem_limit"], there["resources"]["limits"]["memory"]) == ("4gb", "4Gi")
    assert str(here["cpus"]) == there["resources"]["limits"]["cpu"] == "2"
    assert there["readinessProbe"]["exec"]["command"] == check
    service = kubernetes["Service", "db"]["spec"]
    labels = kubernetes["Deployment", "db"]["spec"]["template"]["metadata"]["labels"]
    assert service["selector"] == labels
    assert kubernetes["Deployment", "db"]["spec"]["selector"]["matchLabels"] == labels
    (port,) = there["ports"]
    assert (service["ports"][0]["targetPort"], port["containerPort"]) == (port["name"], 5432)

    # The loader.
    here, (spec, there) = compose["services"]["load-demo"], pod("Job", "load-demo")
    assert there["image"] == f"registry.nersc.gov/desi/{here['image']}:latest"
    assert here["entrypoint"] == there["command"] == ["load-demo.sh"]
    variables = {item["name"]: item["value"] for item in there["env"]}
    assert variables == here["environment"]
    assert variables == {"PGHOST": "db", "PGDATABASE": database, "PGUSER": "desi_admin"}
    assert {secret["target"] for secret in here["secrets"]} == {
        f"/secrets/{item['path']}" for item in spec["volumes"][0]["secret"]["items"]
    }
    assert {name: item["file"] for name, item in compose["secrets"].items()} == {
        Path(path).name: path.lstrip("/") for path in passwords
    }
