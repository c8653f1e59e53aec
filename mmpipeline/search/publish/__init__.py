"""Index versions as they are made: embedding, prototypes, calibration, merging."""
