"""Validation of many specs: the work of `archcalc validate`, without its output.

``paths`` finds the specs (``walk`` in folders and by patterns), ``recognize`` distinguishes them from other files,
``configuration`` reads the settings of the project (``unused_patterns`` checks them), and ``plan`` gives every spec its
configuration and its entry in a baseline. ``examine`` validates one spec, ``parallel`` all of them (in several
processes if that pays), and ``cache`` those that have changed; ``results`` defines their arguments and results.
``baseline`` compares with the figures that ``store`` reads and writes, ``renames`` recognises renamed specs,
``correct`` corrects a file, and ``codes`` documents every code.
"""

from archcalc.validation.parallel import examine_all
from archcalc.validation.paths import FoundSpec, find_specs
from archcalc.validation.results import Options, ValidationResult

__all__ = ["FoundSpec", "Options", "ValidationResult", "examine_all", "find_specs"]
