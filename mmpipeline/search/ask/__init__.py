"""Questions to an opened index: composed to one vector, looked up, ranked."""
