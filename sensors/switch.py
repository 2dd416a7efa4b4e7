"""What of the automation is switched on from the start, and when its schedules fire: `automation` of the project."""

from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dagster as dg
from dagster._utils.schedules import is_valid_cron_string

from videopasta_assets.config.settings import AutomationSettings
from videopasta_assets.errors import UserError

Starter = Literal["new_videos", "staleness", "nightly", "training"]

_SCHEDULES: Final = ("nightly", "training")


def check_times(automation: AutomationSettings) -> None:
    """Dagster would say the same in a stack trace.

    Raises:
        UserError: a schedule is no cron expression, or the time zone does not exist.
    """
    for name in _SCHEDULES:
        cron = getattr(automation, name)
        if not is_valid_cron_string(cron):
            raise UserError(
                f"{cron!r} is no cron expression",
                where=f"automation.{name}",
                fix="Give five fields: minute, hour, day, month, weekday, such as '0 3 * * *'.",
            )
    try:
        ZoneInfo(automation.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UserError(
            f"there is no time zone {automation.timezone!r}",
            where="automation.timezone",
            fix="Give a name such as UTC or Europe/Berlin.",
        ) from error


def sensor_status(name: Starter, automation: AutomationSettings) -> dg.DefaultSensorStatus:
    """Dagster's word for a sensor; a person's switch on its page wins."""
    return dg.DefaultSensorStatus.RUNNING if name in automation.enabled else dg.DefaultSensorStatus.STOPPED


def schedule_status(name: Starter, automation: AutomationSettings) -> dg.DefaultScheduleStatus:
    """Dagster's word for a schedule; a person's switch on its page wins."""
    return dg.DefaultScheduleStatus.RUNNING if name in automation.enabled else dg.DefaultScheduleStatus.STOPPED
