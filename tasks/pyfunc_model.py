"""The search as an MLflow model, from code: `models:/recipe-search@champion` answers queries.

MLflow keeps this script and a pointer to the index version; nothing is pickled. Loading it runs
this script, so load only what this pipeline registered.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from mmpipeline.search.index import SearchIndex
from mmpipeline.search.query import Query
from mmpipeline.storage import DataLayout


class SearchModel(PythonModel):
    """Answers rows of queries from the index version that was registered."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the index version that the pointer names."""
        pointer = json.loads(Path(context.artifacts["pointer"]).read_bytes())
        self._index = SearchIndex.open(DataLayout.at(pointer["data_root"]), pointer["version"])

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Answer queries.

        Parameters
        ----------
        context
            Of MLflow.
        model_input
            One query a row; columns ``title``, ``ingredients`` (separated by commas) and ``steps``
            (separated by ``|``), any of them.
        params
            ``k``: how many answers a query; 5 by default.

        Returns
        -------
        pandas.DataFrame
            One answer a row: ``query`` (row number), ``rank``, ``recipe_id``, ``title``, ``dish``,
            ``score``.
        """
        k = int((params or {}).get("k", 5))
        answers = []
        for number, row in enumerate(model_input.to_dict("records")):
            query = Query(
                title=row.get("title") or None,
                ingredients=tuple(str(row.get("ingredients") or "").split(",")),
                instructions=tuple(str(row.get("steps") or "").split("|")),
            )
            answers += [
                {
                    "query": number,
                    "rank": hit.rank,
                    "recipe_id": hit.recipe_id,
                    "title": hit.title,
                    "dish": hit.dish,
                    "score": hit.score,
                }
                for hit in self._index.search(query, k).items
            ]
        return pd.DataFrame(answers)


set_model(SearchModel())
