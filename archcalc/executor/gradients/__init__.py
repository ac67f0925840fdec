"""The vector–Jacobian products, one file per family of operators, as in `archcalc.ops`. Importing it registers all."""

from archcalc.ops import import_families

import_families(__name__)
