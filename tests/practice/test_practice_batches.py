import json

import openai
import pytest

from practice.behaviour import BATCHES, Behaviour


@pytest.fixture
def client(practice_endpoint):
    return openai.OpenAI(
        base_url=practice_endpoint.url, api_key="sk-practice", max_retries=0, timeout=10
    )


def asked(client, n=4):
    lines = [
        {
            "custom_id": f"line-{number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": "practice-1", "messages": [{"role": "user", "content": "Hello"}]},
        }
        for number in range(n)
    ]
    content = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    file = client.files.create(file=("asked.jsonl", content), purpose="batch")
    return client.batches.create(
        completion_window="24h", endpoint="/v1/chat/completions", input_file_id=file.id,
        metadata={"tag": "mine"},
    )  # fmt: skip


def lines_of(client, name):
    return [json.loads(line) for line in client.files.content(name).content.splitlines()]


class TestPracticeBatches:
    def test_answer_every_line_under_its_name(self, client):
        made = asked(client)

        batch = client.batches.retrieve(made.id)

        answers = lines_of(client, batch.output_file_id)
        assert (made.status, batch.status, batch.error_file_id) == ("validating", "completed", None)
        assert [one["custom_id"] for one in answers] == [f"line-{n}" for n in range(4)]
        assert all(one["response"]["body"]["choices"] for one in answers)
        assert batch.request_counts.completed == 4

    def test_take_as_long_as_they_are_told_to(self, client, practice_endpoint):
        practice_endpoint.behave(batch_seconds=3600)
        made = asked(client)

        waiting = client.batches.retrieve(made.id).status
        cancelled = client.batches.cancel(made.id)

        assert (waiting, cancelled.status) == ("in_progress", "cancelled")
        assert len(lines_of(client, cancelled.output_file_id)) == 2

    def test_are_listed_newest_first(self, client):
        made = [asked(client, 1).id for _ in range(3)]

        listed = list(client.batches.list(limit=2))

        assert [one.id for one in listed] == made[::-1]
        assert listed[0].metadata == {"tag": "mine"}

    def test_can_be_none(self, client, practice_endpoint):
        practice_endpoint.behave(has_batches=False)

        with pytest.raises(openai.NotFoundError):
            asked(client)

    def test_know_no_other_way_to_err(self):
        assert {Behaviour(batch=mode).batch for mode in BATCHES} == set(BATCHES)
        with pytest.raises(ValueError, match="batch must be one of"):
            Behaviour(batch="late")
