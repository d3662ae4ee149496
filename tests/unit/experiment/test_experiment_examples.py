"""What the documents show is what comes out."""

from pathlib import Path

import pytest
import yaml

from linnet.api.spec import CanaryReleaseSpec
from linnet.cli.experiments.files import written
from linnet.experiment.data import Data
from linnet.experiment.report import report

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_example_is_a_success() -> None:
    found = written(str(DOCS / "examples" / "experiment.yaml"))
    told = report(found.spec, found.data, found.data.until, found.name, found.versions)
    assert (told.result, told.found.warnings) == ("Success", ())
    assert {each.dimension for each in told.found.segments} == {"country"}
    assert len(told.found.days[0].days) == 14
    (duration,) = (each for each in told.found.readings if each.name == "duration")
    assert duration.saved > 0.2


def blocks() -> list[str]:
    text = (DOCS / "experiments.md").read_text()
    return [part.partition("```")[0] for part in text.split("```yaml\n")[1:]]


@pytest.mark.parametrize("block", blocks())
def test_the_documents_yaml_is_understood(block: str, tmp_path: Path) -> None:
    content = yaml.safe_load(block)
    if "spec" in content:
        steps = CanaryReleaseSpec.model_validate(content["spec"]).steps
        assert any(step.experiment for step in steps)
        return
    sums = {"started": "2026-11-02T00:00:00Z", "until": "2026-11-16T00:00:00Z"}
    known = {"users": {"control": 10, "treatment": 10}, "metrics": {}}
    if "adoption" in content:
        content = {"data": sums | known | {"metrics": content}}
    content.setdefault("data", sums | known)
    file = tmp_path / "experiment.yaml"
    file.write_text(yaml.safe_dump(content))
    assert isinstance(written(str(file)).data, Data)
