"""What a network for text is held against: a linear model of the words, tuned as one would who wanted it to win."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.evaluation import multilabel

if TYPE_CHECKING:
    from foveal.data.generated.stdlib_topics import Topics

RANKS = (1, 3, 5)
GRID = (("svm", 0.5, 2), ("svm", 1.0, 2), ("svm", 2.0, 2), ("svm", 1.0, 3), ("logistic", 100.0, 2))
"""What the linear model is chosen from on validation: its kind, C, and the longest run of words that is a feature."""


def linear_model(data: Topics) -> dict[str, Any]:
    """TF-IDF over runs of words and one linear classifier a label, chosen on validation; its scores for the test documents.

    Words and pairs of words (and triples, where that is better) of the whole document, sublinear term frequency; a linear
    support vector machine or logistic regression, one label against the rest (Joachims 1998; scikit-learn's LIBLINEAR).
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    tried: list[dict[str, Any]] = []
    best, least = np.empty(0), -1.0
    for kind, strength, longest in GRID:
        words = TfidfVectorizer(
            ngram_range=(1, longest), sublinear_tf=True, min_df=2, token_pattern=r"[a-zA-Z]+|[0-9]+"
        )
        train, validation, test = (
            words.fit_transform(data.train.texts), words.transform(data.validation.texts), words.transform(data.test.texts)
        )  # fmt: skip
        held, scores = (np.full((part.shape[0], len(data.labels)), -1e3) for part in (validation, test))
        for label in range(len(data.labels)):
            answers = data.train.targets[:, label]
            if answers.all():
                continue  # every document has it: nothing to learn
            model = (
                LinearSVC(C=strength, random_state=0) if kind == "svm"
                else LogisticRegression(C=strength, solver="liblinear", dual=True, max_iter=2000, random_state=0)
            )  # fmt: skip
            model.fit(train, answers)
            held[:, label], scores[:, label] = model.decision_function(validation), model.decision_function(test)
        found = multilabel.summary(held, data.validation.targets, RANKS)
        mean = float(np.mean([found[f"precision_at_{rank}"] for rank in RANKS]))
        tried.append({"kind": kind, "C": strength, "words": longest, **found})
        if mean > least:
            best, least = scores, mean
    chosen = max(tried, key=lambda each: sum(each[f"precision_at_{rank}"] for rank in RANKS))
    return {"chosen": chosen, "tried": tried, "test": best.round(6)}
