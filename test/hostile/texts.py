"""What the official readers make of a published dataset of one text column and one ClassLabel.

Usage: HF_ENDPOINT=… HF_TOKEN=… HF_HOME=<fresh folder> python texts.py OWNER/NAME TEXT_COLUMN LABEL_COLUMN

Prints one JSON document: the card's YAML, the class names that `datasets` and the bare Parquet file say, and the sha256 of all rows, each as the
bytes of its text and its class, in the order of their digests.
"""

import hashlib
import json
import sys

import pyarrow.parquet as pq
from datasets import load_dataset
from huggingface_hub import DatasetCard, hf_hub_download

repo, text, label = sys.argv[1:]
digests = []
for split in load_dataset(repo).values():
    names = split.features[label].names
    for row in split:
        digests.append(hashlib.sha256(row[text].encode() + b"\0" + names[row[label]].encode()).digest())
bare = pq.read_schema(hf_hub_download(repo, "data/train-00000-of-00001.parquet", repo_type="dataset"))
features = json.loads(bare.metadata[b"huggingface"])["info"]["features"]
print(
    json.dumps(
        {
            "card": DatasetCard.load(repo).data.to_dict(),
            "loaded": names,
            "bare": features[label]["names"],
            "rows": len(digests),
            "sha256": hashlib.sha256(b"".join(sorted(digests))).hexdigest(),
        }
    )
)
