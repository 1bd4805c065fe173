"""Files are written whole or not at all, and nothing that is not ours is replaced or removed."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from specprod_copy.atomic_files import create, remove, staged, write_output, written
from specprod_copy.atomic_files.outputs import check_outputs
from specprod_copy.batch.slurm import Script, write_scripts
from specprod_copy.cli import cli
from specprod_copy.coeff_patch import extract
from specprod_copy.demo import write_production
from specprod_copy.errors import ConfigurationError, InputError

LIST = "demo-fuji.txt"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Return a file beside the folder that a command may write to."""
    path = tmp_path / "precious"
    path.write_text("thesis")
    return path


def demo(root: Path, **options: object) -> None:
    write_production(root, "fuji", tiles=1, targets=10, **options)


def render_ddl(output: Path) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["render-ddl", "--schema", "x", "-o", str(output)])
    if isinstance(done.exception, InputError):
        return 1, str(done.exception)
    if not isinstance(done.exception, SystemExit | None):
        raise done.exception
    return done.exit_code, done.output


def test_folder_in_the_way_keeps_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis").touch()
    with (
        pytest.raises(InputError, match="a: cannot be written: Is a directory"),
        staged(tmp_path, ["a"], overwrite=True),
    ):
        pytest.fail("the work was begun")
    assert (tmp_path / "a" / "thesis").exists()


def test_folder_that_comes_meanwhile_keeps_what_is_in_it(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="a: cannot be written: Is a directory"),
        staged(tmp_path, ["a"], overwrite=True) as new,
    ):
        (new / "a").touch()
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "thesis").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "thesis"]


@pytest.mark.parametrize("target", ["precious", "nowhere/x"])
def test_link_is_not_replaced_and_not_followed(tmp_path: Path, outside: Path, target: str) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / target)
    with pytest.raises(InputError, match=f"link: is a link to .*{target}"):
        write_output(link, b"new")
    with pytest.raises(InputError, match="link: is a link to"):
        write_scripts([Script(link, "new")], overwrite=True)
    assert render_ddl(link) == (1, f"{link}: is a link to {tmp_path / target}; name a file")
    assert (link.is_symlink(), outside.read_text()) == (True, "thesis")
    assert not (tmp_path / "nowhere").exists()


def test_folder_that_is_a_link_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "nowhere")
    with (
        pytest.raises(InputError, match=r"out: is a link to .*nowhere, which does not exist"),
        staged(tmp_path / "out", ["a"]),
    ):
        pytest.fail("the work was begun")


def test_input_is_not_replaced(tmp_path: Path, outside: Path) -> None:
    other = tmp_path / "other-name"
    other.hardlink_to(outside)
    for path in (outside, other):
        with pytest.raises(InputError, match="is an input; it is not replaced"):
            write_output(path, b"new", inputs=[outside])
    assert outside.read_text() == "thesis"


def test_outputs_are_several_files(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    (tmp_path / "other-name").hardlink_to(outside)
    new = tmp_path / "folder" / "new"
    check_outputs([new, tmp_path / "folder" / "newer", outside])
    for other in (new, tmp_path / "folder" / ".." / "folder" / "new", tmp_path / "link" / "new"):
        with pytest.raises(InputError, match="new: two outputs would go there; name two files"):
            check_outputs([new, other])
    with pytest.raises(InputError, match="other-name: two outputs would go there"):
        check_outputs([outside, new, tmp_path / "other-name"])
    with pytest.raises(InputError, match="precious: is an input; it is not replaced"):
        check_outputs([new, outside], inputs=[outside])
    assert outside.read_text() == "thesis"


def test_what_is_written_into_may_be_several_outputs(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for stream in (Path("/dev/null"), Path("/dev/stdout"), tmp_path / "fifo"):
        check_outputs([stream, stream])
    with pytest.raises(InputError, match="new: two outputs would go there"):
        check_outputs([Path("/dev/null"), tmp_path / "new", Path("/dev/null"), tmp_path / "new"])


def test_extract_does_not_replace_its_input(tmp_path: Path) -> None:
    inputs = [tmp_path / "zall.fits", tmp_path / "zall-coeff-patch.fits"]
    for path in inputs:
        path.write_text("a catalog")
    with pytest.raises(InputError, match=r"zall-coeff-patch\.fits: is an input"):
        extract(inputs, tmp_path, overwrite=True)
    assert inputs[1].read_text() == "a catalog"


def test_device_is_written_into(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="/dev/full: cannot be written: No space left on device"):
        write_output(Path("/dev/full"), b"content")
    write_output(Path("/dev/null"), b"content")
    for device in ("/dev/full", "/dev/null"):
        assert Path(device).is_char_device()


def test_fifo_is_written_into(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    check_outputs([fifo])
    with pytest.raises(InputError, match="fifo: is a FIFO that nobody reads"):
        write_output(fifo, b"nobody reads")
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(reading, "rb") as file:
        write_output(fifo, b"content")
        assert file.read() == b"content"
    assert stat.S_ISFIFO(fifo.stat().st_mode)


def test_fifo_is_no_batch_script(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "job.sh")
    with pytest.raises(InputError, match=r"job\.sh: exists and is no regular file"):
        write_scripts([Script(tmp_path / "job.sh", "text")])


def test_standard_output_by_name(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "specprod_copy", "render-ddl", "-s", "x", "-o", "/dev/stdout"]
    piped = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    assert b"CREATE TABLE" in piped
    with (tmp_path / "x.sql").open("wb") as file:
        subprocess.run(command, stdout=file, check=True)
    assert (tmp_path / "x.sql").read_bytes() == piped


def test_replaced_file_keeps_its_mode(tmp_path: Path, outside: Path) -> None:
    """In whichever way it is written, unless another one is asked for."""
    other, new = tmp_path / "other", tmp_path / "new"
    other.touch()
    for file in (outside, other):
        file.chmod(0o600)
    write_output(outside, b"new")
    with written(other, overwrite=True) as file:
        file.write_text("new")
    write_output(new, b"new", mode=0o640)
    found = {file.name: (file.read_text(), oct(file.stat().st_mode)) for file in tmp_path.iterdir()}
    assert found == {
        "precious": ("new", "0o100600"),
        "other": ("new", "0o100600"),
        "new": ("new", "0o100640"),
    }
    write_output(outside, b"script", mode=0o750)
    assert stat.S_IMODE(outside.stat().st_mode) == 0o750


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can replace the files of others")
def test_replaced_file_keeps_its_owner(tmp_path: Path, outside: Path) -> None:
    os.chown(outside, 4321, 1234)
    write_output(outside, b"new")
    assert (outside.stat().st_uid, outside.stat().st_gid) == (4321, 1234)


def test_full_disk_leaves_the_old_file(tmp_path: Path, outside: Path) -> None:
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from specprod_copy.atomic_files import write_output\n"
        "from specprod_copy.errors import InputError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try:\n"
        "    write_output(Path(sys.argv[1]), bytes(1000))\n"
        "except InputError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, outside], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{outside}: cannot be written: File too large\n"
    assert (outside.read_text(), list(tmp_path.iterdir())) == ("thesis", [outside])


def test_new_file_is_not_made_outside(tmp_path: Path, outside: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    for name in ("../new", "link/new", "link/folder/new"):
        with pytest.raises(InputError, match="is not in folder"):
            create(root / name, root)
    (root / "dangling").symlink_to(tmp_path / "new")
    with pytest.raises(InputError, match="dangling: cannot be written: File exists"):
        create(root / "dangling", root)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["precious", "root"]


def test_nothing_is_removed_if_one_is_outside(tmp_path: Path, outside: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "own").touch()
    (root / "link").symlink_to(tmp_path)
    for name in ("../precious", "link/precious", str(outside), "link"):
        with pytest.raises(InputError):
            remove([root / "own", root / name], root)
    assert (outside.exists(), (root / "own").exists(), (root / "link").is_symlink()) == (True,) * 3
    remove([root / "own", root / "gone"], root)
    assert list(root.iterdir()) == [root / "link"]


@pytest.mark.parametrize(
    "line", ["../precious", "{}", "spectro/../../precious", "elsewhere/precious"]
)
def test_demo_removes_nothing_outside(tmp_path: Path, outside: Path, line: str) -> None:
    root = tmp_path / "root"
    demo(root)
    (root / "elsewhere").symlink_to(tmp_path)
    with (root / LIST).open("a") as file:
        file.write(line.format(outside) + "\n")
    with pytest.raises(InputError, match="precious: is not in folder"):
        demo(root, overwrite=True)
    assert outside.read_text() == "thesis"
    assert (root / "spectro/redux/fuji/exposures-fuji.fits").exists()


def test_demo_keeps_a_folder_that_its_list_names(tmp_path: Path) -> None:
    demo(tmp_path)
    with (tmp_path / LIST).open("a") as file:
        file.write("spectro\n")
    with pytest.raises(InputError, match="spectro: cannot be written: Is a directory"):
        demo(tmp_path, overwrite=True)


def test_demo_writes_through_no_link(tmp_path: Path, outside: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / LIST).symlink_to(outside)
    with pytest.raises(InputError, match=f"{LIST}: is a link"):
        demo(root, overwrite=True)
    (root / LIST).unlink()
    (root / "spectro").symlink_to(tmp_path)
    with pytest.raises(InputError, match="is not in folder"):
        demo(root)
    assert outside.read_text() == "thesis"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["precious", "root"]


def test_demo_does_not_write_through_a_dangling_link(tmp_path: Path) -> None:
    root = tmp_path / "root"
    folder = root / "spectro/redux/fuji"
    folder.mkdir(parents=True)
    (folder / "exposures-fuji.fits").symlink_to(tmp_path / "new")
    with pytest.raises(ConfigurationError, match=r"exposures-fuji\.fits exists"):
        demo(root)
    assert not (tmp_path / "new").exists()


def test_demo_without_room(tmp_path: Path) -> None:
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))\n"
        "from specprod_copy.cli import main; main()\n"
    )
    command = [sys.executable, "-c", program, "demo", str(tmp_path / "root")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("cannot be written: File too large")
    assert "Traceback" not in done.stderr
