"""Names of layers as identifiers of Python."""

from __future__ import annotations

import re
from keyword import iskeyword

MODULE = frozenset(
    (
        *("add_module", "append", "apply", "bfloat16", "buffers", "call_super_init", "children", "compile", "cpu"),
        *("cuda", "double", "dump_patches", "eval", "extend", "extra_repr", "float", "forward", "half", "insert"),
        *(
            "modules",
            "parameters",
            "pop",
            "to",
            "train",
            "training",
            "type",
            "xpu",
            "zero_grad",
            "mode",
            "share_memory",
        ),
    )
)
"""Names that PyTorch modules have themselves."""
USED = frozenset({"self", "torch", "nn", "math", "i", "len", "range", "center_crop"})
"""Names that the code uses itself."""


def identifier(name: str) -> str:
    """Return a name with underscores in place of other characters, and with a word before a digit."""
    made = re.sub(r"\W+", "_", name, flags=re.ASCII)
    made = f"stage_{made}" if not made or made[0].isdigit() else made
    return f"{made}_" if iskeyword(made) else made


def attribute_name(name: str) -> str:
    """Return the name of the attribute of a module with this name."""
    made = identifier(name)
    return f"{made}_" if made in MODULE else made


def variable_name(name: str) -> str:
    """Return the name of a variable for a tensor with this name."""
    made = identifier(name).lower()
    return f"{made}_" if made in USED or iskeyword(made) else made
