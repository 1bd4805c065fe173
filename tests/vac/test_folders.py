"""Which folders the pattern of a catalogue leads into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support.privileges import without_privileges

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import InputError
from specprod_copy.tables import Inputs
from specprod_copy.vac.files import find


@pytest.fixture
def root() -> Iterator[Path]:
    """Return a folder in which everybody may look, with files of two surveys."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        for survey in ("main", "sv3"):
            inner = root / "cat" / survey / "v1"
            inner.mkdir(parents=True)
            (inner / "a.fits").touch()
            (inner.parent / "b.fits").touch()
        yield root


def found(root: Path, pattern: str) -> list[str]:
    inputs = Inputs(ProductionFiles(find_production("iron"), root))
    with without_privileges():
        return [str(path.relative_to(root)) for path in find([pattern], {}, inputs)]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("cat/*/b.fits", ["cat/main/b.fits", "cat/sv3/b.fits"]),
        ("cat/{survey}/v1/a.fits", ["cat/main/v1/a.fits", "cat/sv3/v1/a.fits"]),
        ("c?t/[!m]*/v*/*.fits", ["cat/sv3/v1/a.fits"]),
        ("**/a.fits", ["cat/main/v1/a.fits", "cat/sv3/v1/a.fits"]),
        ("cat/**/b.fits", ["cat/main/b.fits", "cat/sv3/b.fits"]),
        ("cat/sv3/b.fits", ["cat/sv3/b.fits"]),
    ],
)
def test_patterns(root, pattern, names):
    (root / "cat" / "around").symlink_to(root)
    (root / "cat" / "file").touch()
    assert found(root, pattern) == names


@pytest.mark.parametrize("mode", [0o700, 0o744, 0o711], ids=oct)
@pytest.mark.parametrize("pattern", ["cat/*/b.fits", "cat/{survey}/v*/a.fits"])
def test_a_folder_that_cannot_be_looked_into(root, pattern, mode):
    """Its files are not left out without a word."""
    (root / "cat" / "sv3").chmod(mode)
    with pytest.raises(InputError) as caught:
        found(root, pattern)
    assert str(caught.value) == f"{root}/cat/sv3: cannot be listed: Permission denied"
