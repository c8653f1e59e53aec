"""The sample world itself: known densities, recipes drawn from them, their wording."""
