import pytest

from linnet.providers.attempts import CONFLICT_ATTEMPTS, again_on_conflict
from linnet.providers.errors import ApiError, Conflict, Forbidden, OtherRevision


class Write:
    """Fails so many times, and counts."""

    def __init__(self, error: ApiError, failures: int) -> None:
        self.error = error
        self.failures = failures
        self.calls = 0

    async def __call__(self) -> None:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error


async def test_a_conflict_is_met_by_another_try() -> None:
    write = Write(Conflict("changed"), CONFLICT_ATTEMPTS - 1)
    await again_on_conflict(write)
    assert write.calls == CONFLICT_ATTEMPTS


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (Conflict("changed"), CONFLICT_ATTEMPTS),
        (OtherRevision("another"), 1),
        (Forbidden(403, "Forbidden", "no"), 1),
    ],
)
async def test_it_ends(error: ApiError, calls: int) -> None:
    write = Write(error, 99)
    with pytest.raises(type(error)):
        await again_on_conflict(write)
    assert write.calls == calls
