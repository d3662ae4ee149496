"""The CRD, the chart's copy of it, and its reference page, from the pydantic models."""

import yaml

from hack.crd_reference import reference
from linnet.api.crd import custom_resource_definition

CRD = "crds/linnet.dev_canaryreleases.yaml"
CHART = "charts/linnet-operator/files/crds/canaryreleases.yaml"
REFERENCE = "docs/reference/canaryrelease.md"
HEADER = "# Generated from operator/src/linnet/api by `make verify`. Do not edit.\n"


def generate() -> dict[str, str]:
    """The text of each file, by its path in the repository."""
    crd = custom_resource_definition()
    text = HEADER + yaml.safe_dump(crd, sort_keys=False, width=98, allow_unicode=True)
    return {CRD: text, CHART: text, REFERENCE: reference(crd)}
