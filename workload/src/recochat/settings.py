"""What an operator can set, all by environment variables named ``RECOCHAT_…``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from recochat.recommender.model import Weights
from recochat.sessions.records import Form

PREFIX = "RECOCHAT_"

Track = Literal["stable", "canary"]


class Settings(BaseSettings):
    """The settings of one process, read once at its start and never changed.

    An empty variable counts as unset: the downward API gives "" for a label that isn't there.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        # A Redis URL may carry a password, and validation errors reach the log.
        hide_input_in_errors=True,
    )

    version: str = Field("dev", pattern=r"^[A-Za-z0-9._+-]{1,128}$")
    track: Track = "stable"

    # Not "port": a Service named recochat makes Kubernetes set RECOCHAT_PORT=tcp://… in pods.
    listen_host: str = "0.0.0.0"  # noqa: S104 - a container serves on all of its interfaces
    listen_port: int = Field(8080, ge=1, le=65535)

    redis_url: SecretStr | None = None
    redis_timeout_ms: int = Field(250, ge=1, le=10_000)
    redis_connections: int = Field(50, ge=1, le=1000)
    redis_replicas: int = Field(0, ge=0, le=5)
    session_ttl_s: int = Field(24 * 3600, ge=1)
    session_max: int = Field(20_000, ge=1)
    session_turns: int = Field(20, ge=2, le=200)
    session_form: Annotated[Form, BeforeValidator(int)] = 1

    rate_per_s: float = Field(0.0, ge=0, le=10_000)
    rate_burst: int = Field(20, ge=1, le=10_000)
    max_in_flight: int = Field(256, ge=1, le=10_000)
    max_body_bytes: int = Field(64 * 1024, ge=1024, le=10 * 1024 * 1024)

    recommendation_cache: int = Field(2048, ge=0, le=100_000)
    model_path: Path | None = None
    model_poll_s: float = Field(10.0, gt=0, le=3600)
    weight_collaborative: float = Field(0.4, ge=0, le=1)
    weight_content: float = Field(0.4, ge=0, le=1)
    weight_persona: float = Field(0.2, ge=0, le=1)

    llm: Literal["embedded", "openai", "vertex"] = "embedded"
    llm_url: str = ""
    llm_name: str = ""
    llm_api_key: SecretStr | None = None
    llm_project: str = ""
    llm_location: str = ""
    llm_timeout_ms: int = Field(1500, ge=10, le=60_000)

    experiments: str = Field("", pattern=r"^([A-Za-z0-9_.:*-]{1,64}(,|$))*$", max_length=1000)
    experiment_day_s: float = Field(24 * 3600.0, ge=1, le=24 * 3600)

    otel_endpoint: str = ""
    otel_share: float = Field(0.1, ge=0, le=1)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    google_project: str = ""

    demo_enabled: bool = False
    fault_error_share: float = Field(0.0, ge=0, le=1)
    fault_latency_ms: float = Field(0.0, ge=0, le=60_000)
    fault_leak_mb_per_s: float = Field(0.0, ge=0, le=1024)
    fault_crash_after_s: float | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _faults_need_demo(self) -> Self:
        faults = self.faults_set()
        if faults and not self.demo_enabled:
            names = ", ".join(faults)
            raise ValueError(
                f"{names}: fault switches are for demonstrations only. "
                f"Set {PREFIX}DEMO_ENABLED=true to allow them, or unset {names}."
            )
        return self

    @model_validator(mode="after")
    def _language_model_is_complete(self) -> Self:
        needed: dict[str, tuple[str, ...]] = {
            "openai": ("llm_url", "llm_name"),
            "vertex": ("llm_project", "llm_location", "llm_name"),
        }
        if missing := [variable(f) for f in needed.get(self.llm, ()) if not getattr(self, f)]:
            raise ValueError(f"{variable('llm')}={self.llm} needs {', '.join(missing)}.")
        return self

    @model_validator(mode="after")
    def _weights_are_shares(self) -> Self:
        self.weights()
        return self

    def weights(self) -> Weights:
        """The share of each signal in a recommendation's score."""
        return Weights(self.weight_collaborative, self.weight_content, self.weight_persona)

    def experiment_names(self) -> list[str]:
        """The experiments that are counted, by name or pattern."""
        return [name for name in self.experiments.split(",") if name]

    def faults_set(self) -> list[str]:
        """Names of the fault variables that would do something, in a fixed order."""
        shares = {
            "fault_error_share": self.fault_error_share > 0,
            "fault_latency_ms": self.fault_latency_ms > 0,
            "fault_leak_mb_per_s": self.fault_leak_mb_per_s > 0,
            # Zero means "at once" here, so only an absent value is off.
            "fault_crash_after_s": self.fault_crash_after_s is not None,
        }
        return [variable(name) for name, is_set in shares.items() if is_set]


def variable(field: str) -> str:
    """The environment variable that sets ``field``."""
    return PREFIX + field.upper()


def explain(error: ValidationError) -> list[str]:
    """One line per unusable setting, each naming its variable and what is expected."""
    lines = []
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        message = item["msg"].removeprefix("Value error, ")
        where = ".".join(str(part) for part in item["loc"])
        lines.append(f"{variable(where)}: {message}" if where else message)
    return lines
