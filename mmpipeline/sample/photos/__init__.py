"""Photos of the sample world: drawn scenes as JPEG files."""
