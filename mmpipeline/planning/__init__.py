"""Plans of a refresh: keys of artifacts, how they were made, which is newest."""
