"""A map of questions (TimeWarp, figure 4): t-SNE of question texts, and how far benchmarks keep apart, as a number.

The paper names neither encoder nor perplexity nor sample. Ours: TF-IDF of words and word pairs, reduced by SVD; at most
500 questions a benchmark, seeded; perplexity min(30, (n - 1) / 3); one joint map for both panels. The gap is measured
where it means something, in the encoder's space: the share of each question's ten nearest neighbours that are of its
own benchmark, against the share that chance gives.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from videopasta_assets.analyses.plots import scatter
from videopasta_assets.analyses.result import Analysis, Measured
from videopasta_assets.errors import UserError
from videopasta_assets.hashing import stable_hash
from videopasta_assets.reports.document import Plot, Report, Section, Table
from videopasta_assets.stages.benchmark_items import items_of
from videopasta_assets.stages.project import Project

NAME: Final = "question-map"
TITLE: Final = "Where benchmarks' questions lie"
MOST: Final = 500
NEIGHBOURS: Final = 10
_DIMENSIONS: Final = 50

Encoder = Callable[[Sequence[str], int], NDArray[np.float64]]
"""From texts and a seed to vectors, (texts, dimensions)."""


def analyse(project: Project, encode: Encoder | None = None) -> Analysis:
    """The questions of the project's benchmarks; with a single one, of its modes or categories.

    Raises:
        UserError: there are fewer than two groups of questions, or scikit-learn is not installed.
    """
    groups = _groups(project)
    names = [name for name, texts in groups.items() for _ in texts]
    texts = [text for texts in groups.values() for text in texts]
    vectors = (encode or tfidf)(texts, project.settings.seed)
    places = tsne(vectors, project.settings.seed)
    measured = gaps(vectors, names)
    points: dict[str, list[tuple[float, float]]] = {name: [] for name in groups}
    for (x, y), name in zip(places, names, strict=True):
        points[name].append((float(x), float(y)))
    mapped = [
        Measured(name, None, f"question {number}", axis, value)
        for name, found in points.items()
        for number, place in enumerate(found)
        for axis, value in zip("xy", place, strict=True)
    ]
    shown = "timewar" if "timewar" in groups else list(groups)[-1]
    rows = [
        (own.cell, own.items, own.value and round(own.value, 3), chance.value and round(chance.value, 3))
        for own, chance in zip(measured[::2], measured[1::2], strict=True)
    ]
    section = Section(
        "Ours",
        (
            "A map says which questions are alike, not how far apart groups are. The number does: the share of a "
            "question's ten nearest neighbours that are of its own group; chance is the group's share of the others.",
        ),
        Plot(scatter(points, shown), f"map of question texts, without and with {shown}"),
        (Table(("questions of", "questions", "own neighbours", "by chance"), rows),),
    )
    return Analysis(
        NAME, [*measured, *mapped], Report(TITLE, "How alike the questions of benchmarks are.", (), (section,))
    )


def _groups(project: Project) -> dict[str, list[str]]:
    by_benchmark = {b.name: items_of(project, b.name) for b in project.settings.evaluation.benchmarks}
    if len(by_benchmark) == 1:
        (items,) = by_benchmark.values()
        by_benchmark = {}
        for item in items:
            by_benchmark.setdefault(item.mode or item.category or "questions", []).append(item)
    groups = {}
    for name, items in by_benchmark.items():
        texts = sorted({item.question for item in items}, key=lambda text: stable_hash(project.settings.seed, text))
        groups[name] = texts[:MOST]
    if len(groups) < 2 or min(map(len, groups.values())) < 2:
        raise UserError(
            "a map needs two groups of questions, and two questions in each",
            where=str(project.settings.root),
            fix="Name several benchmarks under evaluation.benchmarks.",
        )
    return groups


def tfidf(texts: Sequence[str], seed: int) -> NDArray[np.float64]:
    """TF-IDF of words and word pairs, reduced to at most 50 dimensions."""
    sklearn = _sklearn()
    table = sklearn.feature_extraction.text.TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit_transform(texts)
    dimensions = min(_DIMENSIONS, min(table.shape) - 1)
    svd = sklearn.decomposition.TruncatedSVD(dimensions, random_state=seed)
    vectors: NDArray[np.float64] = svd.fit_transform(table)
    return vectors


def tsne(vectors: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Places on a plane, (points, 2)."""
    perplexity = min(30.0, (len(vectors) - 1) / 3)
    model = _sklearn().manifold.TSNE(2, perplexity=perplexity, random_state=seed, init="pca", n_jobs=1)
    places: NDArray[np.float64] = model.fit_transform(vectors)
    return places


def gaps(vectors: NDArray[np.float64], names: Sequence[str]) -> list[Measured]:
    """For each group, the mean share of a point's nearest neighbours that are of the group, with chance as the note."""
    labels = np.array(names)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    alike = unit @ unit.T
    np.fill_diagonal(alike, -np.inf)
    count = min(NEIGHBOURS, len(names) - 1)
    nearest = np.argsort(-alike, axis=1, kind="stable")[:, :count]
    own = (labels[nearest] == labels[:, None]).mean(axis=1)
    found = []
    for name in dict.fromkeys(names):
        mine = labels == name
        expected = (int(mine.sum()) - 1) / (len(names) - 1)
        size = int(mine.sum())
        found.append(Measured(name, None, "all", "own neighbours", float(own[mine].mean()), items=size))
        found.append(Measured(name, None, "all", "own neighbours by chance", expected, items=size))
    return found


def _sklearn() -> Any:
    try:
        import sklearn.decomposition
        import sklearn.feature_extraction.text
        import sklearn.manifold
    except ImportError as error:
        raise UserError(
            "the map of questions needs scikit-learn", fix="Install it: pip install 'videopasta-assets[analysis]'."
        ) from error
    return sklearn
