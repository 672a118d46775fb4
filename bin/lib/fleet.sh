# shellcheck shell=bash
# Starts and stops a private hub and agents for the demonstrations and benchmarks in bin/.
#
# Everything lives below $FLEET (a new directory under /tmp) and ends with the script. Ports are
# free ones, so several fleets can run side by side.

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CONFIGURATION=${SKERRY_CONFIGURATION:-release}
SKERRY=$REPO/.build/$CONFIGURATION/skerry
FLEET=$(mktemp -d /tmp/skerry-XXXXXX)
export SKERRY_CONFIG=$FLEET/config.yaml XDG_CACHE_HOME=$FLEET/cache
FLEET_HOST=${FLEET_HOST:-127.0.0.1}
ENGINE=${ENGINE:-process}

# Builds what the scripts run, unless it is there.
fleet_build() {
    if [ ! -x "$SKERRY" ] || [ ! -x "$REPO/.build/$CONFIGURATION/route-optimizer" ]; then
        swift build --package-path "$REPO" -c "$CONFIGURATION" --product skerry
        swift build --package-path "$REPO" -c "$CONFIGURATION" --product route-optimizer
    fi
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
        --enrolment-port "$ENROLMENT" 2>>"$FLEET/hub.log" &
    HUB_PID=$!
}

# The client's context for this fleet's hub.
hub_context() {
    "$SKERRY" hub init --state "$FLEET/hub" --bind "$FLEET_HOST" --advertise "$FLEET_HOST" \
        --management-port "$MANAGEMENT" 2>>"$FLEET/hub.log"
}

hub_wait() { wait_until 20 "the hub to answer" "$SKERRY" version; }

# agent_start NODE [TOKEN]: in the namespace $NETNS if that is set.
agent_start() {
    local node=$1 token=${2:-} prefix=()
    [ -n "${NETNS:-}" ] && prefix=(ip netns exec "$NETNS")
    SKERRY_TOKEN=$token "${prefix[@]}" "$SKERRY" agent --state "$FLEET/$node" --node "$node" \
        --socket "$FLEET/$node.sock" --engine "$ENGINE" --ports "$FIRST-$((FIRST + 99))" \
        --search-path "$(dirname "$SKERRY")" 2>>"$FLEET/$node.log" &
    AGENT_PID=$!
}

site_apply() {
    printf 'apiVersion: skerry.dev/v1\nkind: Site\nmetadata: {name: %s}\nspec: {}\n' "$1" |
        "$SKERRY" apply -f - >/dev/null
}

token() { "$SKERRY" token create --site "$1"; }

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

# Processes of this fleet's workloads: those whose environment names one of its nodes.
workload_pids() {
    local node=$1 directory
    for directory in /proc/[0-9]*; do
        if tr '\0' '\n' 2>/dev/null <"$directory/environ" | grep -qx "SKERRY_NODE=$node"; then
            if tr '\0' '\n' 2>/dev/null <"$directory/environ" | grep -q "^SKERRY_CONTAINER=.*$node"; then
                basename "$directory"
            fi
        fi
    done
}

# percentile P NUMBERS...: nearest rank.
percentile() {
    local p=$1
    shift
    printf '%s\n' "$@" | sort -n | awk -v p="$p" '{v[NR]=$1} END {i=int((NR*p+99)/100); if(i<1)i=1; print v[i]}'
}

fleet_stop() {
    local node pid
    [ -n "${HUB_PID:-}" ] && kill -9 "$HUB_PID" 2>/dev/null
    for pid in $(jobs -p); do kill -9 "$pid" 2>/dev/null; done
    for node in "$FLEET"/*.sock; do
        for pid in $(workload_pids "$(basename "$node" .sock)"); do kill -9 "$pid" 2>/dev/null; done
    done
    wait 2>/dev/null
    rm -rf "$FLEET"
}
