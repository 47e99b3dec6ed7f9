"""What became of a model's BatchNorms and activations, as a table."""
from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

_COLUMNS = ("node", "kind", "outcome", "into", "reason")


class Explanation(dict):  # type: ignore[type-arg]
    """The object of docs/explain.md: keys "batch_norms", "activations", "kernels", "summary". Prints as a table; a
    notebook shows it as one."""

    def rows(self) -> list[tuple[str, ...]]:
        """(node, kind, outcome, into, reason) of every BatchNorm and activation."""

        def row(entry: Mapping[str, Any], kind: str) -> tuple[str, ...]:
            return (entry["name"], kind, entry["outcome"], ", ".join(entry.get("into") or []), entry.get("reason") or "")

        norms = [row(entry, "BatchNormalization") for entry in self.get("batch_norms", [])]
        return norms + [row(entry, entry["kind"]) for entry in self.get("activations", [])]

    def __str__(self) -> str:
        rows = [_COLUMNS, *self.rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(_COLUMNS))]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def line(tag: str, cells: tuple[str, ...]) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        body = "".join(line("td", row) for row in self.rows())
        return f"<table><thead>{line('th', _COLUMNS)}</thead><tbody>{body}</tbody></table>"
