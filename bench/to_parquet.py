"""Write Parquet files anew with the official `datasets`, rows in the same order.

Usage: python to_parquet.py FROM TO     (directories; every *.parquet of FROM)
"""

import pathlib
import sys

import pandas as pd
from datasets import Dataset


def main(source: str, target: str) -> None:
    pathlib.Path(target).mkdir(parents=True, exist_ok=True)
    for file in sorted(pathlib.Path(source).glob("*.parquet")):
        Dataset.from_pandas(pd.read_parquet(file)).to_parquet(f"{target}/{file.name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
