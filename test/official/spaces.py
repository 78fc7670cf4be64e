"""Manage a Space as the Hub's own client does.

Usage: HF_ENDPOINT=… HF_TOKEN=… python spaces.py OWNER/NAME STATIC FOREIGN READ_TOKEN OAUTH_TOKEN

Prints one JSON document of what the official client saw.
"""

import json
import sys

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError


def refusal(call) -> dict:
    """The status and class of the error that `call` must raise."""
    try:
        call()
    except HfHubHTTPError as error:
        return {"status": error.response.status_code, "type": type(error).__name__}
    return {"status": None, "type": None}


def variables(listed) -> dict:
    return {key: [entry.value, entry.description, entry.updated_at is not None] for key, entry in listed.items()}


def main(space: str, static: str, foreign: str, read_token: str, oauth_token: str) -> dict:
    api, reader, login = HfApi(), HfApi(token=read_token), HfApi(token=oauth_token)
    made = space + "-made"
    api.create_repo(made, repo_type="space", space_sdk="docker", private=True)
    seen = {
        "made": api.get_space_runtime(made).stage,
        "running": api.get_space_runtime(space).stage,
        "none": variables(api.get_space_variables(space)),
        "added": variables(api.add_space_variable(space, "DATASET_VERSION", "v1", description="what to train on")),
        "changed": variables(api.add_space_variable(space, "DATASET_VERSION", "v2")),
        "second": variables(api.add_space_variable(space, "EPOCHS", "3")),
        "left": variables(api.delete_space_variable(space, "EPOCHS")),
        "absent": variables(api.delete_space_variable(space, "EPOCHS")),
        "read": variables(api.get_space_variables(space)),
        "paused": api.pause_space(space).stage,
        "restarted": api.restart_space(space).stage,
        "factory": api.restart_space(space, factory_reboot=True).stage,
        "login_pauses": login.pause_space(space).stage,
        "info": [api.space_info(space).sdk, api.space_info(space).runtime.stage],
    }
    api.add_space_secret(space, "HF_TOKEN", "hf_secret")
    api.delete_space_secret(space, "NONE")
    seen["refused"] = {
        "login_restarts": refusal(lambda: login.restart_space(space)),
        "reader_pauses": refusal(lambda: reader.pause_space(space)),
        "foreign": refusal(lambda: api.pause_space(foreign)),
        "unknown": refusal(lambda: api.pause_space(space + "-none")),
        "hidden": refusal(lambda: api.pause_space(foreign + "-private")),
        "static": refusal(lambda: api.pause_space(static)),
        "bad_key": refusal(lambda: api.add_space_variable(space, "not a name", "1")),
    }
    return seen


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
