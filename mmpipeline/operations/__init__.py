"""Looks after a data folder: whether all is well (`doctor`), and what may go (`retention`).

Both read manifests and pointers only; what a stage means is known elsewhere.
"""
