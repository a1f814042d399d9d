"""State shared by all addresses: sessions, models, and running edits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from symbolic_music.studio.session.jobs import Job, Jobs, recorded
from symbolic_music.studio.session.models import Models
from symbolic_music.studio.session.sessions import Session, Sessions


@dataclass
class Context:
    """See above."""

    sessions: Sessions
    models: Models
    jobs: Jobs = field(default_factory=Jobs)

    def session(self, request: Request) -> Session:
        """The session that an address names."""
        return self.sessions.get(request.path_params["session"])

    def edit(self, session: Session, number: int) -> dict[str, Any]:
        """The state of an edit, without the notes of its alternatives."""
        facts = recorded(session, number, drawing=self._is_drawing(session, number))
        alternatives = [{k: v for k, v in one.items() if k != "roster"} for one in facts["alternatives"]]
        return {**facts, "alternatives": alternatives}

    def _is_drawing(self, session: Session, number: int) -> bool:
        job: Job | None = self.jobs.find(session, number)
        return job is not None and job.status == "drawing"
