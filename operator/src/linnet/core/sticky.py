"""How a user is told from another: by a cookie that the gateway sets, or by a header.

Both put users into an order that is kept for a whole release, so that a rising weight only ever
moves users from stable to the canary.

A header carries the place itself: a bucket from 0 to 99. Those below the weight get the canary.

A cookie is drawn at a user's first request, in proportion to the steps: it says at which weight
its user joins the canary. At weight 5 of steps 5, 50 and 100 that is "50" for 45 % of the users
and "100" for 50 %; the other 5 % get the canary at once, and "0". Nothing is ever drawn again, so
at each step the share of users is the weight. Each answer of the canary says "0", which holds at
any weight: also for a replica of the gateway that has not heard of the present one yet. The
cookie names the release too: what was set by an earlier one says nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from linnet.api.spec import CanaryReleaseSpec, HeaderMatchType
from linnet.api.status import CanaryReleaseStatus

Match = Mapping[str, Any]
Ref = Mapping[str, Any]

SET_COOKIE = "Set-Cookie"
MODIFIER = "ResponseHeaderModifier"
JOINED = 0
"""On the stamp of a user who has seen the canary."""
_ADDED = "responseHeaderModifier"


@dataclass(frozen=True)
class CookiePins:
    """Users told apart by a cookie.

    max_age: seconds. release: a text that no other release of the route has. steps: the weights,
    rising, in percent.
    """

    name: str
    max_age: int
    release: str
    steps: tuple[int, ...]
    header = "Cookie"

    def on_canary(self, weight: int) -> list[Match]:
        """The header matches of users who have joined the canary at this weight or before."""
        return [self._match(f"({_any_of(range(JOINED, weight + 1))})")]

    def on_stable(self) -> list[Match]:
        """The header matches of all other users who have been seen, where those come first."""
        return [self._match("[0-9]+")]

    def owns(self, match: Match) -> bool:
        """Whether a header match is one of these, of any release."""
        return is_header(match, self.header) and str(match["value"]).startswith(self._begin)

    def stamp(self, ref: Ref, weight: int) -> dict[str, Any]:
        """The backend, telling its users at which weight they join the canary."""
        filters = [dict(each) for each in ref.get("filters") or ()]
        ours = next((each for each in filters if each["type"] == MODIFIER), None)
        if ours is None:
            ours = {"type": MODIFIER, _ADDED: {}}
            filters.append(ours)
        added = [*(ours[_ADDED].get("add") or ()), {"name": SET_COOKIE, "value": self._set(weight)}]
        ours[_ADDED] = {**ours[_ADDED], "add": added}
        return {**ref, "filters": filters}

    def unstamp(self, ref: Ref) -> tuple[dict[str, Any], int | None]:
        """The backend without its stamp, and the weight on it; None if it has none."""
        weight: int | None = None
        filters: list[dict[str, Any]] = []
        for each in ref.get("filters") or ():
            added = (each.get(_ADDED) or {}).get("add") or ()
            kept = [header for header in added if not self._is_stamp(header)]
            if len(kept) == len(added):
                filters.append(each)
                continue
            weight = max(self._weight(header) for header in added if self._is_stamp(header))
            rest = {key: value for key, value in each[_ADDED].items() if key != "add"}
            rest |= {"add": kept} if kept else {}
            filters += [{**each, _ADDED: rest}] if rest else []
        if weight is None:
            return dict(ref), None
        bare = {key: value for key, value in ref.items() if key != "filters"}
        return bare | ({"filters": filters} if filters else {}), weight

    @property
    def _begin(self) -> str:
        return f"^(.*; ?)?{self.name}="

    def _match(self, place: str) -> Match:
        # Anchored on both sides: some gateways compare the whole header, others look for a part.
        pattern = f"{self._begin}{self.release}-{place}(;.*)?$"
        return _header(self.header, HeaderMatchType.REGULAR_EXPRESSION, pattern)

    def _set(self, weight: int) -> str:
        value = f"{self.name}={self.release}-{weight}"
        return f"{value}; Max-Age={self.max_age}; Path=/; HttpOnly; SameSite=Lax"

    def _is_stamp(self, header: Match) -> bool:
        cookie = str(header.get("value", ""))
        return is_header(header, SET_COOKIE) and cookie.startswith(f"{self.name}=")

    def _weight(self, header: Match) -> int:
        place = str(header["value"]).partition(";")[0].rpartition("-")[2]
        return int(place) if place.isdecimal() else 0


@dataclass(frozen=True)
class HeaderPins:
    """Users told apart by a bucket from 0 to 99 in a header.

    exact: compare by one match for each bucket, else by a regular expression. steps: the weights,
    rising, in percent.
    """

    header: str
    exact: bool
    steps: tuple[int, ...]

    def on_canary(self, weight: int) -> list[Match]:
        """The header matches of the users who get the canary at this weight."""
        if self.exact:
            return [_header(self.header, HeaderMatchType.EXACT, str(n)) for n in range(weight)]
        pattern = f"^({_any_of(range(weight))})$"
        return [_header(self.header, HeaderMatchType.REGULAR_EXPRESSION, pattern)]

    def owns(self, match: Match) -> bool:
        """Whether a header match is one of these."""
        return is_header(match, self.header)


Pins = CookiePins | HeaderPins


def pins_of(spec: CanaryReleaseSpec, status: CanaryReleaseStatus) -> Pins | None:
    """How the users of the present release are told apart; None if they aren't."""
    sticky = spec.traffic.sticky
    steps = tuple(step.weight for step in spec.steps)
    if sticky is None:
        return None
    if sticky.header is not None:
        return HeaderPins(sticky.header.name, sticky.header.type is HeaderMatchType.EXACT, steps)
    if sticky.cookie is None:
        return None
    started = int(status.started_at.timestamp()) if status.started_at else 0
    return CookiePins(
        name=sticky.cookie.name,
        max_age=int(sticky.cookie.max_age.total_seconds()),
        release=f"{status.canary_revision}-{started}",
        steps=steps,
    )


def is_header(match: Match, name: str) -> bool:
    """Whether a header, or a match on one, is of this name."""
    return str(match.get("name", "")).lower() == name.lower()


def _header(name: str, kind: HeaderMatchType, value: str) -> Match:
    return {"type": kind.value, "name": name, "value": value}


def _any_of(numbers: Iterable[int]) -> str:
    return "|".join(map(str, numbers))
