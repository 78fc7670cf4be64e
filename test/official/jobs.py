"""Run and schedule Jobs as the Hub's own client does.

Usage: HF_ENDPOINT=… HF_TOKEN=… python jobs.py OWNER/SPACE READ_TOKEN [JOB_ID SCHEDULED_ID]

With the ids of a Job and of a scheduled Job that somebody else made, prints only what the client reads of these. Prints one JSON document.
"""

import dataclasses
import json
import sys

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError


def refusal(call) -> int | None:
    """The status of the error that `call` must raise."""
    try:
        call()
    except HfHubHTTPError as error:
        return error.response.status_code
    return None


def job_of(info) -> dict:
    return {
        "space": info.space_id,
        "command": info.command,
        "environment": info.environment,
        "secrets": info.secrets,
        "flavor": info.flavor,
        "labels": info.labels,
        "stage": info.status.stage,
        "message": info.status.message,
        "owner": info.owner.name,
        "initiator": info.initiator.type,
        "started": info.started_at is not None,
        "finished": info.finished_at is not None,
    }


def scheduled_of(info) -> dict:
    spec = info.job_spec
    return {
        "space": spec.space_id,
        "command": spec.command,
        "secrets": spec.secrets,
        "flavor": spec.flavor,
        "timeout": spec.timeout,
        "labels": spec.labels,
        "schedule": info.schedule,
        "suspend": info.suspend,
        "concurrency": info.concurrency,
        "next": info.status.next_job_run_at is not None,
        "last": info.status.last_job is not None,
    }


def run(space: str, read_token: str) -> dict:
    api, reader = HfApi(), HfApi(token=read_token)
    namespace = space.split("/")[0]
    at = {"namespace": namespace}
    image = f"hf.co/spaces/{space}"
    show = ["bun", "-e", "console.log(process.env.WORD, process.env.JOB_ID.length); console.log('second'); process.exit(+process.env.CODE)"]

    def start(code: int, **more):
        env = {"WORD": "hello", "CODE": str(code)}
        return api.run_job(image=image, command=show, env=env, secrets={"A_TOKEN": "s3cret"}, timeout="5m", **at, **more)

    good = start(0, labels={"kind": "good"})
    ended = api.wait_for_job(job_id=good.id, poll_interval=0.1, **at)
    bad = api.wait_for_job(job_id=start(3, name="bad").id, poll_interval=0.1, **at)
    long = api.run_job(image=image, command=["bun", "-e", "await new Promise(() => setInterval(() => {}, 1000))"], **at)
    first_stage = long.status.stage
    api.cancel_job(job_id=long.id, **at)
    scheduled = api.create_scheduled_job(image=image, command=show, schedule="0 3 * * *", env={"CODE": "0"}, labels={"kind": "nightly"}, **at)
    by_id = {"scheduled_job_id": scheduled.id, **at}
    seen = {
        "ended": job_of(ended),
        "log": list(api.fetch_job_logs(job_id=good.id, follow=True, **at)),
        "tail": list(api.fetch_job_logs(job_id=good.id, tail=1, **at)),
        "bad": [bad.status.stage, bad.status.message, bad.labels["name"]],
        "first_stage": first_stage,
        "cancelled": api.inspect_job(job_id=long.id, **at).status.stage,
        "listed": [job.id == long.id for job in api.list_jobs(**at)],
        "failed": [job.id == bad.id for job in api.list_jobs(status="ERROR", **at)],
        "labelled": [job.id == good.id for job in api.list_jobs(labels={"kind": "good"}, **at)],
        "hardware": [(each.name, each.unit_label) for each in api.list_jobs_hardware()][0],
        "scheduled": scheduled_of(scheduled),
        "found": [each.id == scheduled.id for each in api.list_scheduled_jobs(labels={"kind": "nightly"}, **at)],
        "others": len(api.list_scheduled_jobs(labels={"kind": "none"}, **at)),
    }
    api.suspend_scheduled_job(**by_id)
    seen["suspended"] = api.inspect_scheduled_job(**by_id).suspend
    api.resume_scheduled_job(**by_id)
    seen["resumed"] = api.inspect_scheduled_job(**by_id).suspend
    triggered = api.trigger_scheduled_job(**by_id)
    seen["triggered"] = [triggered.initiator.type, api.wait_for_job(job_id=triggered.id, poll_interval=0.1, **at).status.stage]
    seen["last"] = api.inspect_scheduled_job(**by_id).status.last_job.id == triggered.id
    api.delete_scheduled_job(**by_id)
    seen["left"] = len(api.list_scheduled_jobs(**at))
    seen["refused"] = {
        "reader": refusal(lambda: reader.run_job(image=image, command=show, **at)),
        "space": refusal(lambda: api.run_job(image=image + "-none", command=show, **at)),
        "flavor": refusal(lambda: api.run_job(image=image, command=show, flavor="cpu-basics", **at)),
        "label": refusal(lambda: api.run_job(image=image, command=show, labels={"a b": "c"}, **at)),
        "cron": refusal(lambda: api.create_scheduled_job(image=image, command=show, schedule="nightly", **at)),
        "foreign": refusal(lambda: api.run_job(image=image, command=show, namespace="other")),
        "unknown": refusal(lambda: api.inspect_job(job_id="0" * 24, **at)),
        "deleted": refusal(lambda: api.inspect_scheduled_job(**by_id)),
    }
    return seen


def read(space: str, job: str, scheduled: str) -> dict:
    api, namespace = HfApi(), space.split("/")[0]
    return {
        "job": job_of(api.inspect_job(job_id=job, namespace=namespace)),
        "log": list(api.fetch_job_logs(job_id=job, namespace=namespace, follow=True)),
        "scheduled": scheduled_of(api.inspect_scheduled_job(scheduled_job_id=scheduled, namespace=namespace)),
    }


if __name__ == "__main__":
    space, read_token, *ids = sys.argv[1:]
    print(json.dumps(read(space, *ids) if ids else run(space, read_token), default=dataclasses.asdict))
