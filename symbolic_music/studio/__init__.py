"""The studio: a piano roll in the browser over this library, its server and its sessions."""

from importlib.util import find_spec

from symbolic_music.errors import MissingExtraError

for _needed in ("starlette", "uvicorn"):
    if find_spec(_needed) is None:
        raise MissingExtraError(_needed, "studio")

from symbolic_music.studio.server import Studio, serve, studio  # noqa: E402

__all__ = ["Studio", "serve", "studio"]
