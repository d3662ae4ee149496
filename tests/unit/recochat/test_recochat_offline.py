"""Files in, model and figures out: the commands that run without a service."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
import pytest

from recochat.__main__ import main
from recochat.recommender import files
from recochat.recommender.artifact import load
from recochat.recommender.files import DataError
from recochat.recommender.generator import Population, generate

TABLES = {
    "items": "item_id,title,topic,tags\na,A thing,music,jazz evening jazz\nb,B,,\n",
    "users": "user_id,persona\nu1,host\nu2,\n",
    "interactions": "user_id,item_id,timestamp,rating\nu1,a,2026-01-02T03:04:05,5\nu3,b,7,2\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in TABLES.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def test_tables_are_read(folder: Path) -> None:
    data = files.read(folder)
    assert [item.tags for item in data.items] == [("jazz", "evening"), ()]
    assert data.items[1].topic == "other"
    assert data.user_ids == ("u1", "u2", "u3")
    assert data.personas == ("host",)
    assert data.persona_of().tolist() == [0, -1, -1]
    assert data.interactions.times.tolist() == [7.0, 1767323045.0]


def test_low_ratings_can_be_left_out(folder: Path) -> None:
    assert len(files.read(folder, min_rating=4).interactions) == 1


def test_users_are_optional(folder: Path) -> None:
    (folder / "users.csv").unlink()
    data = files.read(folder)
    assert data.user_ids == ("u1", "u3")
    assert data.personas == ()


def test_parquet_is_read_as_csv_is(folder: Path) -> None:
    expected = files.read(folder)
    for name in TABLES:
        text = folder / f"{name}.csv"
        pyarrow.parquet.write_table(pyarrow.csv.read_csv(text), folder / f"{name}.parquet")
        text.unlink()
    found = files.read(folder)
    assert found.items == expected.items
    assert found.interactions.times.tolist() == expected.interactions.times.tolist()
    assert found.persona_of().tolist() == expected.persona_of().tolist()


@pytest.mark.parametrize(
    ("table", "text", "said"),
    [
        ("items", None, "neither items.csv nor items.parquet"),
        ("items", "item_id,title\n", "lacks the columns topic, tags"),
        ("items", TABLES["items"] + "a,A again,music,\n", "more than once"),
        ("interactions", "user_id,item_id,timestamp\nu1,zzz,1\n", "row 1: KeyError.'zzz'"),
        ("interactions", "user_id,item_id,timestamp\nu1,a,soon\n", "row 1: ValueError"),
    ],
)
def test_data_that_cannot_be_used_is_named(
    folder: Path, table: str, text: str | None, said: str
) -> None:
    path = folder / f"{table}.csv"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(DataError, match=said):
        files.read(folder)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    dataset = generate(3, Population(users=50, items=30, likes=8)).dataset
    files.write(dataset, tmp_path)
    again = files.read(tmp_path)
    assert again.items == dataset.items
    assert again.user_ids == dataset.user_ids
    assert again.interactions.items.tolist() == dataset.interactions.items.tolist()
    names = [again.personas[p] for p in again.persona_of()]
    assert names == [dataset.personas[p] for p in dataset.persona_of()]


def test_a_model_is_trained_and_judged_by_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    files.write(generate(3, Population(users=60, items=30, likes=10)).dataset, data)
    assert main(["train", "--data", str(data), "--out", str(tmp_path / "m"), "--no-tuning"]) == 0
    model = load(tmp_path / "m")
    assert f"model {model.version}, 30 items, 60 users" in capsys.readouterr().out
    figures = tmp_path / "figures.json"
    words = ["evaluate", "--data", str(data), "--no-tuning", "--weights", "0.5,0.3,0.2"]
    assert main([*words, "--json", str(figures)]) == 0
    assert "top-2 accuracy" in capsys.readouterr().out
    assert set(json.loads(figures.read_text())["scores"]) == {
        "ensemble", "popularity", "collaborative", "content", "persona",
    }  # fmt: skip


@pytest.mark.thorough
def test_the_built_in_data_can_be_judged_and_made_up_data_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--no-tuning"]) == 0
    assert main(["generate", "--out", str(tmp_path), "--seed", "2"]) == 0
    assert "48 items" in capsys.readouterr().out
    assert len(files.read(tmp_path).items) == 120


def test_failures_are_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--data", str(tmp_path), "--out", str(tmp_path / "m")]) == 1
    assert capsys.readouterr().err.startswith("recochat train: ")
    for words in (["train", "--out", "m", "--weights", "1,1,1"], ["evaluate", "--holdout", "2"]):
        with pytest.raises(SystemExit):
            main(words)


def test_a_model_that_cannot_be_used_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model").write_bytes(b"?")
    monkeypatch.setenv("RECOCHAT_MODEL_PATH", str(tmp_path / "model"))
    assert main(["serve"]) == 2
    assert "RECOCHAT_MODEL_PATH" in capsys.readouterr().err
