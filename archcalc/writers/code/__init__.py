"""A network as the source code of another library: what the writers for all libraries share.

``modules`` finds the modules of a network: its stages, and the blocks in them. ``calls`` describes how a layer is
written, and ``registry`` holds the functions that do so; ``parameters`` finds in which numbers equal modules differ,
``classes`` decides which of them are classes, ``repetition`` finds what is a loop, ``statements`` writes what is
computed, ``vectors`` finds slices that leave out their axis, and ``lines`` breaks long lines.
"""
