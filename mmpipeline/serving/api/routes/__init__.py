"""Routes of the application, one group a file."""
