"""Mixtures of experts."""

from __future__ import annotations

from archcalc.writers.code.calls import CallArgument, CallExpression, LayerCode, NotInLibrary, helper, width
from archcalc.writers.pytorch.registry import PyTorchContext, module, writes

MIXTURE = '''
class MixtureOfExperts(nn.Module):
    """A sum of the outputs of the experts that a router chooses for each token."""

    def __init__(self, features: int, hidden: int, experts: int, top: int) -> None:
        super().__init__()
        self.top = top
        self.router = nn.Parameter(torch.empty(experts, features))
        self.up = nn.Parameter(torch.empty(experts, hidden, features))
{gate}        self.down = nn.Parameter(torch.empty(experts, features, hidden))
        for weight in self.parameters():
            nn.init.kaiming_uniform_(weight, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        shares, chosen = F.linear(x, self.router).topk(self.top, dim=-1)
        shares = shares.softmax(-1)
        result = torch.zeros_like(x)
        for expert in range(len(self.router)):
            hidden = {hidden}
            share = (shares * (chosen == expert)).sum(-1, keepdim=True)
            result = result + share * F.linear(hidden, self.down[expert])
        return result
'''


@writes("moe")
def write_moe(context: PyTorchContext) -> LayerCode:
    op = context.op
    if op.bias:
        raise NotInLibrary("a mixture of experts with biases is not written")
    act = f"F.{op.act}"
    up = "F.linear(x, self.up[expert])"
    hidden = (
        f"{act}(F.linear(x, self.gate[expert]))\n            hidden = hidden * {up}" if op.gated else f"{act}({up})"
    )
    gate = "        self.gate = nn.Parameter(torch.empty(experts, hidden, features))\n" if op.gated else ""
    kind = f"{'Gated' if op.gated else ''}{op.act.title()}"
    name = f"{kind}MixtureOfExperts"
    text = MIXTURE.format(gate=gate, hidden=hidden).replace("MixtureOfExperts", name)
    args = (
        width("features", context.shape[-1]),
        width("hidden", op.hidden),
        CallArgument("experts", op.experts),
        CallArgument("top", op.top),
    )
    return module(CallExpression(name, args))._replace(helpers=(helper(name, text),))
