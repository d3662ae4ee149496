"""States that live in a resource's status: frozen records of arrays, written and read exactly."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self, TypeVar, get_type_hints

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
"""Finite numbers; of shape () where there is one release only."""

Flags = NDArray[np.bool_]
"""Yes or no, for each release."""

Numbers = Array | float
"""What a caller may pass: one number, or an array of them."""

GRAIN = 2.0**-20
"""States are kept in whole multiples of this: about 1e-6, and short to write."""

S = TypeVar("S", bound="State")


@dataclass(frozen=True, eq=False)
class State:
    """A record whose fields are arrays, or records of the same kind."""

    def to_json(self) -> dict[str, Any]:
        """Lists, numbers and objects of them; `from_json` gives the same state, bit for bit."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The state that was written.

        Raises ValueError where a field is missing, or is no finite number: a state that was
        tampered with is to be begun anew, not to be believed.
        """
        kinds = _KINDS.get(cls) or _KINDS.setdefault(cls, get_type_hints(cls))
        return cls(
            **{field.name: _read(kinds[field.name], field.name, data) for field in fields(cls)}
        )

    def flat(self) -> Array:
        """All numbers in one row, in the order of the fields; `filled` reads them."""
        return np.concatenate([array.ravel() for array in _arrays(self)])

    def filled(self, numbers: Array) -> Self:
        """A state of this one's shape, with the numbers that `flat` gave, bit for bit.

        Raises ValueError where there are more or fewer of them, or one is not finite.
        """
        state, rest = _filled(self, numbers)
        if rest.size or not np.isfinite(numbers).all():
            raise ValueError("these are not the numbers of such a state")
        return state


def _arrays(state: State) -> Iterator[Array]:
    for value in vars(state).values():
        if isinstance(value, State):
            yield from _arrays(value)
        else:
            yield value


def _filled(like: S, numbers: Array) -> tuple[S, Array]:
    """A state with the first of the numbers, and the others."""
    parts: dict[str, State | Array] = {}
    for name, value in vars(like).items():
        if isinstance(value, State):
            parts[name], numbers = _filled(value, numbers)
        else:
            parts[name], numbers = numbers[: value.size].reshape(value.shape), numbers[value.size :]
    return type(like)(**parts), numbers


_KINDS: dict[type, Mapping[str, Any]] = {}
"""The types of each record's fields, which take long to find out."""


def _plain(value: State | Array) -> Any:
    return value.to_json() if isinstance(value, State) else value.tolist()


def _read(kind: Any, name: str, data: Mapping[str, Any]) -> State | Array:
    if name not in data:
        raise ValueError(f"the state has no {name}")
    if isinstance(kind, type) and issubclass(kind, State):
        return kind.from_json(data[name])
    try:
        array = np.asarray(data[name], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} in the state is no array of numbers") from error
    if not np.isfinite(array).all():
        raise ValueError(f"{name} in the state is not finite")
    return array


def floored(value: Array) -> Array:
    """The value, rounded down to a multiple of `GRAIN`: evidence may lose by it, never gain."""
    return np.floor(value / GRAIN) * GRAIN
