"""Make a Space that is built and runs, or look at one.

Usage: HF_ENDPOINT=… HF_TOKEN=… python real_space.py make OWNER/NAME FOLDER
       HF_ENDPOINT=… HF_TOKEN=… python real_space.py look OWNER/NAME

Prints one JSON document of what the official client saw.
"""

import json
import sys

from huggingface_hub import HfApi

api = HfApi()


def look(space: str) -> dict:
    info = api.space_info(space)
    return {
        "private": info.private,
        "sdk": info.sdk,
        "title": info.card_data.title if info.card_data else None,
        "stage": api.get_space_runtime(space).stage,
        "files": sorted(api.list_repo_files(space, repo_type="space")),
        "variables": {key: entry.value for key, entry in api.get_space_variables(space).items()},
        "secrets": sorted(api.get_space_secrets(space)),
        "build": list(api.fetch_space_logs(space, build=True)),
        "run": list(api.fetch_space_logs(space)),
    }


def make(space: str, folder: str) -> dict:
    api.create_repo(space, repo_type="space", space_sdk="docker", private=True)
    created = api.get_space_runtime(space).stage
    api.add_space_secret(space, "POSTGRES_URL", "s3cret")
    api.add_space_variable(space, "CHECK", "true")
    api.upload_folder(repo_id=space, repo_type="space", folder_path=folder)
    ended = api.wait_for_space(space, poll_interval=0.1).stage
    followed = list(api.fetch_space_logs(space, follow=True))
    paused = api.pause_space(space).stage
    api.delete_space_variable(space, "CHECK")
    return {"created": created, "ended": ended, "followed": followed, "paused": paused, **look(space)}


if __name__ == "__main__":
    print(json.dumps({"make": make, "look": look}[sys.argv[1]](*sys.argv[2:])))
