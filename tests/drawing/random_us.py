"""Random U-shaped networks: several kinds of blocks, of steps between levels, of skip connections, and of heads."""

from __future__ import annotations

from random import Random

BLOCKS = """\
  res(c): add(conv c k3 half -> relu -> conv c k3 half, conv c k1) -> relu
  se(c): mul(identity, gap -> fc 2 -> relu -> fc c -> sigmoid -> reshape (c)x1x1)
  dense(c): concat(identity, conv c k3 half) -> concat(identity, conv c k3 half) -> conv c k1
"""
LEVELS = (
    "(conv {c} k3 half -> relu)*2",
    "res({c})",
    "res({c}) -> se({c})",
    "res({c})*3",
    "conv {c} k3 half",
    "dense({c})",
    "add(conv {c} k1, conv {c} k3 half -> bn, avgpool 3 s1 half -> conv {c} k1)",
)
DOWN = ("maxpool 2", "conv {c} k3 s2 half", "avgpool 2 -> conv {c} k1", "add(conv {c} k3 s2 half, conv {c} k1 s2)")
UP = ("upconv {c} k2 s2", "upsample 2 -> conv {c} k1", "upsample 2 bilinear -> conv {c} k3 half -> bn -> relu")
SKIPS = (
    "",
    "concat(identity, @e{level}) -> ",
    "add(identity, @e{level} -> conv {c} k1) -> ",
    "add(identity, @e{level}) -> ",
    "concat(@e{level} -> res(3), identity, @e{level}) -> ",
)


def random_u(seed: int) -> str:
    """Return the spec of a U-shaped network of up to five levels."""
    random = Random(seed)
    lowest = random.randint(1, 4)
    layers, heads = [], []
    for level in range(lowest + 1):
        down = random.choice(DOWN) + " -> " if level else ""
        layers.append(f"e{level}: {down}{random.choice(LEVELS)}".format(c=4 + level))
    for level in reversed(range(lowest)):
        written = f"d{level}: {random.choice(UP)} -> {random.choice(SKIPS)}{random.choice(LEVELS)}"
        layers.append(written.format(c=4 + level, level=level))
        if random.random() < 0.25:
            heads.append(f"h{level}: '@d{level} -> conv 1 k1'")
        if random.random() < 0.2:
            heads.append(f"g{level}: '@e{lowest} -> upsample {2 ** (lowest - level)} -> conv 2 k1'")
        if random.random() < 0.2:
            heads.append(f"c{level}: 'concat(@d{level} -> upsample {2**level}, @e0) -> conv 2 k1'")
    lines = ["input: 3x64x64", "blocks:", BLOCKS.rstrip(), "layers:", *(f"  - {layer}" for layer in layers)]
    return "\n".join([*lines, *(["heads:"] if heads else []), *(f"  {head}" for head in heads), ""])
