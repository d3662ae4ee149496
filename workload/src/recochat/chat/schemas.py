"""What the chat and session endpoints take and give."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from recochat.chat.engine import Source

MAX_MESSAGE_BYTES: Final = 1024

# The id is all that is needed to read a conversation, so it is long unless the caller chose it.
SessionId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
UserId = Annotated[str, StringConstraints(min_length=1, max_length=64)]


def _short(message: str) -> str:
    if len(message.encode()) > MAX_MESSAGE_BYTES:
        raise ValueError(f"a message has at most {MAX_MESSAGE_BYTES} bytes")
    return message


Message = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_MESSAGE_BYTES),
    AfterValidator(_short),
]


class ChatRequest(BaseModel):
    """One message of a person."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"message": "I like hiking"}]}
    )

    message: Message
    session_id: SessionId | None = Field(None, description="to continue; left out: a new session")
    user_id: str = Field("", max_length=64)


class Suggestion(BaseModel):
    """An item that an answer suggests."""

    item_id: str
    title: str


class ChatResponse(BaseModel):
    """The answer to one message."""

    session_id: str
    reply: str
    intent: str = Field(description="what the message was taken for")
    source: Source = Field(description="who worded it; fallback: the language model failed")
    persona: str | None = Field(description="who the person seems to be, if that can be told")
    suggestions: list[Suggestion]
    turn_count: int = Field(description="turns of this session so far, both sides")


class TurnView(BaseModel):
    """One turn that is kept."""

    role: Literal["user", "assistant"]
    text: str
    at: float = Field(description="seconds since the epoch")
    items: list[str]


class MemoryView(BaseModel):
    """What is remembered, also of turns that are kept no more."""

    name: str | None
    persona: str | None
    interests: list[str]
    suggested: list[str] = Field(description="ids of items")
    summary: str = Field(description="the same in words, as a language model is told it")


class SessionView(BaseModel):
    """A session as far as it is kept."""

    session_id: str
    created_at: float
    updated_at: float
    turn_count: int
    memory: MemoryView
    turns: list[TurnView] = Field(description="the latest turns, oldest first")


class SessionSummary(BaseModel):
    """One of a user's sessions."""

    session_id: str
    created_at: float = Field(description="seconds since the epoch")
    updated_at: float = Field(description="seconds since the epoch")
    turn_count: int


class SessionsResponse(BaseModel):
    """A user's live sessions, latest first."""

    user_id: str
    sessions: list[SessionSummary]
