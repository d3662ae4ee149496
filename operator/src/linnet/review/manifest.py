"""What the API server would refuse in a manifest, as far as it can be told without one."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, get_args

from pydantic import BaseModel

from linnet.api.spec import CanaryReleaseSpec
from linnet.core.catalog import contradiction
from linnet.core.queries import UnknownVariable, questions


def refused(written: Mapping[str, Any], spec: CanaryReleaseSpec) -> tuple[str, ...]:
    """Each reason with the field and the remedy. written: the spec as it was in the file."""
    return (*unknown(written, CanaryReleaseSpec, "spec"), *_steps(spec), *_metrics(spec))


def unknown(written: Any, model: type[BaseModel], path: str) -> Iterator[str]:
    """Fields that no model has: a typing error would otherwise be a default."""
    if not isinstance(written, Mapping):
        return
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    for name, value in written.items():
        if name not in fields:
            there = ", ".join(fields)
            yield f"{path}.{name}: is no field: there are {there}"
            continue
        inner = next(_models(fields[name].annotation), None)
        if inner is not None and isinstance(value, list):
            for number, each in enumerate(value):
                yield from unknown(each, inner, f"{path}.{name}[{number}]")
        elif inner is not None:
            yield from unknown(value, inner, f"{path}.{name}")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _steps(spec: CanaryReleaseSpec) -> Iterator[str]:
    weights = [step.weight for step in spec.steps]
    if weights[-1] != 100:
        yield "spec.steps: must end with weight 100: add a last step with weight 100"
    if any(after <= before for before, after in pairwise(weights)):
        yield "spec.steps: must rise: give each step a greater weight than the one before"


def _metrics(spec: CanaryReleaseSpec) -> Iterator[str]:
    for number, metric in enumerate(spec.analysis.metrics):
        if (metric.use is None) == (metric.query is None):
            yield (
                f"spec.analysis.metrics[{number}]: has either use (a ready-made check) or query "
                "(own PromQL): set exactly one"
            )
        limit = metric.rollback
        limited = limit is not None and (limit.above is not None or limit.below is not None)
        if metric.query is not None and (metric.name is None or not limited):
            yield (
                f"spec.analysis.metrics[{number}]: a query needs a name and a limit: set name, and "
                "rollback.above or rollback.below"
            )
    if text := contradiction(spec.analysis):
        yield f"spec.analysis.metrics: {text}"
    try:
        questions(spec, "default", "release")
    except UnknownVariable as error:
        yield f"spec.analysis.metrics: {error}"
