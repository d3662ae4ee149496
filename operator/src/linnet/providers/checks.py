"""What must hold of an object before it is used. Each check raises, and says what to do."""

from linnet.core import canary
from linnet.core.labels import RELEASE, REVISION, is_own, label_value, labels_of
from linnet.core.revision import template_part, template_revision
from linnet.core.service import as_written
from linnet.providers.errors import OtherRevision, Unusable
from linnet.providers.kubernetes import Manifest, Resource


def guards(deployment: Manifest, release: str) -> bool:
    """Whether no other CanaryRelease guards this Deployment."""
    return labels_of(deployment).get(RELEASE, label_value(release)) == label_value(release)


def require_usable(
    deployment: Manifest,
    service: Manifest | None,
    service_name: str,
    release: str,
    *,
    one_service: bool = False,
) -> Manifest:
    """Return the Service, as its user wrote it, if a canary can be made beside the Deployment.

    one_service: the canary's pods are to stand behind the same Service.

    Raises:
        Unusable: it can't.
    """
    require_guarded(deployment, release)
    if service is None:
        raise Unusable(
            "ServiceMissing",
            f"Service {service_name} does not exist: create it, or set spec.traffic.service to "
            "the Service of the Deployment's pods",
        )
    if one_service:
        service = as_written(service)
    if problem := canary.problem(deployment, service, one_service=one_service):
        raise Unusable(*problem)
    return service


def require_guarded(deployment: Manifest, release: str) -> None:
    """Check that no other CanaryRelease guards this Deployment.

    Raises:
        Unusable: another one does.
    """
    if not guards(deployment, release):
        name, other = deployment["metadata"]["name"], labels_of(deployment)[RELEASE]
        raise Unusable(
            "AlreadyGuarded",
            f"Deployment {name} is guarded by CanaryRelease {other}: delete this CanaryRelease, "
            f"or the label {RELEASE} of the Deployment if {other} no longer exists",
        )


def require_ours(found: Manifest, resource: Resource, release: str) -> None:
    """Check that an object of a canary's name was made for this CanaryRelease.

    Raises:
        Unusable: it was not.
    """
    if not is_own(found, release):
        name = f"{resource.kind} {found['metadata']['name']}"
        raise Unusable(
            "NameTaken",
            f"{name} was not made for this CanaryRelease, and the canary needs its name: rename "
            "or delete it",
        )


def require_template(deployment: Manifest, revision: str) -> None:
    """Check that the Deployment's template is that of the revision that was decided on.

    Raises:
        OtherRevision: it is another by now.
    """
    present, wanted = template_revision(deployment["spec"]["template"]), template_part(revision)
    if present != wanted:
        name = deployment["metadata"]["name"]
        raise OtherRevision(f"the template of Deployment {name} is {present}, not {wanted}")


def require_replaceable(present: Manifest | None, revision: str) -> None:
    """Check that a canary that is there is of this revision and stays.

    Raises:
        OtherRevision: it is of another, or it is being deleted.
    """
    if present is None:
        return
    metadata = present["metadata"]
    other = (metadata.get("annotations") or {}).get(REVISION)
    if other != revision or metadata.get("deletionTimestamp"):
        raise OtherRevision(
            f"Deployment {metadata['name']} of revision {other} has to go before one of {revision}"
        )
