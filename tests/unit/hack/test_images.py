"""Images of a release: what the engine is told."""

from pathlib import Path

from hack.cluster.engine import Engine
from hack.images import NAMES, pushed, written

CHARTS = Path(__file__).resolve().parents[3] / "charts"


class Recorder(Engine):
    """An engine that does nothing but remember."""

    def __init__(self) -> None:
        super().__init__("none", {})
        object.__setattr__(self, "calls", [])

    calls: list[tuple[str, ...]]

    def __call__(self, *argv: str | Path, timeout: float = 900) -> str:
        self.calls.append(tuple(map(str, argv)))
        return ""


def test_archives_are_named_after_their_images(tmp_path: Path) -> None:
    engine = Recorder()
    (file,) = written(engine, ["linnet/operator:0.1.0"], tmp_path)
    assert file == tmp_path / "linnet-operator-0.1.0-image.tar"
    assert engine.calls == [("save", "--output", str(file), "linnet/operator:0.1.0")]


def test_each_is_pushed_under_the_registrys_name() -> None:
    engine = Recorder()
    told = pushed(engine, ["linnet/operator:0.1.0", "recochat:0.1.0"], "localhost:5000/team")
    assert told == [
        "localhost:5000/team/linnet/operator:0.1.0",
        "localhost:5000/team/recochat:0.1.0",
    ]
    assert engine.calls[:2] == [("tag", "linnet/operator:0.1.0", told[0]), ("push", told[0])]


def test_the_names_are_those_of_the_charts() -> None:
    for chart, name in (("linnet-operator", NAMES["operator"]), ("recochat", NAMES["recochat"])):
        values = (CHARTS / chart / "values.yaml").read_text()
        assert f"\n  repository: {name}\n" in values
