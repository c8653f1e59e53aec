"""The surroundings of a stage: locks, hooks, progress, clusters, shared storage, the plan."""
