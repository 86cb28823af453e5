"""BANKING77 as captured traffic: the prompt is a customer's question, the answer the name of its intent.

The data (Casanueva et al. 2020, CC BY 4.0) is not part of this repository: a CSV with the columns text and category.
"""

import collections
import csv
import json
import random
from dataclasses import dataclass
from pathlib import Path

SYSTEM = "Name the intent of the customer's message to the bank."


@dataclass(frozen=True)
class Question:
    text: str
    answer: str

    def messages(self, listing: str = "") -> list[dict]:
        return [{"role": "system", "content": SYSTEM + listing}, {"role": "user", "content": self.text}]


@dataclass(frozen=True)
class Task:
    train: list[Question]
    unseen: list[Question]

    @property
    def intents(self) -> list[str]:
        return sorted({q.answer for q in self.train})


def read(path: Path, train: int = 2000, unseen: int = 500, seed: int = 77) -> Task:
    """Drawn by chance, each text once; every intent that there is must be in the training part."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = {}
    for row in rows:  # a text that comes twice counts once
        found.setdefault(" ".join(row["text"].split()).casefold(), Question(row["text"].strip(), spoken(row["category"])))
    questions = list(found.values())
    random.Random(seed).shuffle(questions)
    task = Task(questions[:train], questions[train : train + unseen])
    missing = {q.answer for q in questions} - set(task.intents)
    if missing or len(task.unseen) < unseen:
        raise SystemExit(f"{path}: {len(questions)} questions are too few for {train} + {unseen}, or some intents lack: {', '.join(sorted(missing))}")
    return task


def spoken(category: str) -> str:
    """The intent's name in words: an ordinary answer's tokens, one to one with the category."""
    return category.replace("_", " ").strip(" ?").lower()


def listing(task: Task) -> str:
    """For a base that was never told the names."""
    return " Answer with one of these and nothing else: " + "; ".join(task.intents) + "."


def write_dataset(path: Path, questions: list[Question]) -> None:
    """The JSONL that the trainer gets."""
    lines = (json.dumps({"id": str(i), "messages": [*q.messages(), {"role": "assistant", "content": q.answer}]}) for i, q in enumerate(questions))
    path.write_text("\n".join(lines) + "\n")


def score(questions: list[Question], answers: list[str]) -> dict:
    """Exact match, and where it fails most."""
    wrong = collections.Counter((q.answer, a.strip()[:60]) for q, a in zip(questions, answers) if folded(a) != folded(q.answer))
    right = len(questions) - sum(wrong.values())
    return {"questions": len(questions), "right": right, "exact": round(right / len(questions), 4), "confused": [[*pair, n] for pair, n in wrong.most_common(5)]}


def folded(text: str) -> str:
    return " ".join(text.split()).casefold()
