"""The OpenAPI document of the HTTP API, made from its routes and their models."""

from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from linnet.api.http import Problem
from linnet.server.call import Route
from linnet.server.problems import CONTENT_TYPE
from linnet.server.routes import LIVE, ROUTES

Schema = dict[str, Any]
VERSION = "2"
"""Of the API. The program's own is not known in its image, which has no distribution's metadata."""
TEXTS = ("text/html", "text/markdown")
REF = "#/components/schemas/{model}"


@cache
def document() -> Schema:
    """OpenAPI 3.1. It is made once, as it takes a third of a second; nobody may change it."""
    answers = {route.answer for route in ROUTES} | {Problem}
    bodies = {route.body for route in ROUTES if route.body is not None}
    modes = [(each, "serialization") for each in sorted(answers, key=lambda each: each.__name__)]
    modes += [(each, "validation") for each in sorted(bodies, key=lambda each: each.__name__)]
    _, schemas = models_json_schema(modes, ref_template=REF)  # type: ignore[arg-type]
    paths: Schema = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Linnet", "version": VERSION},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas["$defs"],
        },
    }


def _operation(route: Route) -> Schema:
    forms = ("text/event-stream",) if route.path == LIVE else route.forms
    found: Schema = {
        "operationId": "-".join(route.path.strip("/").replace("{", "").replace("}", "").split("/")),
        "summary": route.told,
        "description": f"Takes the verb `{route.verb}` on canaryreleases.linnet.dev.",
        "responses": {
            "200": {
                "description": "Done.",
                "content": {form: _form(form, route.answer) for form in forms},
            },
            "default": {
                "description": "Not carried out, and why.",
                "content": {CONTENT_TYPE: _schema(Problem)},
            },
        },
    }
    named = [name for name in ("namespace", "name") if f"{{{name}}}" in route.path]
    text: Schema = {"type": "string"}
    parameters: list[Schema] = [
        {"name": name, "in": "path", "required": True, "schema": text} for name in named
    ]
    if route.method == "GET" and not named:
        parameters = [{"name": "namespace", "in": "query", "schema": text}]
    for name, values in route.query.items():
        one_of = {"enum": list(values)} if values else {}
        parameters.append({"name": name, "in": "query", "schema": text | one_of})
    if parameters:
        found["parameters"] = parameters
    if route.body is not None:
        content = {"application/json": _schema(route.body)}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _form(form: str, model: type) -> Schema:
    return {"schema": {"type": "string"}} if form in TEXTS else _schema(model)


def _schema(model: type) -> Schema:
    return {"schema": {"$ref": REF.format(model=model.__name__)}}
