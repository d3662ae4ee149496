"""An experiment in a file: what is asked, and what was measured."""

from dataclasses import dataclass

from linnet.api.experiment import Experiment
from linnet.cli import files
from linnet.cli.output import BadInput
from linnet.experiment.contradictions import contradictions
from linnet.experiment.data import Data
from linnet.review.manifest import unknown

FIELDS = ("name", "versions", "experiment", "data")


@dataclass(frozen=True)
class Written:
    """An experiment as it was written."""

    name: str
    versions: tuple[str, str]
    spec: Experiment
    data: Data


def written(file: str) -> Written:
    """The experiment of a file, '-' for standard input; without `experiment`, the default one.

    Raises:
        BadInput: there is none, or it can't be used.
    """
    content = files.document(file)
    for name in content:
        if name not in FIELDS:
            raise BadInput(f"{file}: {name}: is no field: there are {', '.join(FIELDS)}")
    asked = content.get("experiment") or {}
    spec = files.parsed(Experiment, asked, file, "experiment")
    problems = [*unknown(asked, Experiment, "experiment")]
    problems += [f"experiment.{each}" for each in contradictions(spec)]
    if problems:
        raise BadInput("\n".join(f"{file}: {problem}" for problem in problems))
    try:
        data = Data.from_json(content.get("data") or {})
    except (ValueError, TypeError, AttributeError) as error:
        raise BadInput(f"{file}: data: {error}: see docs/experiments.md") from error
    versions = content.get("versions") or {}
    control, treatment = versions.get("control", "stable"), versions.get("treatment", "canary")
    return Written(
        str(content.get("name", "experiment")), (str(control), str(treatment)), spec, data
    )
