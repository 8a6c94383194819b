"""Notifications through Prefect's automations: when a nightly run fails, crashes or is late, and when none succeeds for a day.

    PREFECT_API_URL=http://127.0.0.1:4200/api python -m flows.nightly.notifications https://hooks.example.org/…

Run once against the server that keeps the deployment. The address gets a JSON object with `text`, as Slack, Mattermost and others
take it.
"""

from __future__ import annotations

import argparse
from datetime import timedelta
from uuid import UUID

from flows.prefect_runtime import settings  # noqa: F401 - sets Prefect up: before Prefect itself

# isort: split
from prefect.automations import Automation
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import get_client
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import EventTrigger, Posture

from flows.printing.progress import say

_BLOCK = "shapefit-notifications"
_FLOW: dict[str, str | list[str]] = {"prefect.resource.role": "flow", "prefect.resource.name": "refresh"}
_RUN: dict[str, str | list[str]] = {"prefect.resource.id": "prefect.flow-run.*"}
_SILENCE = timedelta(hours=26)  # a night's run, and two hours of patience


def automations(webhook: UUID) -> list[Automation]:
    """The automations that send to a notification block."""
    went_wrong = EventTrigger(
        expect={f"prefect.flow-run.{state}" for state in ("Failed", "Crashed", "TimedOut", "Late")},
        match=_RUN,
        match_related=_FLOW,
        posture=Posture.Reactive,
        threshold=1,
    )
    silence = EventTrigger(
        expect={"prefect.flow-run.Completed"},
        match=_RUN,
        match_related=_FLOW,
        posture=Posture.Proactive,
        threshold=1,
        within=_SILENCE,
    )
    silent = f"none completed in {_SILENCE}"
    state = "{{ flow_run.name }} is {{ flow_run.state.name }}: {{ flow_run.state.message }}"
    return [
        Automation(
            name="shapefit: a refresh went wrong",
            trigger=went_wrong,
            actions=[SendNotification(block_document_id=webhook, subject="shapefit refresh", body=state)],
        ),
        Automation(
            name="shapefit: no refresh for a day",
            trigger=silence,
            actions=[SendNotification(block_document_id=webhook, subject="shapefit refresh", body=silent)],
        ),
    ]


def notify(address: str, private: bool = False) -> None:
    """Make the webhook and its automations on the configured server, in place of those of the same names.

    Args:
        address: where to post.
        private: allow an address of a private network, which Prefect refuses by default.
    """
    block = CustomWebhookNotificationBlock(
        name="shapefit",
        url=address,
        headers=None,
        cookies=None,
        json_data={"text": "{{subject}}: {{body}}"},
        allow_private_urls=private,
    )
    webhook = block.save(_BLOCK, overwrite=True)
    assert isinstance(webhook, UUID)  # outside an event loop it is saved at once
    for automation in automations(webhook):
        with get_client(sync_client=True) as client:
            for older in client.read_automations_by_name(automation.name):
                client.delete_automation(older.id)
        automation.create()
        say(f"made automation {automation.name!r}")


def main() -> None:
    """Make the notifications."""
    parser = argparse.ArgumentParser(description="Be told when a refresh fails, is late or stays out.")
    parser.add_argument("address", help="webhook that takes a JSON object with text")
    parser.add_argument("--private", action="store_true", help="the address is of a private network")
    given = parser.parse_args()
    notify(given.address, given.private)


if __name__ == "__main__":
    main()
