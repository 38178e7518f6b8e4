"""Checks of deploy/ that no ready-made tool does. Needs PyYAML; run by .ci/deploy from the repository's root.

usage: check.py compose | context FILES | metrics | grafana | expressions
"""

import json
import pathlib
import re
import sys

import yaml

DEPLOY = pathlib.Path("deploy")
RULES = DEPLOY / "prometheus/vigie.rules.yml"
DASHBOARDS = sorted((DEPLOY / "grafana/dashboards").glob("*.json"))
# labels that Prometheus or a histogram adds
GIVEN = {"instance", "job", "le"}


def compose():
    """What Compose accepts and we do not: open ports, passwords, services that nobody can tell to be well."""
    file = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    image_checks_itself = "\nHEALTHCHECK " in (DEPLOY / "Dockerfile").read_text()
    for name, service in file["services"].items():
        for port in service.get("ports", []):
            if not str(port).startswith("127.0.0.1:"):
                yield f"{name}: port {port} is not published on 127.0.0.1 only"
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET", key) and not re.search("_FILE$", key):
                yield f"{name}: {key} is a secret; give a file"
        if "restart" not in service:
            yield f"{name}: no restart policy"
        if "image" not in service or not re.search(r":[\w.-]+$", service["image"]) or service["image"].endswith(":latest"):
            yield f"{name}: the image has no fixed tag"
        if service.get("restart") != "no" and "healthcheck" not in service:
            if not ("build" in service and image_checks_itself):
                yield f"{name}: no health check"
        waited = service.get("depends_on", {})
        if not isinstance(waited, dict) or any("condition" not in w for w in waited.values()):
            yield f"{name}: depends_on without a condition"
    for name, secret in file["secrets"].items():
        if not (DEPLOY / f"{secret['file']}.example").is_file():
            yield f"secret {name}: no {secret['file']}.example"
    for name, config in file["configs"].items():
        path = re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", config["file"])
        if not (DEPLOY / path).is_file():
            yield f"config {name}: no file {path}"
    ready_made = {"vigie.toml": [], "vigie-scale.toml": ["peers = ", "# all replicas", "# Vigie in deploy/"]}
    rest = {
        n: [l for l in (DEPLOY / n).read_text().splitlines() if not l.startswith(tuple(["# Vigie in", *more]))]
        for n, more in ready_made.items()
    }
    if len({"\n".join(lines) for lines in rest.values()}) > 1:
        yield "vigie.toml and vigie-scale.toml differ in more than `peers`"


def context(listing):
    """Files that the build reads must be in the build context."""
    there = set(pathlib.Path(listing).read_text().split("\n"))
    needed = {"Cargo.toml", "Cargo.lock", "src/main.rs", "src/lib.rs", "benches/pipeline.rs", "tests/it/main.rs"}
    for source in pathlib.Path("src").rglob("*.rs"):
        for found in re.findall(r'include(?:_str|_bytes)?!\("([^"]+)"\)', source.read_text()):
            path = (source.parent / found).resolve().relative_to(pathlib.Path.cwd())
            needed.add(path.as_posix())
    needed |= {p.as_posix() for p in pathlib.Path("reports").rglob("*.html")}
    for path in sorted(needed - there):
        yield f"{path} is read by the build, but Dockerfile.dockerignore keeps it out"
    for path in sorted(p for p in there if p.startswith((".git/", "target/", "deploy/", "data/"))):
        yield f"{path} would be sent to the build"


def documented():
    """Metrics of docs/service.md, with their labels and types."""
    metrics = {}
    for line in pathlib.Path("docs/service.md").read_text().splitlines():
        cells = [c.strip() for c in line.split("|")]
        if len(cells) < 6 or not cells[1].startswith("`vigie_"):
            continue
        labels = set(re.findall(r"`(\w+)[`=]", cells[3]))
        for name in re.findall(r"`(vigie_\w+)`", cells[1]):
            metrics[name] = (cells[2], labels)
            if cells[2].startswith("histogram"):
                for suffix, more in (("_bucket", {"le"}), ("_sum", set()), ("_count", set())):
                    metrics[name + suffix] = ("counter", labels | more)
    return metrics


def expressions():
    """(where, expression) of rules and dashboards; Grafana's variables are replaced by values."""
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            yield rule.get("alert") or rule["record"], rule["expr"]
    for where, _, target in targets():
        text = target["expr"].replace("$__rate_interval", "1m").replace("$__range", "1h").replace("$instance", ".*")
        yield where, text


def targets():
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", []):
                yield f"{path.name}, {panel['title']}", panel, target


def metrics():
    known = documented()
    recorded = {rule["record"] for g in yaml.safe_load(RULES.read_text())["groups"] for rule in g["rules"] if "record" in rule}
    missing, wrong = {}, []
    for where, text in expressions():
        for name in recorded:
            text = text.replace(name, "recorded")
        for name, matchers in re.findall(r"\b(vigie_\w+)(?:\{([^}]*)\})?", text):
            if name not in known:
                missing.setdefault(name, where)
                continue
            kind, labels = known[name]
            for label in re.findall(r"(\w+)\s*(?:=|!)", re.sub(r'"[^"]*"', "", matchers)):
                if label not in labels | GIVEN:
                    wrong.append(f"{where}: {name} has no label {label}")
            counted = re.search(rf"\b(rate|increase)\(\s*{name}\b", text)
            if counted and kind == "gauge":
                wrong.append(f"{where}: {counted[1]} of the gauge {name}")
    yield from (f"{name} ({where}) is not in the table of docs/service.md" for name, where in sorted(missing.items()))
    yield from wrong


def grafana():
    provider = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/vigie.yml").read_text())
    source = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"][0]
    volumes = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["grafana"]["volumes"]
    folder = provider["providers"][0]["options"]["path"]
    if f"./grafana/dashboards:{folder}:ro" not in volumes:
        yield f"the provider reads {folder}, which compose.yaml does not mount"
    if source["type"] != "prometheus" or not source.get("uid"):
        yield "the data source is not Prometheus, or has no fixed uid"
    if not DASHBOARDS:
        yield "no dashboard"
    for path in DASHBOARDS:
        board = json.loads(path.read_text())
        variables = {v["name"]: v for v in board["templating"]["list"]}
        if variables.get("datasource", {}).get("type") != "datasource":
            yield f"{path.name}: no variable `datasource`"
        if not board.get("uid") or board.get("id") is not None:
            yield f"{path.name}: a fixed uid and no id are needed"
        own = {"type": "prometheus", "uid": "${datasource}"}
        panels = board["panels"]
        ids = [p["id"] for p in panels]
        for twice in sorted({i for i in ids if ids.count(i) > 1}):
            yield f"{path.name}: panel id {twice} is there twice"
        for v in variables.values():
            if v["type"] == "query" and v["datasource"] != own:
                yield f"{path.name}: variable {v['name']} has another data source"
        taken = {}
        for p in panels:
            g = p["gridPos"]
            if g["x"] + g["w"] > 24:
                yield f"{path.name}, {p['title']}: wider than the grid"
            for cell in ((x, y) for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])):
                if taken.setdefault(cell, p["title"]) != p["title"]:
                    yield f"{path.name}: {p['title']} lies over {taken[cell]}"
                    break
            if p["type"] == "row":
                continue
            if not p.get("description") or not p["fieldConfig"]["defaults"].get("unit") or not p.get("targets"):
                yield f"{path.name}, {p['title']}: description, unit or query is missing"
            if any(d != own for d in [p["datasource"], *(t["datasource"] for t in p["targets"])]):
                yield f"{path.name}, {p['title']}: another data source than the variable"
            for t in p["targets"]:
                for name in re.findall(r"\$\{?(\w+)", t["expr"]):
                    if name not in variables and not name.startswith("__"):
                        yield f"{path.name}, {p['title']}: unknown variable {name}"


def main():
    what, rest = sys.argv[1], sys.argv[2:]
    if what == "expressions":
        rules = [{"record": f"expression{n}", "labels": {"of": where}, "expr": text} for n, (where, text) in enumerate(expressions())]
        print(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}, width=1000))
        return
    checks = {"compose": compose, "context": context, "metrics": metrics, "grafana": grafana}
    problems = list(checks[what](*rest))
    print(*problems, sep="\n", end="\n" if problems else "")
    sys.exit(bool(problems))


main()
