"""The kernels, one file per family of operators, as in `archcalc.ops`. Importing this registers all of them."""

from archcalc.ops import import_families

import_families(__name__)
