"""`timerTrigger`: a function that runs on a schedule.

Differences: when a timer ran is kept in the app's state, so that no storage is needed; several
hosts know nothing of each other, and each runs its timers. In tests of the app time does not run
timers, a test calls them. The zone is that of this machine, or the one that the setting `TZ` names.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from bindings.timer.schedule import Schedule, Zone, occurrences, parse_schedule
from bindings.timer.status import Status, Timers
from emulator.sdk import (
    MANUAL_REASON,
    BindingError,
    Datum,
    EmulatorError,
    Fire,
    Fired,
    Options,
    SettingText,
    Trigger,
)

_NEVER = "0001-01-01T00:00:00+00:00"
_MINUTE = timedelta(minutes=1)
_NAP = 60.0
"""Seconds after which the time is looked at again: clocks are set, and laptops sleep."""

_CATEGORY = "Host.Triggers.Timer"


class TimerOptions(Options, frozen=True):
    """`use_monitor` remembers runs, so that one that was missed is made up for at the start."""

    schedule: SettingText
    run_on_startup: bool = False
    use_monitor: bool = True


class TimerTrigger(Trigger[TimerOptions]):
    type_name = "timerTrigger"
    summary = "Runs the function on a schedule."
    options_type = TimerOptions
    extension = Timers
    sample = Datum("text", "")

    shared: Timers

    def __init__(self, **bound: Any) -> None:
        super().__init__(**bound)
        self._schedule = _parsed(self.options.schedule)
        self._zone = Zone.named(self.services.settings.get("TZ"))
        self._clock = self.services.host.clock
        self._monitored = self.options.use_monitor and not self._is_frequent()
        self._listening: asyncio.Task[None] | None = None
        self._stopped = False
        self._running = False

    def manual(self, text: str) -> Fired:
        """Run as Azure does when it is asked to: not past due, whatever the input is."""
        return self._fired(self.shared.known(self._name), MANUAL_REASON, past_due=False)

    async def start(self, fire: Fire) -> None:
        self._listening = self.shared.listen(self._listen(fire))

    async def stop(self) -> None:
        self._stopped = True
        if self._listening is None or self._running:
            return  # a run that began ends by itself, and nothing follows it
        self._listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listening

    @property
    def _name(self) -> str:
        return self.function.name

    async def _listen(self, fire: Fire) -> None:
        self._tell_schedule()
        async with self.shared.lock(self._name):  # the load before may still run the function
            await self._begin(fire)
        while not self._stopped and (due := self._next(self._clock.now())) is not None:
            await self._until(due)
            async with self.shared.lock(self._name):
                await self._run(fire, f"Timer fired at {self._iso(self._clock.now(), '0')}")

    async def _until(self, due: datetime) -> None:
        while (left := (due - self._clock.now()).total_seconds()) > 0:
            await self._clock.sleep(min(left, _NAP))

    async def _begin(self, fire: Fire) -> None:
        """Make up for a run that was missed, or run once because that is wanted."""
        now = self._clock.now()
        missed = await self._missed(now) if self._monitored else None
        if missed is not None:
            why, said = "IsPastDue", f"Function '{self._name}' is past due on startup."
        elif self.options.run_on_startup:
            why = "RunOnStartup"
            said = f"Function '{self._name}' is configured to run on startup."
        else:
            return
        self._say(f"{said} Executing now.")
        details = f"UnscheduledInvocationReason: {why}"
        if missed is not None:
            details += f", OriginalSchedule: {self._iso(missed, '0')}"
        reason = f"Timer fired at {self._iso(now, '0')}"
        await self._run(fire, reason, past_due=missed is not None, details=details)

    async def _missed(self, now: datetime) -> datetime | None:
        """Return when the function should have run while no host was there."""
        try:
            status = await self.shared.read(self._name)
            if status is None:
                await self.shared.write(self._name, Status(None, self._next(now), now))
                return None
            # From the schedule of today: it may have been changed since that was written.
            due = self._next(status.last or status.updated)
            if due != status.next:
                await self.shared.write(self._name, status._replace(next=due))
        except EmulatorError as error:
            self._trouble(error)
            return None
        return due if due is not None and due < now else None

    async def _run(
        self, fire: Fire, reason: str, *, past_due: bool = False, details: str = ""
    ) -> None:
        began = self._clock.now()
        status = self.shared.known(self._name)
        self._running = True
        try:
            await fire(self._fired(status, reason, past_due=past_due, details=details))
        except EmulatorError:
            pass  # told by the call's own events; the schedule goes on
        finally:
            self._running = False
        if self._monitored:
            await self._ran(began)

    async def _ran(self, began: datetime) -> None:
        following = self._next(began)
        if following is not None and following < self._clock.now():
            following = self._next(self._clock.now())  # skipped: the run took longer than that
        try:
            await self.shared.write(self._name, Status(began, following, began))
        except EmulatorError as error:
            self._trouble(error)

    def _fired(
        self, status: Status | None, reason: str, *, past_due: bool, details: str = ""
    ) -> Fired:
        now = self._clock.now()
        shown = f"{self._zone.local(now):%m/%d/%Y %H:%M:%S}"
        return Fired(
            Datum("json", json.dumps(self._info(status, now, past_due=past_due))),
            reason,
            lambda: {"timerTrigger": shown},
            metadata={"TimerTrigger": Datum("text", shown)},
            detail=details,
        )

    def _info(self, status: Status | None, now: datetime, *, past_due: bool) -> dict[str, Any]:
        """Return what the function is given, in Azure's names."""
        shown = None
        if self._monitored:
            last, following, updated = status or Status(None, self._next(now), now)
            shown = {
                "Last": _NEVER if last is None else self._iso(last),
                "Next": _NEVER if following is None else self._iso(following),
                "LastUpdated": self._iso(updated),
            }
        return {
            "Schedule": {"AdjustForDST": self._schedule.adjusts},
            "ScheduleStatus": shown,
            "IsPastDue": past_due,
        }

    def _next(self, after: datetime) -> datetime | None:
        return self._schedule.next(after, self._zone)

    def _is_frequent(self) -> bool:
        """Whether it runs more often than each minute, so that no run is worth remembering."""
        coming = occurrences(self._schedule, self._clock.now(), self._zone, 5)
        return any(later - earlier < _MINUTE for earlier, later in pairwise(coming))

    def _tell_schedule(self) -> None:
        now = self._clock.now()
        local = self._zone.local(now)
        self._say(
            f"The '{self._name}' timer is using the schedule '{self._schedule}' and the local time "
            f"zone: '{local.tzname()}'"
        )
        coming = occurrences(self._schedule, now, self._zone, 5)
        shown = "\n".join(self._occurrence(each) for each in coming)
        self._say(
            f"The next {len(coming)} occurrences of the '{self._name}' schedule "
            f"({self._schedule}) will be:\n{shown}"
        )

    def _occurrence(self, moment: datetime) -> str:
        local = self._zone.local(moment)
        utc = f"{moment:%m/%d/%Y %H:%M:%S}Z"
        if not local.utcoffset():
            return utc
        sign = f"{local:%z}"
        return f"{local:%m/%d/%Y %H:%M:%S}{sign[:3]}:{sign[3:5]} ({utc})"

    def _iso(self, moment: datetime, further_digits: str = "") -> str:
        """Return local time with its offset; Azure's reasons have seven digits of the second."""
        local = self._zone.local(moment)
        if not further_digits:
            return local.isoformat()
        text = local.isoformat(timespec="microseconds")
        return f"{text[:26]}{further_digits}{text[26:]}"

    def _say(self, text: str) -> None:
        self.services.host.log("Information", _CATEGORY, text)

    def _trouble(self, error: EmulatorError) -> None:
        self.services.host.log(
            "Warning",
            _CATEGORY,
            f"When '{self._name}' ran cannot be kept, so a run that is missed is not made up for: "
            f"{error.message}",
        )


def _parsed(text: str) -> Schedule:
    try:
        return parse_schedule(text)
    except ValueError as error:
        raise BindingError(
            f"The schedule expression '{text}' was not recognized as a valid cron expression or "
            "timespan string.",
            hint=f"{str(error)[:1].upper()}{str(error)[1:]}. Six fields say when: second, minute, "
            'hour, day, month, day of week, such as "0 */5 * * * *"; or write an interval, such '
            'as "00:05:00".',
            azure="The function fails indexing, and is left out.",
        ) from error
