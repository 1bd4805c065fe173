"""Keywords of a table, and what the primary header of its file says otherwise."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping


class Keywords(Mapping[str, object]):
    """The keywords of an HDU; those that it lacks are those of the primary header.

    Parameters
    ----------
    own, primary : mapping of str to object
        Keywords of the HDU, and of the primary header.
    """

    def __init__(self, own: Mapping[str, object], primary: Mapping[str, object]) -> None:
        self._known = {**primary, **own}
        self._overruled = {
            key: value for key, value in primary.items() if self._known[key] != value
        }

    def __getitem__(self, key: str) -> object:
        return self._known[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def only(self, keys: Collection[str]) -> Keywords:
        """Return some of them, as far as they are there."""
        known, overruled = (
            {key: of[key] for key in keys if key in of} for of in (self._known, self._overruled)
        )
        return Keywords(known, overruled)

    def all_of(self, key: str) -> list[object]:
        """Return what the HDU and the primary header say; one value where they agree."""
        return [of[key] for of in (self._known, self._overruled) if key in of]


def some_of(header: Mapping[str, object], keys: Collection[str]) -> Mapping[str, object]:
    """Return some keywords of a header, as far as they are there."""
    if isinstance(header, Keywords):
        return header.only(keys)
    return {key: header[key] for key in keys if key in header}


def values_of(header: Mapping[str, object], key: str) -> list[object]:
    """Return what the headers that count for a table say: nothing, one value, or two that differ.

    That of the HDU stands before that of the primary header.
    """
    if isinstance(header, Keywords):
        return header.all_of(key)
    return [header[key]] if key in header else []
