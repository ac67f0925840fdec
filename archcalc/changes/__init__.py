"""What changed between two networks, or between two revisions of files.

``matching`` matches two lists, ``signature`` says which layers are equal however they are written, ``tree`` splits a
network into its stages and blocks, and ``align`` pairs the layers of two networks with these. ``layers`` compares
the pairs, ``rows`` combines repeated changes, and ``compare`` puts everything together. ``gates`` judges limits on
growth, and ``revisions`` and ``files`` find and read what differs between two revisions of a Git repository.
"""

from archcalc.changes.compare import NetworkDiff, compare

__all__ = ["NetworkDiff", "compare"]
