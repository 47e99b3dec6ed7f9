"""Options in Python's words: errors of the C interface name them as `the option 'shape'` or `sinter_options_set(..., "shape",
"x=1x3")` (sinter_error_message in sinter.h); here they become `shapes=` and `shapes={"x": (1, 3)}`."""
from __future__ import annotations

import re
from typing import Any

# Options whose values have names are arguments of their own; every other one is its name with underscores.
ARGUMENTS = {"shape": "shapes", "dim": "dims", "value": "values", "input-range": "input_ranges", "limit": "limits", "empty": "empty",
             "shapes": "shape_sets"}
_MENTION = re.compile(r"""sinter_options_set\(\.\.\., "([a-z-]+)", "(.*?)"\)|the option '([a-z-]+)'""", re.DOTALL)


def keyword(option: str) -> str:
    """The keyword argument of sinter.compile that sets an option."""
    return ARGUMENTS.get(option, option.replace("-", "_"))


def _sizes(text: str) -> str:
    parts = [] if text == "scalar" else text.split("x")
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def _entry(option: str, text: str) -> str:
    """`"x": (1, 3)` for "x=1x3"."""
    name, _, value = text.rpartition("=")
    if option in ("shape", "shapes"):
        value = _sizes(value)
    elif option == "input-range":
        value = f"({value.replace(':', ', ')})"
    elif option == "dim" and ".." in value:
        value = f'"{value}"'
    elif option == "value":
        value = f"numpy.load({value!r})"
    return f"{name!r}: {value}".replace("'", '"')


def setting(option: str, value: str) -> str:
    """`prune=False`, `backend="llvm"`, `shapes={"x": (1, 3)}`."""
    name = keyword(option)
    if option == "empty":
        return f'{name}=["{value}"]'
    if option == "shapes":
        return f"{name}=[{{{', '.join(_entry(option, part.strip()) for part in value.split(','))}}}]"
    if option in ARGUMENTS:
        return f"{name}={{{_entry(option, value)}}}"
    return f"{name}={value.capitalize()}" if value in ("true", "false") else f'{name}="{value}"'


def say(text: str) -> str:
    """A sentence of the C interface in Python's words."""
    return _MENTION.sub(lambda found: f"{keyword(found[3])}=" if found[3] else setting(found[1], found[2]), text)


def in_python(value: Any) -> Any:
    """The same for all texts of a JSON value."""
    if isinstance(value, str):
        return say(value)
    if isinstance(value, list):
        return [in_python(element) for element in value]
    return {key: in_python(element) for key, element in value.items()} if isinstance(value, dict) else value
