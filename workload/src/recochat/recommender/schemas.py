"""What the recommendation endpoint takes and gives."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from recochat.recommender.ranking import MAX_ITEMS

MAX_BATCH: Final = 20

Id = Annotated[str, Field(min_length=1, max_length=64)]


class RecommendationRequest(BaseModel):
    """Who asks, and what is known of them. Everything but the user is optional."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [{"user_id": "user-007", "persona": "explorer", "interests": ["jazz"]}]
        },
    )

    user_id: Id = Field(description="known if the model was trained with it; anyone else is new")
    persona: Id | None = Field(None, description="one that the model knows; left out: inferred")
    history: list[Id] = Field(
        [], max_length=50, description="ids of items that the user liked, oldest first"
    )
    interests: list[Id] = Field([], max_length=20, description="topics and tags; unknown: ignored")
    limit: int = Field(MAX_ITEMS, ge=1, le=MAX_ITEMS)


class BatchRequest(BaseModel):
    """Several requests for recommendations at once."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [{"requests": [{"user_id": "user-007"}, {"user_id": "user-008"}]}]
        },
    )

    requests: list[RecommendationRequest] = Field(min_length=1, max_length=MAX_BATCH)


class Components(BaseModel):
    """What each signal added to a score, at most its weight; together they are the score."""

    collaborative: float = Field(description="0 to 0.4 unless weighed otherwise")
    content: float = Field(description="0 to 0.4 unless weighed otherwise")
    persona: float = Field(description="0 to 0.2 unless weighed otherwise")


class Recommendation(BaseModel):
    """One recommended item."""

    item_id: str
    title: str
    topic: str
    tags: list[str]
    score: float = Field(description="0 to 1")
    reason: str
    components: Components


class RecommendationResponse(BaseModel):
    """Recommended items, best first."""

    user_id: str
    model: str = Field(description="version of the model that ranked")
    items: list[Recommendation]


class BatchResponse(BaseModel):
    """One answer for each request, in the same order, all by the same model."""

    results: list[RecommendationResponse]


class ItemView(BaseModel):
    """An item of the catalogue."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"item_id": "item-01", "title": "An evening", "topic": "music", "tags": ["jazz"]}
            ]
        }
    )

    item_id: str
    title: str
    topic: str
    tags: list[str]


class SimilarItem(ItemView):
    """An item that goes with another one."""

    score: float = Field(description="0 to 1: half by who liked both, half by words")


class SimilarResponse(BaseModel):
    """Items that go with one item, best first."""

    item_id: str
    model: str = Field(description="version of the model that ranked")
    items: list[SimilarItem]


class PersonasResponse(BaseModel):
    """The personas that a request can name."""

    model: str = Field(description="version of the model that knows them")
    personas: list[str]
