"""Access control of the server: host, origin, token, and bounded bodies."""

from __future__ import annotations

import hmac
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

MOST_UPLOAD_BYTES = 32 << 20


class Guard:
    """Wraps an application.

    A page of another site cannot name our host (DNS rebinding), send its own origin, or have the token. The page's own
    files carry no secret and need none.

    Args:
        app: what is guarded.
        token: that everything under /api needs, as `?token=` or in the header X-Token.
        hosts: values that the header Host may have.
        most: bytes of a request's body.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: frozenset[str], most: int) -> None:
        self.app, self.token, self.hosts, self.most = app, token, hosts, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refused = self._refused(scope, headers)
        if refused is not None:
            status, text = refused
            await _answer(send, status, text)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        await self.app(scope, self._bounded(receive), with_headers)

    def _refused(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "").lower()
        if host not in self.hosts:
            return 421, "this server does not answer to that host"
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
            return 403, "requests of other pages are not answered"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self.most:
            return 413, f"at most {self.most >> 20} MiB are taken"
        if scope["path"] == "/api" or scope["path"].startswith("/api/"):
            query = parse_qs(scope["query_string"].decode("latin-1"))
            given = headers.get("x-token") or query.get("token", [""])[0]
            if not hmac.compare_digest(given.encode(), self.token.encode()):
                return 401, "the token is missing or wrong: open the address that symbolic-music studio printed"
        return None

    def _bounded(self, receive: Receive) -> Receive:
        """Bodies that say nothing of their length are bounded too."""
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            if message["type"] == "http.request":
                taken += len(message.get("body", b""))
                if taken > self.most:
                    raise ValueError("the body is too large")
            return message

        return bounded


async def _answer(send: Send, status: int, text: str) -> None:
    import json

    body = json.dumps({"error": text}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
