"""The examination: every check at once, each to its deadline, whatever becomes of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from iai_daemon.aside import Aside
from iai_daemon.clock import Stopwatch
from iai_daemon.doctor.finding import Finding, NotChecked, Verdict, fail, warn
from iai_daemon.doctor.patient import Patient
from iai_daemon.errors import IaiError

_REPORT = "report it with what `iai-daemon doctor --json` prints: this is a mistake of the doctor's"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at. `look` yields what it finds, changes nothing that lasts, and never waits for longer than `seconds`;
    what it has yielded counts also when it raises or hangs afterwards."""

    name: str
    look: Callable[[Patient], Iterator[Finding]]
    seconds: float = 3.0


def examine(patient: Patient, checks: Sequence[Check]) -> list[Finding]:
    """What they find, in their order; of each name one finding, the worst."""
    watch = Stopwatch()
    begun = [_Examination(check, patient) for check in checks]
    found: list[Finding] = []
    for each in begun:
        found += each.found(each.check.seconds - watch.seconds())
    return _one_of_each_name(found)


class _Examination:
    """One check under way."""

    def __init__(self, check: Check, patient: Patient) -> None:
        self.check = check
        self._patient = patient
        self._found: list[Finding] = []
        self._aside = Aside(self._run, f"check {check.name}")

    def _run(self) -> None:
        for each in self.check.look(self._patient):
            self._found.append(each)

    def found(self, seconds: float) -> list[Finding]:
        """What it has found within this time, and how it ended where that was not well."""
        name = self.check.name
        if not self._aside.ended(max(seconds, 0.0)):
            seen = f"the check did not end within {self.check.seconds:g} s"
            return [*self._found, fail(name, seen, "see what makes this machine or its disk so slow")]
        try:
            self._aside.result()
        except NotChecked as why:
            return [*self._found, warn(name, f"not checked: {why}", "look again when that has changed")]
        except IaiError as error:
            return [*self._found, fail(name, str(error), "as the sentence says")]
        except OSError as error:
            return [*self._found, fail(name, _of(error), "see that it is yours, and what its disk says")]
        except Exception as error:  # noqa: BLE001 -- told, with the traceback's end: a doctor that falls over tells nothing
            return [*self._found, fail(name, f"the check failed: {type(error).__name__}: {error}", _REPORT)]
        return self._found


def _of(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def _one_of_each_name(found: Iterable[Finding]) -> list[Finding]:
    """The worst of each name, the first among equals, in the order in which the names came."""
    worst: dict[str, Finding] = {}
    severity = list(Verdict)
    for each in found:
        before = worst.get(each.name)
        if before is None or severity.index(each.status) > severity.index(before.status):
            worst[each.name] = each
    return list(worst.values())
