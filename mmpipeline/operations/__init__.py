"""Operations on a data folder: checks (`doctor`) and retention.

Both read manifests and pointers only; what a stage means is known elsewhere. `feature_caches`
alone builds what a stage works with, to tell which caches it would look into.
"""
