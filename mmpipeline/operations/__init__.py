"""Looks after a data folder: whether all is well (`doctor`), and what may go (`retention`).

Both read manifests and pointers only; what a stage means is known elsewhere. `feature_caches`
alone builds what a stage works with, to tell which caches it would look into.
"""
