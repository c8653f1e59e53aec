"""Sources of recipes behind one contract, a package each."""
