"""Groups of recipes that are copies of one another, from pairs of copies."""

from collections.abc import Iterable


def group_copies(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Join pairs into connected groups.

    Parameters
    ----------
    pairs
        Ids of two recipes that are copies; the order of pairs and within a pair does not matter.

    Returns
    -------
    dict of str to str
        The group of every recipe in a pair, named by its member with the shortest id, the first
        of those in alphabetical order: on the scraped site that is the oldest recipe.
    """
    parents: dict[str, str] = {}
    for left, right in pairs:
        first, second = _find_root(parents, left), _find_root(parents, right)
        if first != second:
            older, newer = sorted((first, second), key=lambda name: (len(name), name))
            parents[newer] = older
    return {member: _find_root(parents, member) for member in sorted(parents)}


def _find_root(parents: dict[str, str], member: str) -> str:
    root = member
    while (parent := parents.setdefault(root, root)) != root:
        root = parent
    while parents[member] != root:
        parents[member], member = root, parents[member]
    return root
