"""``archcalc diff``: what changed between two networks, or between two revisions."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

from archcalc.cli.schema import schemas
from archcalc.report import diff_markdown
from tests.cli.conftest import Archcalc
from tests.git import git

FORMATS = ("rich", "plain", "markdown", "json", "side-by-side")


def test_a_stride_that_moves_is_described_in_two_sentences(archcalc: Archcalc) -> None:
    ran = archcalc("diff", "resnet50", "resnet50-v1.5")
    assert ran.status == 0
    assert ran.lines[0] == (
        "In conv3_x/first/branch, conv4_x/first/branch and conv5_x/first/branch, "
        "stride 2 moves from conv k1 to conv k3. "
        "MACs grow by 5.99 % (3.86 G → 4.09 G); parameters, outputs and receptive field stay the same."
    )
    assert ran.line("MACs").split() == ["MACs", "3,857,973,248", "4,089,184,256", "+5.99", "%"]


def test_added_blocks_are_described_in_two_sentences(archcalc: Archcalc) -> None:
    ran = archcalc("diff", "resnet18", "resnet34")
    assert ran.lines[0] == (
        "ResNet-34 has 8 more rest blocks: 1 in conv2_x, 2 in conv3_x, 4 in conv4_x and 1 in conv5_x. "
        "Parameters grow by 86.5 % (11.7 M → 21.8 M) and MACs by 102 % (1.81 G → 3.66 G); "
        "outputs and receptive field stay the same."
    )
    assert "×4" in ran.line("+ conv4_x")


def test_equal_networks_are_reported_as_equal(archcalc: Archcalc) -> None:
    ran = archcalc("diff", "3x9x9 -> conv 4 k3 half -> fc 10", "3x9x9 -> conv 4 k3 p1 -> flatten -> fc 10")
    assert ran.status == 0
    assert "are equal: 2 layers" in ran.lines[0]
    assert "flatten, which makes no difference" in ran.lines[0]


def test_settings_make_two_networks_of_one_spec(archcalc: Archcalc) -> None:
    ran = archcalc("diff", "mobilenet-v1", "mobilenet-v1 alpha=0.5")
    assert ran.status == 0
    assert "channels × 1/2" in ran.lines[0]


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_complete(archcalc: Archcalc, form: str) -> None:
    ran = archcalc("diff", "resnet18", "resnet34", "--format", form)
    assert ran.status == 0
    for text in ("conv4_x/rest_2", "86.5", "21,814,696" if form != "json" else "21814696"):
        assert text in ran.out


@pytest.mark.parametrize("form", ["plain", "side-by-side"])
def test_shapes_are_in_the_layout_of_the_specs(archcalc: Archcalc, tmp_path: Path, form: str) -> None:
    paths = [str(tmp_path / f"{channels}.yaml") for channels in (8, 16)]
    for path, channels in zip(paths, (8, 16), strict=True):
        Path(path).write_text(f"layout: hwc\ninput: 32x24x3\nlayers:\n  - conv {channels} k3\n")
    ran = archcalc("diff", *paths, "--format", form)
    assert ran.status == 0
    assert "30x22x16" in ran.out
    assert "16x30x22" not in ran.out


@pytest.mark.parametrize("specs", [("resnet50", "resnet50-v1.5"), ("vit:b_16", "vit:b_32"), ("lenet5", "unet")])
def test_json_follows_its_schema(archcalc: Archcalc, specs: tuple[str, str]) -> None:
    found = json.loads(archcalc("diff", *specs, "--format", "json", "--fail-on", "macs > +2%").out)
    jsonschema.validate(found, json.loads(schemas()["diff"]))
    totals = found["networks"][0]["totals"]
    assert totals["params"]["new"] - totals["params"]["old"] == sum(
        change["params"] for change in found["networks"][0]["changes"]
    )


@pytest.mark.parametrize(
    ("limit", "status"),
    [
        ("macs > +2%", 1),
        ("macs > +6%", 0),
        ("macs > 1.05x", 1),
        ("macs > 4G", 1),
        ("params > +0%", 0),
        ("macs > 2%", 2),
    ],
)
def test_limits_decide_about_the_exit_status(archcalc: Archcalc, limit: str, status: int) -> None:
    ran = archcalc("diff", "resnet50", "resnet50-v1.5", "--fail-on", limit)
    assert ran.status == status
    assert ("over the limit" in ran.out) == (status == 1)


def test_a_baseline_limits_the_sum_of_small_steps(
    archcalc: Archcalc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def write(name: str, width: int) -> None:
        Path(name).write_text(f"input: 1x1x1\nlayers:\n  - only: conv {width} k1 nobias\n")

    write("net.yaml", 1000)
    archcalc("validate", "net.yaml", "--baseline", "base.json", "--update-baseline")
    write("old.yaml", 1009)
    write("net.yaml", 1018)
    arguments = ("diff", "old.yaml", "net.yaml", "--fail-on", "params > +1%")
    assert archcalc(*arguments).status == 0
    ran = archcalc(*arguments, "--baseline", "base.json")
    assert ran.status == 1
    assert "compared with the baseline: params 1,000 → 1,018" in ran.out
    write("other.yaml", 1018)
    ran = archcalc("diff", "old.yaml", "other.yaml", *arguments[3:], "--baseline", "base.json")
    assert ran.status == 0
    assert "base.json has no entry for other.yaml" in ran.out


def test_a_baseline_without_limits_is_an_error(archcalc: Archcalc) -> None:
    ran = archcalc("diff", "lenet5", "alexnet", "--baseline", "missing.json")
    assert ran.status == 2
    assert "--baseline needs --fail-on" in ran.err


def test_the_baseline_of_the_configuration_applies(
    archcalc: Archcalc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("archcalc.toml").write_text('baseline = "base.json"\n')
    text = "input: 1x1x1\nlayers:\n  - only: conv {} k1 nobias\n"
    Path("net.yaml").write_text(text.format(1000))
    archcalc("validate", "net.yaml", "--update-baseline")
    Path("net.yaml").write_text(text.format(1018))
    ran = archcalc("diff", "1x1x1 -> conv 1009 k1 nobias", "net.yaml", "--fail-on", "params > +1%")
    assert ran.status == 1
    assert "compared with the baseline" in ran.out


def test_reports_are_written_to_files(archcalc: Archcalc, tmp_path: Path) -> None:
    files = {form: tmp_path / f"report.{form}" for form in ("json", "markdown", "side-by-side")}
    reports = [f"--report={form}={path}" for form, path in files.items()]
    ran = archcalc("diff", "resnet18", "resnet34", *reports, "-o", str(tmp_path / "text"))
    assert ran.status == 0
    assert ran.out == ""
    assert json.loads(files["json"].read_text())["schema"] == 1
    assert files["markdown"].read_text().startswith(diff_markdown.MARKER)
    assert "ResNet-34 has 8 more rest blocks" in tmp_path.joinpath("text").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lenet5",), "expected two SPECs"),
        (("lenet5", "lenet5", "lenet5"), "expected two SPECs"),
        (("lenet5", "nothing"), "no bundled network 'nothing'"),
        (("-", "-"), "can be read only once"),
        (("a", "b", "c", "--", "."), "expected one or two revisions"),
        (("HEAD", "--"), "expected one or two revisions"),
        (("lenet5", "."), "is a folder"),
    ],
)
def test_wrong_arguments_are_one_error(archcalc: Archcalc, arguments: tuple[str, ...], message: str) -> None:
    ran = archcalc("diff", *arguments)
    assert ran.status == 2
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_the_errors_of_both_specs_are_reported(archcalc: Archcalc) -> None:
    ran = archcalc("diff", "3x9x9 -> rilu", "3x9x9 -> tanhh")
    assert ran.status == 2
    assert "rilu" in ran.err
    assert "tanhh" in ran.err


class Tags(HTMLParser):
    """Collects the elements of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.append(tag)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a network, as the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text("input: 3x9x9\nlayers:\n  - stem: conv 4 k3\n  - head: gap -> fc 10\n")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "one")
    return tmp_path


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("form", FORMATS)
def test_names_of_networks_mean_nothing_in_any_format(archcalc: Archcalc, form: str) -> None:
    text = Path("net.yaml").read_text()
    evil = 'name: "<script>alert(1)</script> | @someone `x` ![](http://x)"\n' + text.replace("conv 4", "conv 5")
    Path("net.yaml").write_text(evil)
    ran = archcalc("diff", "HEAD", "--format", form, "--", ".")
    assert ran.status == 0
    if form in ("markdown", "side-by-side"):
        assert "script" not in Tags(ran.out).found
        assert "img" not in Tags(ran.out).found
    if form == "markdown":
        assert "@someone" not in ran.out
        assert "`x`" not in ran.out


@pytest.mark.usefixtures("repository")
def test_nothing_differs(archcalc: Archcalc) -> None:
    ran = archcalc("diff", "HEAD", "--", ".")
    assert ran.status == 0
    assert ran.out == "HEAD → the working tree: no network differs\n"


@pytest.mark.usefixtures("repository")
def test_two_revisions_may_be_written_as_in_git(archcalc: Archcalc) -> None:
    git("checkout", "-qb", "topic")
    Path("net.yaml").write_text(Path("net.yaml").read_text().replace("conv 4", "conv 5"))
    git("commit", "-qam", "two")
    git("checkout", "-q", "main")
    Path("other.yaml").write_text("input: 3x9x9\nlayers: [conv 4 k3]\n")
    git("add", "-A")
    git("commit", "-qm", "three")
    assert archcalc("diff", "main..topic", "--", ".").lines[0].endswith("2 networks: 1 changed, 1 removed")
    assert archcalc("diff", "main...topic", "--", ".").lines[0].endswith("1 network: 1 changed")


def test_numbers_of_any_size_are_compared(archcalc: Archcalc) -> None:
    specs = ("1x9x3 -> conv 3 k3", f"1x{'9' * 340}x3 -> conv 3 k3", "--max-digits", "400", "--max-axes", "4")
    for form in FORMATS:
        assert archcalc("diff", *specs, "--fail-on", "macs > 2x", "--format", form).status == 1


@pytest.mark.usefixtures("repository")
def test_a_comment_is_never_longer_than_github_allows(archcalc: Archcalc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff_markdown, "MAX_LENGTH", 4_000)
    for number in range(60):
        text = Path("net.yaml").read_text().replace("conv 4", f"conv {number + 5}")
        Path(f"net{number}.yaml").write_text(text)
    ran = archcalc("diff", "HEAD", "--format", "markdown", "--", ".")
    assert len(ran.out) <= 4_000
    left = int(ran.lines[-1].split()[0])
    assert left + ran.out.count("<b>net") >= 60


@pytest.mark.usefixtures("repository")
def test_several_networks_have_a_table_of_their_own(archcalc: Archcalc) -> None:
    Path("net.yaml").write_text(Path("net.yaml").read_text().replace("conv 4", "conv 5"))
    Path("more.yaml").write_text("input: 3x9x9\nlayers: [conv 4 k3]\n")
    ran = archcalc("diff", "HEAD", "--", ".")
    assert ran.lines[0] == "HEAD → the working tree: 2 networks: 1 added, 1 changed"
    assert ran.line("net.yaml").split()[1] == "changed"
    assert ran.line("more.yaml").split()[1] == "added"


@pytest.mark.parametrize("width", [40, 80, 120])
def test_lines_fit_the_terminal(width: int) -> None:
    from archcalc.changes import compare
    from archcalc.changes.files import ComparedNetwork
    from archcalc.report.diff_formats import diff_text
    from archcalc.report.diff_tables import NetworkComparison
    from tests.changes.networks import analysis

    old, new = analysis("resnet18"), analysis("resnet34")
    network = ComparedNetwork(name="resnet34", status="changed", old=old, new=new, diff=compare(old, new))
    text = diff_text(NetworkComparison("resnet18", "resnet34", (network,)), "rich", width=width)
    assert max(map(len, text.splitlines())) <= width


def test_the_layers_side_by_side_have_their_figures(archcalc: Archcalc) -> None:
    page = archcalc("diff", "3x8x8 -> conv 4 k3 -> relu", "3x8x8 -> conv 6 k3 -> relu", "--format", "side-by-side").out
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", page.partition('class="pairs"')[2])
    assert cells[:10] == [
        "conv_1",
        "conv 4 k3",
        "4x6x6",
        "112",
        "3,888",
        "conv_1",
        "conv 6 k3",
        "6x6x6",
        "168",
        "5,832",
    ]
    titles = re.findall(r"<th[^>]*>([^<]*)</th>", page)
    assert titles[-10:] == ["layer", "operator", "output", "params", "MACs"] * 2


def test_a_page_folds_two_unchanged_layers_or_more(archcalc: Archcalc) -> None:
    def folded(between: str) -> int:
        chain = f"3x8x8 -> conv {{}} k3 -> {between} -> conv {{}} k3"
        page = archcalc("diff", chain.format(4, 4), chain.format(6, 6), "--format", "side-by-side").out
        return page.count("layers without changes of their own")

    assert folded("relu -> tanh -> relu -> tanh -> relu") == 0
    assert folded("relu -> tanh -> relu -> tanh -> relu -> tanh") == 1


def test_an_additional_stage_is_not_called_a_block(archcalc: Archcalc) -> None:
    ran = archcalc("diff", "lenet1", "lenet5")
    assert "LeNet-5 has the additional stage c5;" in ran.out
    assert ran.line("+ c5").split()[2:6] == ["stage", "of", "2", "layers"]
