"""JSON log lines with the fields of Google Cloud Logging, one line per event."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

_FIELDS = (
    "namespace",
    "release",
    "decision",
    "reason",
    "revision",
    "weight",
    "step",
    "error_class",
    "status",
    "user",
    "action",
    "outcome",
)


class JsonFormatter(logging.Formatter):
    """One JSON object per record: severity, time, message, and a release's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        line: dict[str, Any] = {
            "severity": record.levelname,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "message": record.getMessage(),
            "logger": record.name,
        }
        line.update({key: getattr(record, key) for key in _FIELDS if hasattr(record, key)})
        if record.exc_info:
            line["stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(level: str) -> None:
    """Send all logs of the process to standard output as JSON lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # kopf speaks of every event it passes on, aiohttp of every probe.
    for talkative in ("kopf", "aiohttp.access", "urllib3"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    # Two warnings of kopf's are by design here: it runs beside the main thread, and Gateway API
    # may be missing, of which a release's own status tells.
    for calm in ("kopf._core.reactor.running", "kopf._core.reactor.observation"):
        logging.getLogger(calm).setLevel(logging.ERROR)
