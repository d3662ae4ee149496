"""From a like in the API to a model that knows it, by the commands that the documents name."""

from __future__ import annotations

from pathlib import Path

import pytest

from recochat.__main__ import main
from recochat.recommender import builtin
from recochat.recommender.artifact import load
from tests.support.recochat_stand import standing

FEEDBACK, EVENTS = "/api/v2/feedback", "/api/v2/events"


async def test_feedback_gets_into_the_next_model(
    redis_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (item.item_id for item in builtin.items()[:2])
    async with standing(redis_url) as stand:
        for item, verdict in ((first, "like"), (second, "like"), (second, "dislike")):
            body = {"user_id": "newcomer", "item_id": item, "verdict": verdict}
            assert (await stand.client.post(FEEDBACK, json=body)).status_code == 202
        shown = [{"name": "impression", "user_id": "u", "item_id": first}] * 100
        for _ in range(12):  # more than one page
            assert (await stand.client.post(EVENTS, json={"events": shown})).status_code == 202
    data, model = tmp_path / "data", tmp_path / "model"
    assert main(["export", "--redis", redis_url, "--out", str(data), "--format", "parquet"]) == 0
    assert "from 1 likes and 1 dislikes" in capsys.readouterr().out
    assert main(["train", "--data", str(data), "--out", str(model), "--no-tuning"]) == 0
    trained = load(model)
    assert trained.interactions == builtin.model().interactions + 1
    row = trained.users["newcomer"]
    assert [trained.catalog.items[n].item_id for n in trained.history(row)] == [first]


@pytest.mark.parametrize("where", [[], ["--redis", "unix:///nobody/here"]])
def test_without_a_redis_nothing_is_exported(
    where: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("RECOCHAT_REDIS_URL", raising=False)
    assert main(["export", "--out", str(tmp_path / "data"), *where]) == 1
    assert capsys.readouterr().err.startswith("recochat export: ")
    assert not (tmp_path / "data").exists()
