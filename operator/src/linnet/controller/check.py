"""`linnet check`: what `helm test` asks of an installation."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

import aiohttp

from linnet.providers.errors import ApiError
from linnet.providers.kubernetes import CANARYRELEASES, KubernetesClient

Connect = Callable[[], Awaitable[KubernetesClient]]


async def check(
    url: str,
    timeout_seconds: float,
    namespace: str = "",
    connect: Connect = KubernetesClient.connect,
) -> int:
    """Ask the API server for the resource's kind and the operator for its readiness.

    namespace: the only one that the operator may look at; empty for all of them.

    Prints a line for each; returns 0 if both are well, else 1.
    """
    results = await asyncio.gather(
        _kind_known(connect, namespace), _operator_ready(url, timeout_seconds)
    )
    return 0 if all(results) else 1


async def _kind_known(connect: Connect, namespace: str) -> bool:
    client = await connect()
    try:
        await client.list(CANARYRELEASES, namespace)
    except ApiError as error:
        return _say(False, f"CanaryRelease: {error}")
    finally:
        await client.close()
    return _say(True, "CanaryRelease is known to the API server")


async def _operator_ready(url: str, timeout_seconds: float) -> bool:
    problem = ""
    try:
        async with asyncio.timeout(timeout_seconds), aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"{url}/readyz") as answer:
                        if answer.status == 200:
                            return _say(True, "The operator is ready")
                        problem = await answer.text()
                except aiohttp.ClientError as error:
                    problem = str(error)
                await asyncio.sleep(1)
    except TimeoutError:
        return _say(False, f"The operator is not ready: {problem.strip()}")


def _say(good: bool, text: str) -> bool:
    sys.stdout.write(f"{'ok  ' if good else 'FAIL'} {text}\n")
    return good
