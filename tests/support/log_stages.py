"""What Promtail makes of a line, as far as docs/examples/promtail.yaml asks for it. Pure."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_CRI = re.compile(r"(?P<time>\S+) (?:stdout|stderr) [FP] (?P<content>.*)")
_MATCHER = re.compile(r'(\w+)(=~|=)"([^"]*)"')
_PART = re.compile(r'"([^"]+)"|(\w+)')

Stage = Mapping[str, Any]


@dataclass
class Entry:
    """A line on its way to Loki. found: what stages have read out of it, by their names for it.

    metadata: what can be searched beside the line, without being a label.
    """

    line: str
    labels: dict[str, str]
    at: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)

    @property
    def moment(self) -> datetime:
        """The time that Loki sorts it by."""
        return datetime.fromisoformat(self.at)


def shipped(stages: Iterable[Stage], labels: Mapping[str, str], raw: str) -> Entry:
    """What arrives of a line of a container's log.

    Raises:
        ValueError: a stage can't read it, or isn't known here.
    """
    entry = Entry(raw, dict(labels))
    _run(stages, entry)
    return entry


def _run(stages: Iterable[Stage], entry: Entry) -> None:
    for stage in stages:
        ((name, options),) = stage.items()
        if name == "cri":
            _cri(entry)
        elif name == "match":
            if selects(options["selector"], entry.labels):
                _run(options["stages"], entry)
        elif name == "json":
            _json(options["expressions"], entry)
        elif name == "timestamp":
            assert options["format"] == "RFC3339Nano"
            entry.at = entry.found.get(options["source"], entry.at)
        elif name in ("labels", "structured_metadata"):
            kept = entry.labels if name == "labels" else entry.metadata
            wanted = {each: source or each for each, source in options.items()}
            kept |= {k: entry.found[v] for k, v in wanted.items() if v in entry.found}
        else:
            raise ValueError(f"no stage {name} here")


def _cri(entry: Entry) -> None:
    found = _CRI.fullmatch(entry.line)
    if found is None:
        raise ValueError(f"no line of a container runtime: {entry.line}")
    entry.at, entry.line = found["time"], found["content"]


def _json(expressions: Mapping[str, str], entry: Entry) -> None:
    content = json.loads(entry.line)
    for name, path in expressions.items():
        value = _at(content, path)
        if value is not None:
            entry.found[name] = value if isinstance(value, str) else json.dumps(value)


def _at(content: Any, path: str) -> Any:
    """What a path of names leads to, as JMESPath has them; None if there is nothing."""
    for quoted, plain in _PART.findall(path):
        content = content.get(quoted or plain) if isinstance(content, dict) else None
    return content


def selects(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether a selector of streams, with = and =~, is about these labels."""
    return all(
        labels.get(name, "") == value
        if how == "="
        else re.fullmatch(value, labels.get(name, "")) is not None
        for name, how, value in _MATCHER.findall(selector)
    )
