"""Load a dataset with the official library and print what is in it.

Usage: [HF_ENDPOINT=… HF_TOKEN=…] HF_HOME=<fresh folder> python load.py PATH_OR_REPO [--revision REVISION]

Prints one JSON document: split → rows, features, keys of the first row, and the md5 of all rows in order.
"""

import argparse
import hashlib
import json

from datasets import ClassLabel, load_dataset


def describe_feature(feature):
    """The names of a ClassLabel, in order of their ids; else the type, e.g. "string"."""
    return feature.names if isinstance(feature, ClassLabel) else getattr(feature, "dtype", str(feature))


def describe_split(split) -> dict:
    digest = hashlib.md5()
    for row in split:
        digest.update((json.dumps(row, ensure_ascii=False) + "\n").encode())
    return {
        "num_rows": split.num_rows,
        "features": {name: describe_feature(feature) for name, feature in split.features.items()},
        "keys": list(split[0]) if split.num_rows else [],
        "md5": digest.hexdigest(),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("dataset", help="a path, or owner/name on the Hub")
    parser.add_argument("--revision")
    options = parser.parse_args()
    loaded = load_dataset(options.dataset, revision=options.revision)
    print(json.dumps({name: describe_split(split) for name, split in loaded.items()}, ensure_ascii=False))
