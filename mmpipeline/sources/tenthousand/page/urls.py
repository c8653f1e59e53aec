"""Addresses on 만개의레시피: which recipe one means, and one spelling for each.

The same recipe is linked as ``http://``, ``https://``, with and without ``www.``, and from the
mobile site. Pages are keyed by the recipe's number and photos by a normalised address, so a
thing is fetched once whatever its link looks like.
"""

import re
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

RECIPE_HOST = "www.10000recipe.com"
IMAGE_HOST = "recipe1.ezmember.co.kr"
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
RECIPE_ID_PREFIX = "10k:"

_RECIPE_PATH = re.compile(r"^/recipe/(\d{1,12})/?$")
_SECURE_HOSTS = frozenset({RECIPE_HOST, "10000recipe.com", "m.10000recipe.com", IMAGE_HOST})
_UNSAFE = re.compile(r"[\x00-\x20\x7f]")


def find_recipe_number(url: str) -> str | None:
    """Return the recipe number that an address or path means.

    Parameters
    ----------
    url
        Such as ``/recipe/7000001`` or ``https://m.10000recipe.com/recipe/7000001?x=1``.

    Returns
    -------
    str or None
        Digits without leading zeros; None when the address is no recipe page.
    """
    try:
        path = urlsplit(url.strip()).path
    except ValueError:
        return None
    match = _RECIPE_PATH.match(path)
    return (match[1].lstrip("0") or None) if match and match[1].isascii() else None


def recipe_url(base_url: str, number: str) -> str:
    """Return the address of a recipe page."""
    return f"{base_url.rstrip('/')}/recipe/{number}"


def normalize_url(link: str, page_url: str) -> str | None:
    """Return one absolute spelling of a link, the same for all links to one thing.

    Scheme-relative links are resolved, the site's own hosts always get ``https``, fragments are
    dropped, other characters than ASCII are percent-encoded.

    Parameters
    ----------
    link
        As it stands in the page.
    page_url
        The address of that page.

    Returns
    -------
    str or None
        None when it is no http(s) address.
    """
    try:
        parts = urlsplit(urljoin(page_url, _UNSAFE.sub("", link)))
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host or not host.isascii():
        return None
    scheme = "https" if host in _SECURE_HOSTS else parts.scheme
    default_port = {"http": 80, "https": 443}
    secured = scheme != parts.scheme and port in default_port.values()
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port != default_port[scheme] and not secured:
        netloc += f":{port}"
    try:
        path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
        query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
    except UnicodeEncodeError:  # half a character
        return None
    return urlunsplit((scheme, netloc, path, query, ""))


def image_name(url: str) -> str:
    """Return the file name that the site gives a photo."""
    return urlsplit(url).path.rsplit("/", 1)[-1] or url


def is_loopback(url: str) -> bool:
    """Tell whether an address is on this machine, where the sample site lives."""
    try:
        return urlsplit(url).hostname in LOOPBACK_HOSTS
    except ValueError:
        return False
