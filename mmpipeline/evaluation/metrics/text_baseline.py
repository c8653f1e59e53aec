"""The baseline of words: TF-IDF over a recipe's text, as any search engine gives.

Fitted on the recipes that are searched in, as a search engine's index would be; a query's words
weigh by how rare they are there. It knows no photo and no second language, and it learns nothing
from labels. The vocabulary is capped, so memory stays bounded by the text itself.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer

from mmpipeline.arrays import BoolArray, Int64Array
from mmpipeline.errors import ArtifactError
from mmpipeline.evaluation.metrics.retrieval import Similarity
from mmpipeline.features.content import ingredients_content, instructions_content, title_content
from mmpipeline.schemas import MODALITIES
from mmpipeline.storage.segments import read_recipes

MAX_WORDS = 1 << 18
WORD = r"(?u)\b\w+\b"
TEXTS = MODALITIES[1:]


class RecipeTexts:
    """The texts of the recipes of a catalogue, by modality.

    Parameters
    ----------
    texts
        By modality, one text a recipe, in the order of the feature set.
    """

    def __init__(self, texts: Mapping[str, list[str]]) -> None:
        self._texts = texts

    @classmethod
    def read(cls, catalog: Path, recipe_ids: list[str]) -> "RecipeTexts":
        """Read the texts of some recipes.

        Parameters
        ----------
        catalog
            Folder of a catalogue artifact.
        recipe_ids
            Which, and in which order.

        Returns
        -------
        RecipeTexts
            As the encoders see them.

        Raises
        ------
        ArtifactError
            If the catalogue lacks one of the recipes.
        """
        table = read_recipes(catalog, ["recipe_id", *TEXTS])
        row_of = {name: row for row, name in enumerate(table.column("recipe_id").to_pylist())}
        missing = next((name for name in recipe_ids if name not in row_of), None)
        if missing is not None:
            raise ArtifactError(f"{catalog} holds no recipe {missing}; take the right catalogue")
        columns = [table.column(name).to_pylist() for name in TEXTS]
        titles = [title_content(title) for title in columns[0]]
        ingredients = [
            ingredients_content(line["text"] for line in lines or ()) for lines in columns[1]
        ]
        steps = [instructions_content(steps or ()) for steps in columns[2]]
        texts = dict(zip(TEXTS, (titles, ingredients, steps), strict=True))
        rows = [row_of[name] for name in recipe_ids]
        return cls({name: [column[row] for row in rows] for name, column in texts.items()})

    def join(self, rows: Int64Array, mask: BoolArray) -> list[str]:
        """Join what some recipes show.

        Parameters
        ----------
        rows
            Shape (B,), rows of the feature set.
        mask
            Shape (B, 4), what each shows; the photo says nothing here.

        Returns
        -------
        list of str
            One text a recipe.
        """
        return [
            "\n".join(
                self._texts[name][row]
                for name, is_shown in zip(TEXTS, shown[1:], strict=True)
                if is_shown
            )
            for row, shown in zip(rows, mask, strict=True)
        ]


class TfidfText:
    """Cosine of TF-IDF vectors, words weighted by their rarity among the items.

    Parameters
    ----------
    texts
        The texts.
    rows
        Shape (N,), rows of the items.
    mask
        Shape (N, 4), what each item shows.
    """

    def __init__(self, texts: RecipeTexts, rows: Int64Array, mask: BoolArray) -> None:
        self._texts = texts
        self._vectorizer = TfidfVectorizer(
            token_pattern=WORD, sublinear_tf=True, max_features=MAX_WORDS, dtype=np.float32
        )
        documents = texts.join(rows, mask)
        try:
            self._items = self._vectorizer.fit_transform(documents)
        except ValueError:  # no item holds a word
            self._items = None

    def similarity(self, rows: Int64Array, mask: BoolArray, chosen: Int64Array) -> Similarity:
        """Say how similar queries are with some of the items.

        Parameters
        ----------
        rows, mask
            Shapes (Q,) and (Q, 4): the queries.
        chosen
            Shape (M,): which items.

        Returns
        -------
        Similarity
            0 to 1.
        """
        if self._items is None:
            return lambda block: torch.zeros(len(rows[block]), len(chosen))
        queries = self._vectorizer.transform(self._texts.join(rows, mask))
        items = self._items[chosen].T.tocsr()
        return lambda block: torch.from_numpy((queries[block] @ items).toarray())
