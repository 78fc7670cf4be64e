"""The Python service's way to a dataset: pandas, SQLAlchemy, scikit-learn, datasets; without the upload.

Usage: POSTGRES_URL=… python service.py DIRECTORY [LABEL …]
"""

import os
import re
import sys

import pandas as pd
from datasets import Dataset
from sklearn.model_selection import train_test_split
from sqlalchemy import create_engine, text

CLASSES = {
    "department": [
        "Municipal Governance & Community Services",
        "Education, Health & Social Welfare",
        "Infrastructure, Utilities & Natural Resources",
        "Security & Law Enforcement",
    ],
    "urgency": ["NORMAL", "URGENT", "HIGHLY URGENT"],
}

MISCLASSIFIED = """
SELECT c.id, c.message AS grievance, mc.correct_{label} AS label
FROM misclassified_complaints mc JOIN complaints c ON c.id = mc.complaint_id
WHERE mc.reviewed AND mc.correct_{label} IS NOT NULL AND mc.correct_{label} <> mc.model_predicted_{label}
"""
CORRECT = """
SELECT c.id, c.message AS grievance, c.{label} AS label FROM complaints c
WHERE c.{label} IS NOT NULL AND c.id NOT IN (SELECT complaint_id FROM misclassified_complaints)
"""


def clean(grievance: str) -> str:
    grievance = re.sub(r"https?://\S+|www\.\S+", "", grievance)
    grievance = re.sub(r"<.*?>", "", grievance)
    grievance = re.sub(r"\n", " ", grievance)
    return re.sub(r"\s+", " ", grievance).strip()


def prepare(connection, label: str, directory: str) -> None:
    misclassified = pd.read_sql(text(MISCLASSIFIED.format(label=label)), connection)
    correct = pd.read_sql(text(CORRECT.format(label=label)), connection)
    sample = correct.sample(n=min(len(correct), len(misclassified) // 2), random_state=42)
    rows = pd.concat([misclassified, sample], ignore_index=True)
    rows["grievance"] = rows["grievance"].apply(clean)
    rows["label"] = rows["label"].map({name: id for id, name in enumerate(CLASSES[label])})
    rows = rows.dropna(subset=["grievance", "label"]).astype({"label": int})[["grievance", "label"]]
    train, rest = train_test_split(rows, test_size=0.2, random_state=42, stratify=rows["label"])
    evaluation, test = train_test_split(rest, test_size=0.5, random_state=42, stratify=rest["label"])
    os.makedirs(f"{directory}/{label}", exist_ok=True)
    for name, split in [("train", train), ("eval", evaluation), ("test", test)]:
        Dataset.from_pandas(split.reset_index(drop=True)).to_parquet(f"{directory}/{label}/{name}.parquet")
    print(f"{label}: {len(rows)} rows")


def main(directory: str, *labels: str) -> None:
    engine = create_engine(os.environ["POSTGRES_URL"])
    with engine.connect() as connection:
        for label in labels or CLASSES:
            prepare(connection, label, directory)


if __name__ == "__main__":
    main(*sys.argv[1:])
