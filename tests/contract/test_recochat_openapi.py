"""Random requests, made up from the OpenAPI document: every answer is as the document says."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.specs.openapi.checks import positive_data_acceptance

from recochat.app import create_app
from recochat.settings import Settings

document = schemathesis.openapi.from_asgi("/openapi.json", create_app(Settings()))

# Their requests name personas or items, and which there are only the model knows.
NAMING = ("/recommendations", "/recommendations/batch", "/feedback")


@document.include(path_regex="^/api/").parametrize()
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_answers_are_as_the_document_says(case: Case[Any]) -> None:
    may_be_refused = case.operation.path.endswith(NAMING)
    answer = case.call_and_validate(
        excluded_checks=[positive_data_acceptance] if may_be_refused else []
    )
    assert answer.headers["x-correlation-id"]
