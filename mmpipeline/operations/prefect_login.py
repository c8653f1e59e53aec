"""The login of a Prefect server, for the few plain requests that are sent to one.

Prefect's own client reads it from its settings; the library knows no Prefect, so it reads the same
variable. A variable, not an option: everybody may read a command line.
"""

import base64
import os

LOGIN_VARIABLE = "PREFECT_API_AUTH_STRING"


def login_headers() -> dict[str, str]:
    """Return the headers that log in, as Prefect's client sends them.

    Returns
    -------
    dict of str to str
        Basic authentication with ``PREFECT_API_AUTH_STRING``; empty where it is not set.
    """
    login = os.environ.get(LOGIN_VARIABLE)
    if not login:
        return {}
    return {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}
