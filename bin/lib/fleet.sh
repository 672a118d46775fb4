# shellcheck shell=bash
# Starts and stops a private hub and agents for the demonstrations and benchmarks in bin/.
#
# Everything lives below $FLEET (a new directory under /tmp) and ends with the script. Ports are
# free ones, so several fleets can run side by side.

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CONFIGURATION=${SKERRY_CONFIGURATION:-release}
# SKERRY_BIN_DIR names a directory with binaries that were built before.
BINARIES=${SKERRY_BIN_DIR:-$REPO/.build/$CONFIGURATION}
SKERRY=$BINARIES/skerry
FLEET=$(mktemp -d /tmp/skerry-XXXXXX)
export SKERRY_CONFIG=$FLEET/config.yaml XDG_CACHE_HOME=$FLEET/cache
FLEET_HOST=${FLEET_HOST:-127.0.0.1}
ENGINE=${ENGINE:-process}
HUB_PID='' AGENT_PID=''
# Every process started here, by its id: those of hubs and agents.
FLEET_PIDS=()
FLEET_NODES=()

# Builds what the scripts run, unless it is there. An engine gets the example's image as well.
fleet_build() {
    local product
    for product in skerry route-optimizer; do
        [ -x "$BINARIES/$product" ] && continue
        if [ -n "${SKERRY_BIN_DIR:-}" ]; then
            echo "there is no $product in SKERRY_BIN_DIR ($SKERRY_BIN_DIR)" >&2
            return 1
        fi
        swift build --package-path "$REPO" -c "$CONFIGURATION" --product "$product" >&2
    done
    if [ "$ENGINE" != process ]; then image_load; fi
}

# Loads the example's image into the engine whose API socket is $ENGINE.
image_load() {
    "$REPO/bin/image" "$FLEET/image.tar" "$BINARIES/route-optimizer" >&2
    curl -fsS --unix-socket "$ENGINE" -X POST -H 'Content-Type: application/x-tar' \
        -H 'Expect:' --data-binary "@$FLEET/image.tar" http://localhost/v1.40/images/load >&2
    rm "$FLEET/image.tar"
}

# workload NAME [PORT]: the example as a manifest under another name, with a fixed port if given.
workload() {
    awk -v name="$1" -v port="${2:-}" '
        /^---/ { exit }                       # the first document is enough
        /^  name: / && !named { $0 = "  name: " name; named = 1 }
        /- name: http$/ && port { sub(/name: http/, "{name: http, port: " port "}") }
        { print }' "$REPO/Examples/route-optimizer/workload.yaml"
}

# Four ports that are free now: fleet_ports sets MANAGEMENT CONTROL ENROLMENT FIRST.
fleet_ports() {
    local base
    while :; do
        base=$((30000 + RANDOM % 20000))
        if ! ss -Hltn "( sport >= :$base and sport <= :$((base + 120)) )" | grep -q .; then break; fi
    done
    MANAGEMENT=$base CONTROL=$((base + 1)) ENROLMENT=$((base + 2)) FIRST=$((base + 10))
}

hub_start() {
    "$SKERRY" hub --state "$FLEET/hub" --bind "$FLEET_HOST" --advertise "$FLEET_HOST" \
        --management-port "$MANAGEMENT" --control-port "$CONTROL" \
        --enrolment-port "$ENROLMENT" >/dev/null 2>>"$FLEET/hub.log" &
    HUB_PID=$!
    disown # else the shell remarks on each kill
    FLEET_PIDS+=("$HUB_PID")
}

# The client's context for this fleet's hub.
hub_context() {
    "$SKERRY" hub init --state "$FLEET/hub" --bind "$FLEET_HOST" --advertise "$FLEET_HOST" \
        --management-port "$MANAGEMENT" 2>>"$FLEET/hub.log"
}

hub_wait() { wait_until 20 "the hub to answer" "$SKERRY" version; }

# agent_start NODE [TOKEN]: in the namespace $NETNS if that is set.
agent_start() {
    local node=$1 token=${2:-} prefix=(env)
    [ -n "${NETNS:-}" ] && prefix=(ip netns exec "$NETNS")
    SKERRY_TOKEN=$token "${prefix[@]}" "$SKERRY" agent --state "$FLEET/$node" --node "$node" \
        --socket "$FLEET/$node.sock" --engine "$ENGINE" --ports "$FIRST-$((FIRST + 99))" \
        --search-path "$BINARIES" >/dev/null 2>>"$FLEET/$node.log" &
    AGENT_PID=$!
    disown
    FLEET_PIDS+=("$AGENT_PID")
    FLEET_NODES+=("$node")
}

site_apply() {
    printf 'apiVersion: skerry.dev/v1\nkind: Site\nmetadata: {name: %s}\nspec: {}\n' "$1" |
        "$SKERRY" apply -f - >/dev/null
}

token() { "$SKERRY" token create --site "$1" 2>/dev/null; }

# The port of a workload's first instance on a node, as the node itself says.
port_of() {
    SKERRY_SOCKET=$FLEET/$1.sock "$SKERRY" --context local get instances -o json \
        -l "workload=$2" | grep -o '"http" *: *[0-9]*' | grep -o '[0-9]*$' | head -n 1
}

# wait_until SECONDS WHAT COMMAND...: polls; fails with the logs' last lines.
wait_until() {
    local limit=$1 what=$2 start=$SECONDS
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS - start >= limit)); then
            echo "waited $limit s in vain for $what; the logs in $FLEET end with:" >&2
            tail -n 5 "$FLEET"/*.log >&2
            return 1
        fi
        sleep 0.02
    done
}

now_ms() { local t=${EPOCHREALTIME/./}; echo $((t / 1000)); }

# Processes of a node's workloads under the process engine, which names itself in their environment.
workload_pids() {
    # Processes come and go while grep reads: a file that vanished is no failure.
    { grep -lsxzF "SKERRY_ENGINE=$FLEET/$1/processes" /proc/[0-9]*/environ || true; } |
        sed 's|/proc/\(.*\)/environ|\1|'
}

# Ids of a node's containers in the engine $ENGINE, stopped ones as well.
container_ids() {
    curl -s --unix-socket "$ENGINE" --get http://localhost/v1.40/containers/json \
        --data-urlencode all=1 --data-urlencode "filters={\"label\":[\"skerry.node=$1\"]}" |
        grep -o '"Id":"[0-9a-f]*"' | cut -d'"' -f4
}

# Kills everything a node runs with SIGKILL, as a power cut would.
workloads_kill() {
    local id
    if [ "$ENGINE" = process ]; then
        for id in $(workload_pids "$1"); do kill -9 "$id" 2>/dev/null || true; done
    else
        for id in $(container_ids "$1"); do
            curl -s -o /dev/null -X POST --unix-socket "$ENGINE" \
                "http://localhost/v1.40/containers/$id/kill"
        done
    fi
}

# Removes what a node ran.
workloads_clear() {
    local id
    workloads_kill "$1"
    [ "$ENGINE" = process ] && return
    for id in $(container_ids "$1"); do
        curl -s -o /dev/null -X DELETE --unix-socket "$ENGINE" \
            "http://localhost/v1.40/containers/$id?force=true"
    done
}

# percentile P NUMBERS...: nearest rank.
percentile() {
    local p=$1
    shift
    printf '%s\n' "$@" | sort -n | awk -v p="$p" '{v[NR]=$1} END {i=int((NR*p+99)/100); if(i<1)i=1; print v[i]}'
}

alive() { kill -0 "$1" 2>/dev/null; }

# killed PID: ends it with SIGKILL and waits until it is gone; nothing if it is gone already.
killed() {
    kill -9 "$1" 2>/dev/null || true
    while alive "$1"; do sleep 0.01; done
}

fleet_stop() {
    local node pid
    for pid in "${FLEET_PIDS[@]}" $(jobs -p); do killed "$pid"; done
    # An agent that was only asked to stop, by Ctrl-C, has left its workloads running.
    for node in "${FLEET_NODES[@]}"; do workloads_clear "$node"; done
    rm -rf "$FLEET"
}
