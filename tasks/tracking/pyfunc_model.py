"""The search as an MLflow model, from code: `models:/recipe-search@champion` answers queries.

MLflow keeps this script and a pointer to the index version; nothing is pickled. Loading it runs
this script, so load only what this pipeline registered.

The version is looked for in the data folder that this script lies in, which may have been moved;
where MLflow fetched it from a server, in the one that `MMPIPELINE_DATA_ROOT` names, then in the one
that registered it.
"""

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from mmpipeline.errors import ArtifactError
from mmpipeline.search.index import SearchIndex
from mmpipeline.search.query import Query
from mmpipeline.storage.layout import DataLayout


class SearchModel(PythonModel):
    """Answers rows of queries from the index version that was registered."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the index version that the pointer names."""
        pointer = json.loads(Path(context.artifacts["pointer"]).read_bytes())
        path = Path(context.artifacts["pointer"]).resolve()
        self._index = SearchIndex.open(find_data_folder(path, pointer), pointer["version"])

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


def find_data_folder(path: Path, pointer: dict[str, str]) -> DataLayout:
    """Return the data folder that holds the version that a pointer names.

    Parameters
    ----------
    path
        Where the pointer lies.
    pointer
        ``version``, and ``data_root`` of whoever registered it.

    Returns
    -------
    DataLayout
        The one around the pointer, that of the environment, or that of the pointer.

    Raises
    ------
    ArtifactError
        If none does.
    """
    named = os.environ.get("MMPIPELINE_DATA_ROOT")
    around = [str(parent) for parent in path.parents]
    for root in (*around, *([named] if named else []), pointer["data_root"]):
        layout = DataLayout.at(root)
        if (layout.artifacts("index") / pointer["version"]).is_dir():
            return layout
    raise ArtifactError(
        f"index version {pointer['version']} is neither in the data folder around {path} nor in "
        f"{pointer['data_root']}; set MMPIPELINE_DATA_ROOT to the folder that holds it"
    )


set_model(SearchModel())
