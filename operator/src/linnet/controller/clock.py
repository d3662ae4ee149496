"""The only place that reads the clock, and whose clock counts."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

log = logging.getLogger(__name__)

SECOND = timedelta(seconds=1)
TOLERANCE = SECOND
"""What this machine's clock may differ by before it is put right."""


def now() -> datetime:
    """The present moment by this machine, in UTC, in the milliseconds that status keeps."""
    return _in_milliseconds(datetime.now(UTC))  # noqa: TID251 - here, and only here


def _in_milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def monotonic() -> float:
    """Seconds on a clock that nobody sets."""
    return time.monotonic()


class SharedClock:
    """The API server's time, as the Date of its answers tells it.

    Times in a status, and when a deletion was asked for, then mean the same to every replica,
    also to one on a machine whose clock is wrong.
    """

    def __init__(self, own: Callable[[], datetime] = now) -> None:
        self._own = own
        self._off = timedelta()

    def now(self) -> datetime:
        """The present moment, as the function `now` gives it."""
        return _in_milliseconds(self._own() + self._off)

    def ask(self) -> Callable[[str], None]:
        """Note that a request begins; what is given takes the Date of its answer.

        A text that is no date (RFC 9110) is ignored.
        """
        asked = self._own()

        def answered(date: str) -> None:
            try:
                told = parsedate_to_datetime(date)
            except ValueError:
                return
            # True, but for the part of a second, at some moment between question and answer.
            self._correct(told - self._own(), told + SECOND - asked)

        return answered

    def _correct(self, least: timedelta, most: timedelta) -> None:
        """Take in that this machine is behind by no less and no more than this.

        One answer leaves a second open; many, at other parts of a second, leave little.
        """
        if self._off:
            self._off = min(max(self._off, least), most)
        elif not least - TOLERANCE <= self._off <= most + TOLERANCE:
            self._off = (least + most) / 2
            seconds = self._off.total_seconds()
            log.warning("This machine's clock differs from the API server's by %.0f s", -seconds)
