"""Encoders: photos and texts per CPU second of each, and what the cache spares.

``python -m benchmarks.features --json``

Photos and texts are those of the sample world: photos drawn at 512 pixels, titles, and whole steps.
Every encoder runs alone on one thread, after a warm-up; the figure is the median of five rounds.
Encoders of the user's choice (joint towers, sentence models) have no figure here.

Then the extraction's own path through the cache encodes the same photos and texts with the default
encoders: with empty caches, then with filled ones. `cache_hit_speedup` is the ratio of CPU seconds,
over photos, titles and steps together, where photo files have not changed since they were hashed;
`cache_hit_hashed_speedup` where they are other files of the same content, to be read and hashed.

What to expect: a minute of CPU.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks.process_cost import measure
from mmpipeline.config.features import FeatureConfig, ImageEncoderName, TextEncoderName
from mmpipeline.config.sample import SampleConfig
from mmpipeline.features.cache import EncodingCache
from mmpipeline.features.encoder_set import EncoderSet
from mmpipeline.features.encoding import CachedEncoding
from mmpipeline.features.photo import load_photo
from mmpipeline.features.photo_keys import CACHE_NAME as PHOTO_KEYS
from mmpipeline.features.photo_keys import PhotoKeys
from mmpipeline.features.workers import EncodingWorkers
from mmpipeline.sample.photos.files import photo_at
from mmpipeline.sample.world.recipes import recipe_at

IMAGE_NAMES: tuple[ImageEncoderName, ...] = (
    "descriptors",
    "efficientnet-lite0",
    "efficientnet-lite0-layers",
)
TEXT_NAMES: tuple[TextEncoderName, ...] = ("hashed-ngrams", "universal-sentence")
ROUNDS, COLD_ROUNDS = 5, 3
PHOTOS, TEXTS = 24, 100
CACHED = 160
SAMPLE = SampleConfig(recipes=2 * CACHED, photo_size_px=512)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    arguments = parser.parse_args()
    cost = measure(run)
    figures: dict[str, float] = {**cost.value, "peak_rss_mb": round(cost.peak_rss_mb)}
    if not arguments.json:
        for name, figure in figures.items():
            print(f"{name:48} {figure}")
    print(json.dumps(figures))


def run() -> dict[str, float]:
    """Measure every encoder, then the cache; return the figures."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="features-benchmark-") as folder:
        paths = write_photos(Path(folder))
        for image_name in IMAGE_NAMES:
            encoders = EncoderSet.build(FeatureConfig(image_encoders=(image_name,)))
            rate = per_cpu_s(partial(encode_files, encoders, paths[:PHOTOS]), PHOTOS)
            figures[f"{slug(image_name)}_images_per_cpu_s"] = rate
        for text_name in TEXT_NAMES:
            encoders = EncoderSet.build(FeatureConfig(text_encoders=(text_name,)))
            for part, texts in texts_of(TEXTS).items():
                rate = per_cpu_s(partial(encoders.encode_texts, texts), TEXTS)
                figures[f"{slug(text_name)}_{part}_per_cpu_s"] = rate
        figures |= measure_cache(Path(folder), paths)
    return figures


def write_photos(folder: Path) -> list[Path]:
    """Write the first photos of the sample world and return their paths."""
    paths: list[Path] = []
    for index in range(2 * CACHED):
        recipe = recipe_at(SAMPLE, index)
        if recipe.has_photo and len(paths) < CACHED:
            paths.append(folder / f"{index}.jpg")
            paths[-1].write_bytes(photo_at(SAMPLE, recipe.draw))
    return paths


def texts_of(count: int) -> dict[str, list[str]]:
    """Return titles and whole steps of the sample world's first recipes, by part."""
    recipes = [recipe_at(SAMPLE, index) for index in range(2 * count)]
    titles = [recipe.title for recipe in recipes]
    steps = ["\n".join(recipe.steps) for recipe in recipes if recipe.steps]
    return {"titles": titles[:count], "steps": steps[:count]}


def encode_files(encoders: EncoderSet, paths: Sequence[Path]) -> None:
    """Decode and encode photos."""
    config = encoders.config
    for path in paths:
        photo = load_photo(path, config.max_pixels, min_edge_px=encoders.image.min_edge_px)
        encoders.image.encode(photo)


def per_cpu_s(work: Callable[[], object], items: int) -> float:
    """Return how many items a piece of work does in a CPU second: the median of some rounds."""
    work()
    seconds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    rate = round(items / statistics.median(seconds), 1)
    print(f"{rate:12,.1f} per CPU s", file=sys.stderr, flush=True)
    return rate


def measure_cache(folder: Path, paths: Sequence[Path]) -> dict[str, float]:
    """Encode photos and texts with the default encoders through an empty and a filled cache."""
    encoders = EncoderSet.build(FeatureConfig())
    texts = [text for part in texts_of(CACHED).values() for text in part]
    encode_files(encoders, paths[:2])
    encoders.encode_texts(texts[:2])
    run = partial(through_cache, encoders=encoders, paths=paths, texts=texts)
    cold_s = statistics.median(run(folder / f"cache-{n}")[0] for n in range(COLD_ROUNDS))
    warm = [run(folder / "cache-0") for _ in range(ROUNDS)]
    hashed = [run(folder / "cache-0", hash_photos=True) for _ in range(ROUNDS)]
    warm_s, hashed_s = (
        statistics.median(seconds for seconds, _ in rounds) for rounds in (warm, hashed)
    )
    return {
        "cache_cold_cpu_s": round(cold_s, 3),
        "cache_hit_cpu_s": round(warm_s, 4),
        "cache_hit_speedup": round(cold_s / warm_s, 1),
        "cache_hit_hashed_speedup": round(cold_s / hashed_s, 1),
        "cache_encoded_again": float(sum(encoded for _, encoded in warm + hashed)),
    }


def through_cache(
    cache: Path,
    encoders: EncoderSet,
    paths: Sequence[Path],
    texts: Sequence[str],
    *,
    hash_photos: bool = False,
) -> tuple[float, int]:
    """Return the CPU seconds of one pass through the cache, and how many contents it encoded."""
    counts: Counter[str] = Counter()
    names, keys = encoders.cache_names, None if hash_photos else cache
    started = time.process_time()
    with ExitStack() as stack:
        encoding = CachedEncoding(
            stack.enter_context(EncodingCache(cache, names["text"])),
            stack.enter_context(EncodingCache(cache, names["image"])),
            PhotoKeys(stack.enter_context(EncodingCache(keys, PHOTO_KEYS))),
            stack.enter_context(EncodingWorkers(encoders.config, processes=1)),
            counts,
        )
        encoding.texts(texts, encoders.text.dim)
        encoding.photos(paths)
    return time.process_time() - started, counts["encoded"]


def slug(name: str) -> str:
    """Return an encoder's name as a part of a key."""
    return name.replace("-", "_")


if __name__ == "__main__":
    main()
