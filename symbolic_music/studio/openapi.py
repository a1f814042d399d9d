"""The API as an OpenAPI 3.1 document, from the models that validate requests."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import symbolic_music
from symbolic_music.studio.exports import KINDS
from symbolic_music.studio.session.hand_edits import Changes
from symbolic_music.studio.session.model_edits import EditRequest
from symbolic_music.studio.session.requests import Chords, Go, Kept, Named, View

_ONE = "/api/sessions/{session}"
_BODIES: tuple[type[BaseModel], ...] = (Changes, Go, Named, Chords, View, EditRequest, Kept)
_JSON = "application/json"
# (method, path, summary, body, query parameters, status, media type)
_PATHS: tuple[tuple[str, str, str, type[BaseModel] | str | None, tuple[str, ...], int, str], ...] = (
    ("get", "/api", "Name and version.", None, (), 200, _JSON),
    ("get", "/api/models", "The models that may be asked, with licence and data.", None, (), 200, _JSON),
    ("get", "/api/examples", "Pieces to begin with.", None, (), 200, _JSON),
    ("post", "/api/examples/{name}", "Open one of them as a new session.", None, (), 201, _JSON),
    ("get", "/api/sessions", "All sessions, the one last changed first.", None, (), 200, _JSON),
    ("post", "/api/sessions", "A new session from the bytes of a MIDI, MusicXML, ABC, kern or MEI file; an empty body "
     "for an empty piece.", "application/octet-stream", ("name",), 201, _JSON),
    ("get", _ONE, "A session: its states, the current one, its newest edit.", None, (), 200, _JSON),
    ("get", _ONE + "/score", "The piece in a state: notes by columns, tracks, maps.", None, ("state",), 200, _JSON),
    ("post", _ONE + "/changes", "Edit by hand; makes a state.", Changes, (), 201, _JSON),
    ("post", _ONE + "/go", "Undo, redo, or go to a state.", Go, (), 200, _JSON),
    ("post", _ONE + "/name", "Name a state.", Named, (), 200, _JSON),
    ("post", _ONE + "/chords", "Write the chord lane; null estimates it again.", Chords, (), 200, _JSON),
    ("post", _ONE + "/view", "The view of the page.", View, (), 200, _JSON),
    ("post", _ONE + "/edits", "Ask the model for an edit, which begins to be drawn.", EditRequest, (), 202, _JSON),
    ("get", _ONE + "/edits/{edit}", "An edit: its request (wish), seed, status, alternatives.", None, (), 200, _JSON),
    ("get", _ONE + "/edits/{edit}/events", "Server-sent events: start, notes (alternative, track, onset, duration, "
     "pitch, velocity in ticks), done, cancelled, failed.", None, (), 200, "text/event-stream"),
    ("post", _ONE + "/edits/{edit}/cancel", "Stop drawing.", None, (), 200, _JSON),
    ("post", _ONE + "/edits/{edit}/keep", "Make a state of one alternative, or of stretches of several.", Kept, (),
     201, _JSON),
    ("get", _ONE + "/edits/{edit}/alternatives/{which}", "The piece with an alternative.", None, (), 200, _JSON),
    ("get", _ONE + "/sound", "Raw samples (16 bits, stereo, 44.1 kHz, little endian) while they are made.", None,
     ("state", "edit", "alternative", "from", "to", "silent", "volumes", "synth"), 200, "audio/L16"),
    ("get", _ONE + "/files/{kind}", f"A file to save: {', '.join(KINDS)}. Ranges of bytes may be asked for.", None,
     ("state", "synth"), 200, "application/octet-stream"),
    ("get", "/api/note", "One note as raw samples.", None, ("instrument", "pitch", "velocity", "seconds"), 200,
     "audio/L16"),
)  # fmt: skip


@cache
def document() -> dict[str, Any]:
    """The document."""
    _, schemas = models_json_schema(
        [(body, "validation") for body in _BODIES], ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for method, path, summary, body, query, status, media in _PATHS:
        paths.setdefault(path, {})[method] = _operation(path, summary, body, query, status, media)
    error = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "symbolic-music studio",
            "version": symbolic_music.__version__,
            "description": "Open a piece, ask a model to write into it, keep what is liked. Times are ticks.",
        },
        "paths": paths,
        "components": {
            "schemas": {**schemas["$defs"], "Error": error},
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "X-Token"}},
        },
        "security": [{"token": []}],
    }


def _operation(
    path: str, summary: str, body: type[BaseModel] | str | None, query: tuple[str, ...], status: int, media: str
) -> dict[str, Any]:
    named = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    text = {"type": "string"}
    found: dict[str, Any] = {
        "summary": summary,
        "parameters": [
            *({"name": name, "in": "path", "required": True, "schema": text} for name in named),
            *({"name": name, "in": "query", "schema": text} for name in query),
        ],
        "responses": {
            str(status): {"description": "Done.", "content": {media: {}}},
            "default": {
                "description": "What is wrong and what to do.",
                "content": {_JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    if isinstance(body, str):
        found["requestBody"] = {"content": {body: {}}}
    elif body is not None:
        reference = {"$ref": f"#/components/schemas/{body.__name__}"}
        found["requestBody"] = {"required": True, "content": {_JSON: {"schema": reference}}}
    return found
