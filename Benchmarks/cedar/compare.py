"""Measures cedarpy and regopy on the workload that cedar-bench wrote, and checks their answers."""

import json
import pathlib
import sys
import time

directory = pathlib.Path(sys.argv[1])
policies = (directory / "policies.cedar").read_text()
entities_text = (directory / "entities.json").read_text()
entities = json.loads(entities_text)
requests = [json.loads(line) for line in (directory / "requests.jsonl").read_text().splitlines()]
ours = float((directory / "rate").read_text())


def best(seconds, rounds, count):
    """Decisions a second in the best of a few rounds: the machine may be busy in the others."""
    return max(count / seconds() for _ in range(rounds))


def measure_cedarpy():
    import cedarpy

    parsed = cedarpy.PolicySet.from_str(policies)
    known = cedarpy.Entities.from_json_str(entities_text)
    batch = [
        {key: request[key] for key in ("principal", "action", "resource", "context")}
        for request in requests
    ]
    answers = cedarpy.is_authorized_batch(batch, parsed, known)
    wrong = sum(a.allowed != r["allow"] for a, r in zip(answers, requests))

    def seconds():
        start = time.process_time()
        cedarpy.is_authorized_batch(batch, parsed, known)
        return time.process_time() - start

    return best(seconds, 5, len(batch)), wrong


ROLES = ["viewer", "operator", "approver", "security", "admin", "auditor", "installer", "support"]
ACTIONS = ["get", "list", "logs", "exec", "apply", "delete", "scale", "restart", "approve", "deny",
           "cordon", "drain"]


def rego():
    """The same 28 policies."""
    rules = ["package authz", "import rego.v1", "default allow := false",
             "allow if { permitted; not forbidden }"]
    for index, role in enumerate(ROLES):
        for step in range(3):
            first = ACTIONS[(index + step * 4) % 12]
            second = ACTIONS[(index + step * 4 + 1) % 12]
            rules.append(
                f'permitted if {{ data.users[input.principal].role == "{role}"; '
                f'input.action in {{"{first}", "{second}"}}; data.workloads[input.resource] }}')
    rules += [
        'permitted if { input.action == "get"; '
        "data.users[input.principal].department == data.workloads[input.resource].owner }",
        'permitted if { input.action in {"scale", "restart"}; '
        "data.users[input.principal].level >= 3; data.workloads[input.resource].tier > 1; "
        "input.context.age < 300 }",
        'forbidden if { input.action in {"exec", "approve"}; input.context.offline }',
        'forbidden if { input.action == "delete"; data.workloads[input.resource].tier == 1; '
        'data.users[input.principal].role != "admin" }',
    ]
    return "\n".join(rules)


def measure_regopy():
    import regopy

    data = {"users": {}, "workloads": {}}
    for entity in entities:
        uid = entity["uid"]
        if uid["type"] == "User":
            data["users"][uid["id"]] = entity["attrs"] | {"role": entity["parents"][0]["id"]}
        if uid["type"] == "Workload":
            data["workloads"][uid["id"]] = entity["attrs"]
    engine = regopy.Interpreter()
    engine.add_module("authz", rego())
    engine.add_data(data)
    bundle = engine.build("data.authz.allow")
    inputs = [
        regopy.Input({
            "principal": r["principal"]["id"], "action": r["action"]["id"],
            "resource": r["resource"]["id"], "context": r["context"]})
        for r in requests
    ]

    def ask(value):
        engine.set_input(value)
        return engine.query_bundle(bundle)

    wrong = 0
    for value, request in zip(inputs[:200], requests):
        wrong += ("true" in str(ask(value))) != request["allow"]

    def seconds():
        start = time.process_time()
        for value in inputs[:500]:
            ask(value)
        return time.process_time() - start

    return best(seconds, 3, min(500, len(inputs))), wrong


print(f"{'engine':32} {'a second':>10}  {'Skerry':>8}  {'goal':>6}  other answers")
print(f"{'Skerry':32} {ours:10,.0f}")
missed = False
for name, measure, goal in [("cedarpy, batch, parsed handles", measure_cedarpy, 5),
                            ("regopy, compiled bundle", measure_regopy, 20)]:
    rate, wrong = measure()
    missed = missed or wrong > 0 or ours / rate < goal
    print(f"{name:32} {rate:10,.0f}  {ours / rate:7.1f}x  {goal:5}x  {wrong}")
sys.exit(1 if missed else 0)
