"""What is in each image, as CycloneDX: `python -m hack.sbom` writes out/sbom/NAME.cdx.json.

Named are the packages as installed, with their licences; the lock has the hash of each. The
interpreter and the libraries of the base image are one component.
"""

import email.parser
import json
import re
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hack.cluster.images import PROGRAMS, Program, packages
from hack.cluster.run import ClusterError, sh
from hack.cluster.versions import PYTHON
from hack.environment import program as tool
from hack.images import NAMES
from hack.version import version

OUT = Path("out/sbom")
SPEC = "1.6"
JUDGE = """\
import pathlib, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(pathlib.Path(sys.argv[1]).read_text())
sys.exit(f"{sys.argv[1]}: {fault}" if fault else 0)
"""

Json = dict[str, Any]


def main() -> int:
    """Write a bill for each image, and hold it against the schema; 1 if it breaks it."""
    try:
        for each in PROGRAMS:
            sys.stdout.write(f"{written(each, OUT)}\n")
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def written(program: Program, target: Path) -> Path:
    """The file of a program's bill.

    Raises:
        ClusterError: it isn't valid CycloneDX.
    """
    target.mkdir(parents=True, exist_ok=True)
    file = target / f"{NAMES[program.part].replace('/', '-')}-{version()}.cdx.json"
    installed = list(distributions(packages(program)))
    told = bill(NAMES[program.part], version(), installed)
    file.write_text(json.dumps(told, indent=1) + "\n")
    sh(tool("security", "python"), "-c", JUDGE, file, timeout=300)
    return file


def distributions(folder: Path) -> Iterator[dict[str, str]]:
    """Name, version and licence of each package that is installed in a folder."""
    for file in sorted(folder.glob("*.dist-info/METADATA")):
        about = email.parser.Parser().parsestr(file.read_text(), headersonly=True)
        licence = about["License-Expression"] or about["License"] or _classified(about)
        yield {
            "name": re.sub(r"[-_.]+", "-", about["Name"]).lower(),
            "version": about["Version"],
            "licence": licence.strip().splitlines()[0] if licence.strip() else "",
        }


def _classified(about: Any) -> str:
    told = (each for each in about.get_all("Classifier", ()) if each.startswith("License ::"))
    return next((each.rpartition(" :: ")[2] for each in told), "")


def bill(name: str, number: str, installed: list[dict[str, str]]) -> Json:
    """The bill of materials; the same input gives the same text."""
    root = f"pkg:oci/{name.rpartition('/')[2]}@{number}"
    components = [_component(each) for each in installed]
    components.append(
        {"type": "platform", "bom-ref": "base", "name": "python", "version": PYTHON,
         "description": "interpreter and shared libraries of the base image"}
    )  # fmt: skip
    told = {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "version": 1,
        "metadata": {
            "component": {"type": "container", "bom-ref": root, "name": name, "version": number}
        },
        "components": components,
        "dependencies": [{"ref": root, "dependsOn": [each["bom-ref"] for each in components]}],
    }
    told["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(told))}"
    return told


def _component(package: dict[str, str]) -> Json:
    url = f"pkg:pypi/{package['name']}@{package['version']}"
    told: Json = {"type": "library", "bom-ref": url, "purl": url}
    told |= {"name": package["name"], "version": package["version"]}
    licence = package["licence"]
    return told | ({"licenses": [{"license": {"name": licence}}]} if licence else {})


if __name__ == "__main__":
    sys.exit(main())
