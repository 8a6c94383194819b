"""The automations that tell of a nightly run that failed, or of none."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from flows.nightly.notifications import automations


def test_a_failed_run_is_told_at_once_and_a_day_without_one_after_it() -> None:
    webhook = uuid4()
    went_wrong, silence = automations(webhook)
    assert went_wrong.trigger.expect == {f"prefect.flow-run.{state}" for state in ("Failed", "Crashed", "TimedOut", "Late")}
    assert silence.trigger.expect == {"prefect.flow-run.Completed"}
    assert (silence.trigger.posture.value, silence.trigger.within) == ("Proactive", timedelta(hours=26))
    for automation in (went_wrong, silence):
        assert automation.trigger.match_related.root == {"prefect.resource.role": "flow", "prefect.resource.name": "refresh"}
        assert [action.block_document_id for action in automation.actions] == [webhook]
