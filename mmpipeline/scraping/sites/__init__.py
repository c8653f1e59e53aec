"""One package a site: where its pages are and how they are read."""
