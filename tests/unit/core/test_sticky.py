import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus
from linnet.core.sticky import CookiePins, HeaderPins, pins_of

PINS = CookiePins("linnet-shop", 3600, "7e8a1b-1767225600", (5, 50, 100))
STATUS = CanaryReleaseStatus(canary_revision="7e8a1b", started_at=datetime(2026, 1, 1, tzinfo=UTC))
REF = {"name": "shop", "port": 80, "weight": 1}
ADD_OTHER = {
    "type": "ResponseHeaderModifier",
    "responseHeaderModifier": {"add": [{"name": "X-A", "value": "1"}], "remove": ["X-B"]},
}


def matches(headers: list[Any], value: str) -> bool:
    return any(re.search(header["value"], value) for header in headers)


def cookie(weight: int, release: str = PINS.release) -> str:
    return f"linnet-shop={release}-{weight}"


@given(st.integers(1, 99), st.integers(0, 100))
def test_a_cookie_joins_the_canary_at_its_weight(weight: int, joins: int) -> None:
    assert matches(PINS.on_canary(weight), cookie(joins)) is (joins <= weight)
    assert matches(PINS.on_stable(), cookie(joins))


@pytest.mark.parametrize(
    "sent",
    [
        cookie(50),
        f"{cookie(50)}; theme=dark",
        f"theme=dark; {cookie(50)}",
        f"a=1;{cookie(50)};b=2",
        f"{cookie(50, '7e8a1b-1767220000')}; {cookie(50)}",
    ],
)
def test_a_cookie_is_found_among_others(sent: str) -> None:
    assert matches(PINS.on_canary(50), sent)


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "theme=dark",
        f"not-{cookie(0)}",
        f"{cookie(0)}x",
        cookie(0, "other-1767225600"),
        cookie(0, "7e8a1b-1767225601"),
        "linnet-shop=7e8a1b-1767225600-",
        f"theme={cookie(0)}",
    ],
)
def test_another_cookie_says_nothing(sent: str) -> None:
    assert not matches(PINS.on_canary(99), sent)
    assert not matches(PINS.on_stable(), sent)


@pytest.mark.parametrize(
    "filters",
    [None, [ADD_OTHER], [{"type": "URLRewrite", "urlRewrite": {"hostname": "h"}}, ADD_OTHER]],
)
@given(weight=st.integers(0, 100))
def test_a_stamp_comes_off_and_leaves_the_users_filters(
    filters: list[Any] | None, weight: int
) -> None:
    ref = REF if filters is None else {**REF, "filters": filters}
    stamped = PINS.stamp(ref, weight)
    assert stamped["filters"][-1]["responseHeaderModifier"]["add"][-1] == {
        "name": "Set-Cookie",
        "value": f"{cookie(weight)}; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax",
    }
    assert sum(each["type"] == "ResponseHeaderModifier" for each in stamped["filters"]) == 1
    assert PINS.unstamp(stamped) == (ref, weight)
    assert PINS.unstamp(ref) == (ref, None)


def test_a_stamp_that_was_edited_comes_off_too() -> None:
    stamped = PINS.stamp(REF, 5)
    modifier = stamped["filters"][0]["responseHeaderModifier"]
    modifier["add"][0]["value"] = "linnet-shop=mine"
    assert PINS.unstamp(stamped) == (REF, 0)


@pytest.mark.parametrize("exact", [True, False])
@given(weight=st.integers(1, 99), bucket=st.integers(0, 99))
def test_a_bucket_below_the_weight_is_the_canarys(exact: bool, weight: int, bucket: int) -> None:
    headers = HeaderPins("X-Bucket", exact, (5, 100)).on_canary(weight)
    if exact:
        found = any(header["value"] == str(bucket) for header in headers)
    else:
        found = matches(headers, str(bucket))
    assert found is (bucket < weight)
    assert {header["type"] for header in headers} == {"Exact" if exact else "RegularExpression"}
    assert {header["name"] for header in headers} == {"X-Bucket"}


@pytest.mark.parametrize("sent", ["", "00", "05", "-1", "1.0", " 1", "100", "alice"])
def test_what_is_no_bucket_is_not_the_canarys(sent: str) -> None:
    assert not matches(HeaderPins("X-Bucket", False, (5, 100)).on_canary(99), sent)


def spec(sticky: dict[str, Any] | None) -> CanaryReleaseSpec:
    return CanaryReleaseSpec.model_validate(
        {
            "targetRef": {"name": "shop"},
            "traffic": {"httpRoute": "shop", "sticky": sticky},
            "steps": [{"weight": 5}, {"weight": 50}, {"weight": 100}],
        }
    )


def test_the_spec_says_how_users_are_told_apart() -> None:
    assert pins_of(spec(None), STATUS) is None
    assert pins_of(spec({}), STATUS) is None
    given_cookie = {"cookie": {"name": "linnet-shop", "maxAge": "1h"}}
    assert pins_of(spec(given_cookie), STATUS) == PINS
    assert pins_of(spec({"header": {"name": "X"}}), STATUS) == HeaderPins("X", True, (5, 50, 100))
    regular = {"header": {"name": "X", "type": "RegularExpression"}}
    assert pins_of(spec(regular), STATUS) == HeaderPins("X", False, (5, 50, 100))


def test_the_same_version_released_again_has_cookies_of_its_own() -> None:
    sticky = spec({"cookie": {"name": "linnet-shop"}})
    assert STATUS.started_at is not None
    later = STATUS.model_copy(update={"started_at": STATUS.started_at + timedelta(seconds=60)})
    never = STATUS.model_copy(update={"started_at": None})
    pins = [pins_of(sticky, status) for status in (STATUS, later, never)]
    assert len({pin.release for pin in pins if isinstance(pin, CookiePins)}) == 3
