"""What the tools for recalls do. Loaded when one of them is called first: recall_tools.py has what an agent sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from iai_daemon.agenda.asking.changes import live_in, skip_next
from iai_daemon.agenda.asking.describe import describe_kept, stamp
from iai_daemon.agenda.asking.here import machine_zone, recall_of, this_user
from iai_daemon.agenda.asking.wishes import When, Wish, draft_of
from iai_daemon.agenda.recall import Recall, Run
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.agenda.store.recalls import Filter, Viewer
from iai_daemon.agenda.waking.call import TOKEN_VARIABLE
from iai_daemon.clock import read
from iai_daemon.config import Settings
from iai_daemon.errors import Refused, UsageError
from iai_daemon.mcp_server.own_run import OwnRun, tell_daemon
from iai_daemon.mcp_server.schemas import (
    CancelledResult,
    ConfirmedResult,
    RecallResult,
    RecallsResult,
    RunResult,
    SkippedResult,
)
from iai_daemon.paths import Home

_SESSION_VARIABLE = "CLAUDE_CODE_SESSION_ID"
_NO_SESSION = "session_id is missing: this client does not tell which session it is."


class Recalling:
    """The agenda of a home, as one agent may use it: an agent is no administrator, it sees what belongs to its user."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        who: Callable[[], str | None],
        environment: Mapping[str, str],
    ) -> None:
        opened = open_agenda(home)
        self.close: Callable[[], None] = opened.close
        self.moved: Callable[[], bool] = opened.moved
        self._agenda = opened.store
        self._run = OwnRun(opened.store)
        self._home = home
        self._settings = settings
        self._who = who
        self._environment = environment
        self._viewer = Viewer(this_user())

    def list(self, session_id: str, limit: int, *, past: bool) -> RecallsResult:
        """Of a session; of all where it is not known which one this is."""
        run = self._run.find()
        session = session_id or self._own_session(run)
        found = self._agenda.recalls(self._viewer, Filter(session_id=session, live=not past, limit=limit))
        return RecallsResult(recalls=[self._result(each) for each in found], run=self._describe(run))

    def confirm(self, token: str) -> ConfirmedResult:
        now = read().milliseconds
        proof = token or self._environment.get(TOKEN_VARIABLE, "")
        if not proof:
            raise UsageError(problem="token is missing: it stands in what you were told when you were woken.")
        run = self._agenda.confirm(proof, now)
        if run is None:
            raise Refused(problem="No run that is under way has this token: there is nothing to confirm.")
        confirmed = stamp(now if run.confirmed_at is None else run.confirmed_at)
        return ConfirmedResult(session_id=run.session_id, confirmed_at=str(confirmed))

    def cancel(self, id_: int, session_id: str) -> CancelledResult:
        now, chosen = read().milliseconds, self._chosen(id_, session_id)
        cancelled = [each.id for each in chosen if self._agenda.cancel(each.id, "cancelled by an agent", now)]
        tell_daemon(self._home)
        return CancelledResult(cancelled=cancelled, recalls=[self._again(each) for each in chosen])

    def skip(self, id_: int, session_id: str) -> SkippedResult:
        chosen = self._chosen(id_, session_id)
        if len(chosen) != 1:
            raise UsageError(problem=f"{len(chosen)} recalls are to come in the session: say the id of one.")
        skipped = skip_next(self._agenda, chosen[0], "skipped by an agent", read().milliseconds)
        tell_daemon(self._home)
        return SkippedResult(**self._again(chosen[0]).model_dump(), skipped=str(stamp(skipped)))

    def schedule(
        self, message: str, times: Mapping[str, str], zone: str, agent: str | None, session_id: str
    ) -> RecallResult:
        """`times`: one of them, under the name that the tool gives it."""
        wish = Wish(
            message=message,
            session_id=self._session_to_plan_in(session_id),
            when=When(
                zone or machine_zone() or "UTC",
                at=times.get("at"),
                after=times.get("in"),
                every=times.get("every"),
                cron=times.get("cron"),
            ),
            owner=self._viewer.user,
            agent=agent,
            made_by=f"agent {self._who() or ''}".strip(),
        )
        now = read().milliseconds
        draft, first = draft_of(wish, self._settings.agents, self._home.config, now)
        made = self._agenda.add(draft, first, now)
        tell_daemon(self._home)
        return self._result(made)

    def _chosen(self, id_: int, session_id: str) -> Sequence[Recall]:
        """The recall of this id, or what is to come in the session. One of another session is touched only by naming that."""
        session = session_id or self._own_session(self._run.find())
        if session is None:
            raise UsageError(problem=_NO_SESSION)
        if not id_:
            return live_in(self._agenda, session, self._viewer)
        found = recall_of(self._agenda, id_, self._viewer)
        if found.session_id != session:
            raise Refused(
                problem=f"Recall {found.id} is one of another session: give its session_id, too, if you mean that one."
            )
        return [found]

    def _session_to_plan_in(self, named: str) -> str:
        own = self._own_session(self._run.find())
        if own is not None and named not in ("", own):
            raise Refused(problem="An agent plans recalls for its own session only: leave session_id out.")
        if not (own or named):
            raise UsageError(problem=_NO_SESSION)
        return own or named

    def _own_session(self, run: tuple[Recall, Run] | None) -> str | None:
        """That of the run which this is part of, else what the client says."""
        return run[1].session_id if run else self._environment.get(_SESSION_VARIABLE) or None

    def _describe(self, run: tuple[Recall, Run] | None) -> RunResult | None:
        """The store keeps no token: it can be told only where the environment has it."""
        token = self._environment.get(TOKEN_VARIABLE)
        if run is None:
            return RunResult(token=token) if token else None
        recall, its = run
        return RunResult(
            recall=recall.id,
            session_id=its.session_id,
            message=recall.message,
            started_at=stamp(its.started_at),
            needs_confirmation=its.needs_confirmation,
            confirmed_at=stamp(its.confirmed_at),
            token=token,
        )

    def _again(self, recall: Recall) -> RecallResult:
        """As it is now."""
        return self._result(self._agenda.recall(recall.id))

    def _result(self, recall: Recall) -> RecallResult:
        return RecallResult.model_validate(describe_kept(self._agenda, recall))
