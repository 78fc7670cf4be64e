"""Push a small dataset as the retired Python service did, then use the Hub as its clients do.

Usage: HF_ENDPOINT=… HF_TOKEN=… HF_HUB_DISABLE_XET=1 python push_and_tag.py OWNER/NAME TAG

Prints one JSON document of what the official client saw.
"""

import hashlib
import json
import sys
import tempfile

from datasets import Dataset, DatasetDict
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError

ROWS = {
    "train": [("No water since Monday", 0), ("सडक बिग्रियो", 1), ("Street light\nis \"broken\"", 2)],
    "eval": [("Garbage is not collected", 1)],
    "test": [("Tax office queue", 0), ("Noise at night", 2)],
}
METADATA = json.dumps({"version_tag": "v1", "label_column": "urgency"}, indent=2).encode()


def dataset() -> DatasetDict:
    def split(rows):
        return Dataset.from_dict({"grievance": [text for text, _ in rows], "label": [label for _, label in rows]})

    return DatasetDict({name: split(rows) for name, rows in ROWS.items()})


def refusal(call) -> dict:
    """The status and class of the error that `call` must raise."""
    try:
        call()
    except HfHubHTTPError as error:
        return {
            "status": error.response.status_code,
            "type": type(error).__name__,
            "message": error.response.headers.get("X-Error-Message"),
        }
    return {"status": None, "type": None, "message": None}


def download(repo: str, path: str, **options) -> bytes:
    with tempfile.TemporaryDirectory() as cache:
        name = hf_hub_download(repo, path, repo_type="dataset", cache_dir=cache, **options)
        with open(name, "rb") as file:
            return file.read()


def main(repo: str, tag: str) -> dict:
    api = HfApi()
    target = {"repo_id": repo, "repo_type": "dataset"}
    dataset().push_to_hub(repo, private=True)
    first = api.dataset_info(repo).sha
    uploaded = api.upload_file(path_or_fileobj=METADATA, path_in_repo="dataset_metadata.json", **target)
    api.create_tag(repo, tag=tag, repo_type="dataset")

    def commit(operation, **options):
        return api.create_commit(operations=[operation], commit_message="refused", **target, **options)

    refused = {
        "parent_moved": refusal(lambda: commit(CommitOperationAdd("late.txt", b"late"), parent_commit=first)),
        "tag_twice": refusal(lambda: api.create_tag(repo, tag=tag, repo_type="dataset")),
        "tag_with_space": refusal(lambda: api.create_tag(repo, tag="not a tag", repo_type="dataset")),
        "delete_missing": refusal(lambda: commit(CommitOperationDelete("no/such.file"))),
        "missing_revision": refusal(lambda: api.dataset_info(repo, revision="no-such-tag")),
        "missing_repo": refusal(lambda: api.dataset_info(repo + "-none")),
        "missing_folder": refusal(lambda: list(api.list_repo_tree(repo, "none", repo_type="dataset"))),
        "private_without_token": refusal(lambda: HfApi(token=False).dataset_info(repo)),
        "bad_token": refusal(lambda: HfApi(token="hf_nobody").whoami()),
    }

    unchanged = api.upload_file(path_or_fileobj=METADATA, path_in_repo="dataset_metadata.json", **target)
    pull = api.create_commit(
        operations=[CommitOperationAdd("pull.txt", b"pull")], commit_message="Pull", create_pr=True, **target
    )
    refs = api.list_repo_refs(repo, repo_type="dataset", include_pull_requests=True)
    tree = api.list_repo_tree(repo, repo_type="dataset", recursive=True, expand=True)
    shard = next(path for path in api.list_repo_files(repo, repo_type="dataset") if path.endswith(".parquet"))
    [info] = api.get_paths_info(repo, [shard, "none"], repo_type="dataset")
    content = download(repo, shard)
    return {
        "user": api.whoami()["name"],
        "private": api.dataset_info(repo).private,
        "files": sorted(api.list_repo_files(repo, repo_type="dataset")),
        "tree": {entry.path: entry.last_commit.title for entry in tree},
        "branches": {ref.name: ref.target_commit for ref in refs.branches},
        "tags": {ref.name: ref.target_commit for ref in refs.tags},
        "pulls": [ref.ref for ref in refs.pull_requests],
        "first": first,
        "head": uploaded.oid,
        "unchanged": unchanged.oid == uploaded.oid,
        "pull": {"revision": pull.pr_revision, "content": download(repo, "pull.txt", revision="refs/pr/1").decode()},
        "refused": refused,
        "exists": [api.file_exists(repo, path, repo_type="dataset") for path in ("README.md", "none")],
        "regular_file_is_intact": download(repo, "dataset_metadata.json") == METADATA,
        "shard": {"path": shard, "sha256": hashlib.sha256(content).hexdigest(), "lfs_sha256": info.lfs and info.lfs.sha256},
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
