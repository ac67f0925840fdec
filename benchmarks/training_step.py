"""What a training step of networks of torchvision costs, compared with PyTorch.

Every network is built on the meta device, and trained for one step by Adam on a batch of images. FlopCounterMode counts
the operations of the backward pass, saved-tensor hooks see what is kept for it, and the memory tracker
(`torch.distributed._tools.mem_tracker`) sees parameters, gradients, the state of the optimizer, the tensors after the
forward pass, and those at the worst moment. Prints archcalc's figures, PyTorch's, the conventions that lead from one to
the other, and what is left unexplained: nothing, or the exit status is 1.

    python -m benchmarks.training_step [--batch N] [NETWORK …]

Needs PyTorch and torchvision.
"""

from __future__ import annotations

import argparse
import warnings

import archcalc
from archcalc.analysis.training.cost import TrainingCost
from archcalc.analysis.training.setup import DEFAULT_SETUP
from tests.oracle.training_memory import (
    FLOAT32,
    NETWORKS,
    computed,
    conventions,
    counted,
    network,
    tracked,
    unexplained,
)

FIELDS = ("weights", "gradients", "optimizer", "saved", "tensors", "peak")


def compare(name: str, batch: int) -> bool:
    """Print the comparison of a network, and return whether nothing is left unexplained."""
    model, images = network(name, batch)
    _, backward = counted(model, images)
    spec = archcalc.load(NETWORKS[name][0])
    cost = TrainingCost(spec.graph, DEFAULT_SETUP, batch=batch)
    macs = cost.backward_macs(cost.runs)
    (count,) = (
        each for each in spec.counters(["flop-counter-mode 2.13 meta"]) if each.quantity.name == "backward_flops"
    )
    print(f"{name}\n  {'backward MACs':14} {macs:>16,}  PyTorch {backward // 2:>16,}", end="")
    groups = sum(term.amount for term in count.terms if "times the groups" in term.label) * batch // 2
    print(f"  groups {groups:+,}" if groups else "")
    found = tracked(model, images)
    expected, own = computed(NETWORKS[name][0], batch)
    terms, left = conventions(own), unexplained(found, expected, conventions(own))
    print(f"  {'saved':14} {cost.saved(cost.runs, FLOAT32):>16,}  (what the mathematics needs)")
    for field in FIELDS:
        ours, theirs = getattr(expected, field), getattr(found, field)
        why = [f"{term[field]:+,} {what}" for what, term in terms.items() if term[field]]
        rest = [f"{left[field]:+,} UNEXPLAINED"] if field in left else []
        print(f"  {field:14} {ours:>16,}  PyTorch {theirs:>16,}  {'; '.join([*why, *rest]) or 'equal'}")
    print(f"  worst moment: {expected.at}; in PyTorch, {found.at}", flush=True)
    return not left and macs + groups == backward // 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--batch", type=int, default=2)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    unequal = [name for name in chosen.networks if not compare(name, chosen.batch)]
    print(f"{len(chosen.networks) - len(unequal)} of {len(chosen.networks)} networks are equal or explained")
    if unequal:
        raise SystemExit(f"not explained: {', '.join(unequal)}")


if __name__ == "__main__":
    main()
