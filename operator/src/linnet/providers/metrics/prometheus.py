"""Prometheus, asked by `prometheus_api_client` in threads of its own.

The library waits for ever, repeats failed requests silently, and drops the server's `warnings`, so
that a partial answer looks like a whole one. Here each request has a time-out and is made once,
and `AnswerCheck`, which sees each answer before the library does, refuses what must not reach a
verdict.
"""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, TypeVar

import requests
import urllib3
from prometheus_api_client import PrometheusConnect
from requests.auth import AuthBase
from urllib3.util.retry import Retry

from linnet.core.observed import Sample, Table
from linnet.core.series import Matrix, Series
from linnet.providers.metrics.answer import AnswerCheck, Refused
from linnet.providers.telemetry import QUERIES, QUERY_SECONDS

THREADS = 8

T = TypeVar("T")


class Prometheus:
    """Answers instant queries with one number.

    token_file: a bearer token, read for each request, since projected tokens rotate.
    ca_file: certificates to trust instead of the system's.
    """

    def __init__(
        self, url: str, timeout_seconds: float = 5.0, token_file: str = "", ca_file: str = ""
    ) -> None:
        self._url = url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="prometheus")
        self._library = PrometheusConnect(
            self._url,
            session=_session(timeout_seconds, ca_file),
            retry=Retry(0, read=False),  # False: a time-out is told as one
            auth=_BearerToken(Path(token_file)) if token_file else None,
            timeout=timeout_seconds,
        )

    async def query(self, promql: str) -> Sample:
        """Evaluate an instant query now; see `MetricsProvider.query`.

        A query that waits for a free thread, or whose answer trickles in, ends as an error after
        twice the time-out.
        """
        try:
            return await self._ask_in_time(promql, _sample)
        except Refused as error:
            return Sample(error=str(error))

    async def table(self, promql: str, by: Sequence[str]) -> Table:
        """Evaluate an instant query now, row by row; see `MetricsProvider.table`."""
        try:
            return await self._ask_in_time(promql, partial(_table, by=by))
        except Refused as error:
            return Table(error=str(error))

    async def series(self, promql: str, at: datetime) -> Matrix:
        """Evaluate a range selector at a moment; see `MetricsProvider.series`."""
        try:
            return await self._ask_in_time(promql, _matrix, time=str(at.timestamp()))
        except Refused as error:
            return Matrix(error=str(error))

    async def instant(self, promql: str) -> Matrix:
        """Evaluate an instant query now; see `MetricsProvider.instant`."""
        try:
            return await self._ask_in_time(promql, _vector)
        except Refused as error:
            return Matrix(error=str(error))

    async def close(self) -> None:
        """Release the connections; a request under way ends by its time-out."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._library.close()

    async def _ask_in_time(self, promql: str, read: Callable[[Any], T], **params: str) -> T:
        loop = asyncio.get_running_loop()
        ask = partial(self._ask, promql, read, params)
        outcome = "refused"
        try:
            with QUERY_SECONDS.time():
                async with asyncio.timeout(2 * self._timeout_seconds):
                    answer = await loop.run_in_executor(self._threads, ask)
            outcome = "answered"
        except TimeoutError:
            raise self._refused("did not answer in time") from None
        finally:
            QUERIES.labels(outcome).inc()
        return answer

    def _ask(self, promql: str, read: Callable[[Any], T], params: Mapping[str, str]) -> T:
        """What `read` makes of the answer's `result`, already checked to be whole.

        Raises:
            Refused: there is none that may be used; the text is for people.
        """
        params = {**params, "timeout": f"{math.ceil(self._timeout_seconds)}s"}
        try:
            return read(self._library.custom_query(promql, params=params))
        except Refused as error:
            raise self._refused(str(error)) from error
        except requests.Timeout:
            raise self._refused(f"did not answer within {self._timeout_seconds:g} s") from None
        except requests.ConnectionError:
            # Not in its own words: they name an object's address, another one each time.
            raise self._refused("can't be reached") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._refused(f"gave no usable answer ({type(error).__name__})") from error
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise self._refused("gave an answer of an unknown form") from error

    def _refused(self, what: str) -> Refused:
        return Refused(f"Prometheus at {self._url} {what}")


class _BearerToken(AuthBase):
    """Adds the token as the file has it at that moment."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        try:
            token = self._file.read_text().strip()
        except OSError:
            raise Refused(f"can't be asked: token file {self._file} can't be read") from None
        request.headers["Authorization"] = f"Bearer {token}"
        return request


def _session(timeout_seconds: float, ca_file: str) -> requests.Session:
    """A session that several threads may share: it keeps no cookies and reads no environment."""
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.trust_env = False  # neither proxies nor ~/.netrc: what is asked is what was configured
    session.verify = ca_file or True
    session.stream = True  # so that the check reads the body, and stops where it is too large
    session.hooks["response"] = [AnswerCheck(timeout_seconds)]
    return session


def _sample(result: Any) -> Sample:
    """One number out of an answer's `result`."""
    if result and not isinstance(result[0], dict):
        return Sample(_number(result[1]))
    if result and "values" in result[0]:
        return Sample(error="the query gave a range of values instead of one number")
    if len(result) > 1:
        return Sample(
            error=f"the query gave {len(result)} series instead of one: aggregate with sum(...)"
        )
    if not result:
        return Sample()
    if "value" not in result[0]:
        return Sample(
            error="the query gave a histogram instead of a number: use histogram_quantile(...)"
        )
    return Sample(_number(result[0]["value"][1]))


def _table(result: Any, by: Sequence[str]) -> Table:
    """Rows out of an answer's `result`."""
    rows = {
        tuple(series["metric"].get(label, "") for label in by): _number(series["value"][1])
        for series in result
    }
    if len(rows) < len(result):
        return Table(error=f"the query gave several series with the same {', '.join(by)}")
    return Table(rows)


def _matrix(result: Any) -> Matrix:
    """Series out of an answer's `result`."""
    return Matrix(
        tuple(
            Series(
                each["metric"],
                tuple((float(moment), float(value)) for moment, value in each["values"]),
            )
            for each in result
        )
    )


def _vector(result: Any) -> Matrix:
    """Series with one value each out of an answer's `result`."""
    series = ((each["metric"], each["value"]) for each in result)
    return Matrix(
        tuple(Series(labels, ((float(at), float(value)),)) for labels, (at, value) in series)
    )


def _number(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None
