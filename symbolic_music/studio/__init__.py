"""The studio: a piano roll in the browser, its server and its sessions."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from symbolic_music.errors import MissingExtraError

if TYPE_CHECKING:
    from symbolic_music.studio.notebook import widget as widget
    from symbolic_music.studio.server import Studio as Studio
    from symbolic_music.studio.server import alone as alone
    from symbolic_music.studio.server import background as background
    from symbolic_music.studio.server import serve as serve
    from symbolic_music.studio.server import studio as studio

# Name -> its module, under another name than its own: importing that would hide it. The widget needs no server.
_HOMES = {
    "Studio": "server", "alone": "server", "background": "server", "serve": "server", "studio": "server",
    "widget": "notebook",
}  # fmt: skip
__all__ = ["Studio", "alone", "background", "serve", "studio", "widget"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'symbolic_music.studio' has no attribute {name!r}")
    try:
        return getattr(import_module(f"symbolic_music.studio.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name in ("starlette", "uvicorn"):
            raise MissingExtraError(error.name, "studio") from None
        raise
