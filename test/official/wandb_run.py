"""One run by the official client: init, log, alert, an HTML file, console lines, finish."""

import json
import sys
import types

ENTITY, PROJECT, RUN = sys.argv[1:4]


def stub(name: str, **attributes) -> None:
    """wandb imports OpenTelemetry for traces of its own, which not every mirror of PyPI has; none of it is used against a server without it."""
    module = types.ModuleType(name)
    module.__dict__.update(attributes)
    sys.modules[name] = module


for package in ("opentelemetry", "opentelemetry.sdk", "opentelemetry.sdk.metrics"):
    stub(package, __path__=[])
stub("opentelemetry._logs", SeverityNumber=type("SeverityNumber", (), {"ERROR": 17, "INFO": 9, "WARN": 13}))
stub("opentelemetry.metrics", Counter=object)
stub("opentelemetry.sdk.metrics.export", AggregationTemporality=type("AggregationTemporality", (), {"DELTA": 1}))

import wandb  # noqa: E402

run = wandb.init(
    entity=ENTITY,
    project=PROJECT,
    id=RUN,
    name="a name",
    job_type="prepare-dataset",
    tags=["one", "two"],
    notes="some notes",
    config={"version": "0.1.0", "labels": ["department"], "spec": {"department": {"seed": 42}}},
)
print(json.dumps({"page": "/".join(run.url.split("/")[3:])}), flush=True)  # what the test reads is a line of the console, too
print("to stderr", file=sys.stderr, flush=True)
run.log({"db_connection_status": "success"})
run.log({"department_records_fetched": 90})
run.alert(title="Department Dataset Updated", text="90 rows", level=wandb.AlertLevel.WARN, wait_duration=0)
run.log({"report": wandb.Html("<p>report</p>", inject=False)})
run.finish(exit_code=3)
