"""Push rows as the retired Python service did: push_to_hub, then dataset_metadata.json, then a generated card, then a tag.

Usage: HF_ENDPOINT=… HF_TOKEN=… HF_HUB_DISABLE_XET=1 python push_service.py OWNER/NAME ROWS.json

ROWS.json: split → list of [text, label id]. Prints {"head": commit id}.
"""

import json
import sys

from datasets import Dataset, DatasetDict
from huggingface_hub import HfApi

VERSION = "v20251017_045551"
CARD = """---
language:
- en
- ne
license: apache-2.0
---

# Dataset

_Last updated automatically by the pipeline on 2025-10-17T04:55:55._
"""


def main(repo: str, path: str) -> dict:
    with open(path, encoding="utf-8") as file:
        splits = json.load(file)
    columns = lambda rows: {"grievance": [text for text, _ in rows], "label": [label for _, label in rows]}
    api = HfApi()
    target = {"repo_id": repo, "repo_type": "dataset"}
    api.create_repo(**target, private=True, exist_ok=True)
    DatasetDict({name: Dataset.from_dict(columns(rows)) for name, rows in splits.items()}).push_to_hub(repo)
    metadata = {"dataset_name": repo, "version_tag": VERSION, "label_column": "urgency"}
    for name, content in [("dataset_metadata.json", json.dumps(metadata, indent=4)), ("README.md", CARD)]:
        api.upload_file(path_or_fileobj=content.encode(), path_in_repo=name, **target)
    api.create_tag(repo, tag=VERSION, repo_type="dataset")
    return {"head": api.dataset_info(repo).sha}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
