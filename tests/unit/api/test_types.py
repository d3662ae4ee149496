"""Durations and times: how they are written, and that nothing is lost."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from linnet.api.types import (
    DURATION_LENGTH,
    DURATION_PATTERN,
    Duration,
    Model,
    Time,
    format_duration,
    parse_duration,
)

LONGEST = timedelta(hours=99_999, minutes=59, seconds=59, milliseconds=999)
MILLISECOND = timedelta(milliseconds=1)


class Record(Model):
    span: Duration = timedelta(seconds=30)
    moment: Time = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0s", timedelta()),
        ("500ms", timedelta(milliseconds=500)),
        ("30s", timedelta(seconds=30)),
        ("5m", timedelta(minutes=5)),
        ("24h", timedelta(hours=24)),
        ("1h30m", timedelta(minutes=90)),
        ("1h1m1s1ms", timedelta(hours=1, minutes=1, seconds=1, milliseconds=1)),
        ("1m5ms", timedelta(minutes=1, milliseconds=5)),
    ],
)
def test_reads_and_writes(text: str, value: timedelta) -> None:
    assert parse_duration(text) == value
    assert format_duration(value) == text


@pytest.mark.parametrize(("text", "normal"), [("90s", "1m30s"), ("30m1h", "1h30m"), ("0h", "0s")])
def test_writes_the_normal_form(text: str, normal: str) -> None:
    assert format_duration(parse_duration(text)) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "30",
        "s",
        "-5s",
        "+5s",
        "1.5s",
        " 5m",
        "5m\n",
        "1d",
        "5M",
        "٣s",
        "PT5S",
        "100000s",
        "1s" * 5,
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as 30s"):
        parse_duration(text)
    with pytest.raises(ValidationError):
        Record.model_validate({"span": text})


@given(st.timedeltas(min_value=timedelta(), max_value=LONGEST))
def test_round_trip_to_the_millisecond(value: timedelta) -> None:
    text = format_duration(value)
    assert abs(parse_duration(text) - value) <= MILLISECOND / 2
    assert format_duration(parse_duration(text)) == text


@given(st.integers(min_value=0, max_value=LONGEST // MILLISECOND))
def test_what_is_written_is_accepted_by_the_schema(milliseconds: int) -> None:
    text = format_duration(milliseconds * MILLISECOND)
    assert re.fullmatch(DURATION_PATTERN, text)
    assert len(text) <= DURATION_LENGTH
    assert parse_duration(text) == milliseconds * MILLISECOND


@given(st.from_regex(DURATION_PATTERN, fullmatch=True, alphabet="0123456789hms"))
def test_what_the_schema_accepts_can_be_read(text: str) -> None:
    assert len(text) <= DURATION_LENGTH
    assert parse_duration(text) >= timedelta()


@given(
    st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants it naive
    st.integers(min_value=0, max_value=LONGEST // MILLISECOND),
)
def test_a_record_round_trips_through_json(moment: datetime, milliseconds: int) -> None:
    record = Record(span=milliseconds * MILLISECOND, moment=moment)
    assert Record.model_validate_json(record.model_dump_json(by_alias=True)) == record


def test_times_are_written_in_milliseconds_with_their_zone() -> None:
    record = Record(moment=datetime(2026, 3, 1, 12, 0, 0, 123_999, tzinfo=UTC))
    assert record.model_dump(mode="json")["moment"] == "2026-03-01T12:00:00.123Z"
    east = record.moment.astimezone(timezone(timedelta(hours=2)))
    assert Record.model_validate(Record(moment=east).model_dump(mode="json")) == record


def test_a_time_needs_its_zone() -> None:
    with pytest.raises(ValidationError, match="a time needs its zone"):
        Record.model_validate({"moment": "2026-03-01T12:00:00"})
