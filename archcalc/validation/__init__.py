"""Validation of many specs: the work of `archcalc validate`, without its output.

``paths`` finds the specs, ``configuration`` reads the project's rules for warnings, ``examine`` validates one spec and
``parallel`` all of them (in several processes if that pays), ``baseline`` compares with the figures that ``store``
reads and writes, ``correct`` corrects a file, ``unused_patterns`` checks the configuration itself, and ``codes``
documents every code.
"""

from archcalc.validation.examine import Options, ValidationResult, examine
from archcalc.validation.parallel import examine_all
from archcalc.validation.paths import FoundSpec, find_specs

__all__ = ["FoundSpec", "Options", "ValidationResult", "examine", "examine_all", "find_specs"]
