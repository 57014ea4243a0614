# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the integration tests share: real programs on the loopback, one temporary directory per
# file, and an end that fails when anything is left behind.
#
# Environment: MB_BIN (the programs; default build/dev/bin), MB_BUILD_DIR (for cmake --install).
# Everything of a test file lives below $T. Every process inherits MB_TEST_MARK=$T, so that
# leftovers are found whoever their parent is.
# shellcheck disable=SC2034,SC2154 # the tests use what is set here; bats sets status and its kin
bats_require_minimum_version 1.5.0

SRC=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
SUPPORT=$SRC/tests/support
MB_BUILD_DIR=${MB_BUILD_DIR:-$SRC/build/dev}
MB_BIN=${MB_BIN:-$MB_BUILD_DIR/bin}
# shellcheck source-path=SCRIPTDIR source=../support/common.sh
. "$SUPPORT/common.sh"

FOUR=linux/amd64,linux/arm64,linux/ppc64le,linux/s390x
# A date for reproducible builds.
EPOCH=1700000000

# ---- one test file -------------------------------------------------------------------------

# To be called first in setup_file.
begin_file() {
    T=$(mktemp -d /tmp/mbt.XXXXXX)
    chmod 0755 "$T"
    mkdir -p "$T"/{pids,tmp,config,state,runtime}
    chmod 1777 "$T/tmp"
    export T MB_TEST_MARK=$T TMPDIR=$T/tmp
    export XDG_CONFIG_HOME=$T/config XDG_STATE_HOME=$T/state XDG_RUNTIME_DIR=$T/runtime
    export MBCLUSTER_STATE=$T/state/mbcluster
    unset MBCLUSTER_CLUSTER DOCKER_CONFIG SOURCE_DATE_EPOCH
    find /proc/sys/fs/binfmt_misc -mindepth 1 2>/dev/null | sort >"$T/binfmt.before"
    make_bases
}

# The bases are made once and shared by all files; a second run needs no network.
make_bases() {
    local shared
    shared=$(cache_dir)/bases
    mkdir -p "$shared"
    (
        flock 9
        [ -e "$shared/layout/index.json" ] || {
            rm -rf "$shared/layout" "$shared/new"
            "$SUPPORT/make-bases" "$shared/new"
            mv "$shared/new" "$shared/layout"
        }
    ) 9>"$shared/lock"
    cp -r "$shared/layout" "$T/bases"
    BASE_CONTEXT=busybox=oci-layout://$T/bases:latest
    export BASE_CONTEXT
}

# To be called last in teardown_file; what it prints is why the file fails.
end_file() {
    local pidfile failed=0
    # Agents end before their coordinator, which was started first.
    while read -r pidfile; do
        stop_daemon "$pidfile" || failed=1
    done < <(find "$T/pids" -type f -printf '%T@ %f\n' | sort -rn | cut -d ' ' -f 2)
    [ ! -e "$T/registry/pid" ] || "$SUPPORT/registry" stop "$T/registry" || failed=1
    check_nothing_left || failed=1
    check_files || failed=1
    find /proc/sys/fs/binfmt_misc -mindepth 1 2>/dev/null | sort | cmp -s - "$T/binfmt.before" || {
        echo "the host's binfmt_misc is not what it was"
        failed=1
    }
    kill_leftovers
    remove_user
    [ "$failed" -eq 0 ] || show_logs
    remove_tree "$T" || failed=1
    return "$failed"
}

show_logs() {
    local log
    for log in "$T"/*/log; do
        case $log in */registry*/log) continue ;; esac
        [ -e "$log" ] || continue
        echo "--- last lines of $log"
        tail -n 15 "$log" | cut -c 1-300
    done
}

# ---- leftovers -----------------------------------------------------------------------------

# Process ids of the daemons that the tests started, and of all their descendants.
daemon_family() {
    local roots
    roots=$(cat "$T"/pids/* "$T"/registry*/pid 2>/dev/null) || true
    ps -e -o pid=,ppid= | awk -v roots="$roots" '
        BEGIN { n = split(roots, r); for (i = 1; i <= n; i++) family[r[i]] = 1 }
        { parent[$1] = $2 }
        END { do { more = 0
                   for (p in parent)
                       if (!(p in family) && parent[p] in family) { family[p] = 1; more = 1 }
              } while (more)
              for (p in family) print p }'
}

# marked_processes: "PID COMMAND" of processes that are ours by environment, command line, working
# directory or root, but neither daemons nor this shell and its relatives.
marked_processes() {
    local pid known cmd
    known=" $(daemon_family | tr '\n' ' ') $(relatives | tr '\n' ' ') "
    while read -r pid; do
        [[ $known != *" $pid "* ]] || continue
        # It may end while we look: what is gone after the look was not left behind.
        cmd=$({ tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null) || true
        gone "$pid" || printf '%s %s\n' "$pid" "$cmd"
    done < <(ours)
}

# Process ids of all that is ours, ourselves included.
ours() {
    # Processes end while we look, and some may not be looked at: no failure of ours.
    {
        grep -slazxF "MB_TEST_MARK=$T" /proc/[0-9]*/environ || true
        grep -slaF "$T" /proc/[0-9]*/cmdline || true
        find /proc/[0-9]*/cwd /proc/[0-9]*/root -maxdepth 0 -lname "*$T*" 2>/dev/null || true
    } | cut -d / -f 3 | sort -u
}

# This shell, what is above it, and the processes that bats keeps beside it.
relatives() {
    ps -e -o pid=,ppid=,args= | awk -v me=$$ '
        { parent[$1] = $2; if ($0 ~ /bats/) print $1 }
        END { for (p = me; p > 0; p = parent[p]) print p }'
}

# Mounts that mention $T in any mount namespace, but those of daemons.
marked_mounts() {
    local pid known
    known=" $(daemon_family | tr '\n' ' ') "
    while read -r pid; do
        [[ $known == *" $pid "* ]] || { grep -sF "$T" "/proc/$pid/mountinfo" || true; } | sed "s/^/process $pid: /"
    done < <(grep -slF "$T" /proc/[0-9]*/mountinfo | cut -d / -f 3 || true)
}

nothing_left() { [ -z "$(marked_processes)$(marked_mounts)" ]; }

# Ends of processes take a moment; what is still there after 10 s is left over.
check_nothing_left() {
    wait_until 10 nothing_left && return 0
    echo "left running: $(marked_processes)"
    echo "left mounted: $(marked_mounts | head -n 5)"
    return 1
}

kill_leftovers() {
    local pid
    while read -r pid _; do
        [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    done < <(marked_processes)
}

# No file half-written, no work directory forgotten, every blob what its name says.
check_files() {
    local found
    found=$(find "$T" \( -path '*/layers/tmp/*/*' -o -path "$T/tmp/*" \) -prune -print 2>/dev/null | head -n 5)
    [ -z "$found" ] || {
        echo "left on disk: $found"
        return 1
    }
    check_stores
}

check_stores() {
    local dir blob sum failed=0
    while read -r dir; do
        for blob in "$dir"/*; do
            [ -f "$blob" ] || continue
            sum=$(sha256sum <"$blob" | cut -d ' ' -f 1)
            [ "$sum" = "${blob##*/}" ] || {
                echo "not what its name says: $blob"
                failed=1
            }
        done
    done < <(find "$T" -path "$T/bases" -prune -o -path '*/blobs/sha256' -type d -print 2>/dev/null)
    return "$failed"
}

# ---- running and judging -------------------------------------------------------------------

# mb ARGS...: the CLI.
mb() { "$MB_BIN/mbcluster" "$@"; }

# must COMMAND...: run it; when it fails, so does the test, with its output.
must() {
    run --separate-stderr "$@" 3>&-
    [ "$status" -eq 0 ] && return 0
    echo "status $status: $*"
    printf '%s\n' "$output" "$stderr"
    return 1
}

# Messages of failure in stderr: the CLI's, or a daemon's in journald's form.
messages() { grep -cE '^(ERROR: |mbcluster[a-z-]*: |<[0-3]>)' <<<"$stderr" || true; }

# must_fail STATUS COMMAND...: it ends with that status, and with exactly one message.
must_fail() {
    local want=$1 messages
    shift
    run --separate-stderr "$@" 3>&-
    messages=$(messages)
    [ "$status" -eq "$want" ] && [ "$messages" -eq 1 ] && return 0
    echo "status $status (want $want), $messages messages (want 1): $*"
    printf '%s\n' "$output" "$stderr"
    return 1
}

# says TEXT...: stderr of the last command has each of them.
says() {
    local text
    for text; do
        grep -qF -- "$text" <<<"$stderr" || {
            echo "stderr does not say: $text"
            printf '%s\n' "$stderr"
            return 1
        }
    done
}

# says_match REGEX
says_match() {
    grep -qE -- "$1" <<<"$stderr" || {
        echo "stderr does not match: $1"
        printf '%s\n' "$stderr"
        return 1
    }
}

equal() {
    [ "$1" = "$2" ] || {
        echo "want: $2"
        echo "have: $1"
        return 1
    }
}

# context NAME: a new build context below $T; the Dockerfile comes from stdin. Sets $C.
context() {
    C=$T/context-$1
    rm -rf "$C"
    mkdir -p "$C"
    cat >"$C/Dockerfile"
}

# waiting_build NAME [OPTION...]: a build whose RUN waits for ever; returns when it does. BUILD_PID is the
# CLI, its output in $T/NAME.err; sleeper prints the process id of what waits.
waiting_build() {
    local name=$1
    shift
    WAIT_SECONDS=9$((RANDOM % 90000 + 10000))
    context "$name" <<END
FROM busybox
RUN echo before > /before
RUN echo waiting; exec sleep $WAIT_SECONDS
END
    # A shell without job control would have SIGINT ignored in what it starts in the background.
    env --default-signal=INT,QUIT "$MB_BIN/mbcluster" build --progress plain --platform linux/amd64 \
        --build-context "$BASE_CONTEXT" "$@" "$C" >"$T/$name.out" 2>"$T/$name.err" 3>&- &
    BUILD_PID=$!
    wait_until 60 sleeper >/dev/null || {
        echo "the build does not get to its RUN"
        cat "$T/$name.err"
        return 1
    }
}

sleeper() { pgrep -f "^sleep $WAIT_SECONDS\$"; }

# build_ends SECONDS: the waiting build ends in time; sets status and stderr as must_fail does.
build_ends() {
    wait_until "$1" gone "$BUILD_PID" || {
        echo "the build does not end within $1 s"
        return 1
    }
    status=0
    wait "$BUILD_PID" || status=$?
    stderr=$(cat "${C/context-/}.err")
}

# ends_with_one_message SECONDS
ends_with_one_message() {
    build_ends "$1" || return 1
    [ "$status" -eq 1 ] && [ "$(messages)" -eq 1 ] && return 0
    echo "status $status (want 1), or not exactly one message"
    printf '%s\n' "$stderr"
    return 1
}

# ---- daemons -------------------------------------------------------------------------------

port_is_free() { ! (exec 9<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
port_is_open() { ! port_is_free "$1"; }

# free_port: below the range from which the kernel gives out ports.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 10000))
        port_is_free "$port" && break
    done
    echo "$port"
}

# daemon NAME COMMAND...: in the background, its output in $T/NAME/log.
daemon() {
    local name=$1
    shift
    mkdir -p "$T/$name"
    setsid "$@" </dev/null >>"$T/$name/log" 2>&1 3>&- &
    echo $! >"$T/pids/$name"
    disown
}

daemon_pid() { cat "$T/pids/$1"; }

# stop_daemon NAME: by TERM; that it needs KILL is a failure.
stop_daemon() {
    local pid
    [ -e "$T/pids/$1" ] || return 0
    pid=$(daemon_pid "$1")
    kill -TERM "$pid" 2>/dev/null || true
    if ! wait_until 15 gone "$pid"; then
        echo "$1 does not end within 15 s of a TERM"
        kill -KILL "$pid" 2>/dev/null || true
        rm -f "$T/pids/$1"
        return 1
    fi
    rm -f "$T/pids/$1"
}

# log_has NAME REGEX
log_has() { grep -qE -- "$2" "$T/$1/log"; }

registry_start() {
    REG=$("$SUPPORT/registry" start "$T/registry" 3>&-)
    export REG
    skopeo --insecure-policy copy --quiet --all --preserve-digests --dest-tls-verify=false \
        "oci:$T/bases:latest" "docker://$REG/library/busybox:latest"
}

# coordinator_start [NAME]: sets and exports ADDRESS and HTTP; its state is $T/NAME/state.
coordinator_start() {
    local name=${1:-coordinator}
    [ -n "${PORT:-}" ] || PORT=$(free_port)
    HTTP_PORT=$(free_port)
    export PORT HTTP_PORT
    daemon "$name" "$MB_BIN/mbcluster-coordinator" --listen "tcp://127.0.0.1:$PORT" \
        --http "127.0.0.1:$HTTP_PORT" --state-dir "$T/$name/state"
    wait_until 20 coordinator_answers "$name" || {
        echo "the coordinator does not listen"
        cat "$T/$name/log"
        return 1
    }
}

coordinator_answers() {
    ! gone "$(daemon_pid "$1")" && port_is_open "$PORT" && port_is_open "$HTTP_PORT"
}

# token ROLE [OPTION...]
token() {
    local role=$1
    shift
    "$MB_BIN/mbcluster-coordinator" token --state-dir "$T/coordinator/state" --role "$role" "$@"
}

client_join() {
    MBCLUSTER_CLUSTER=$(token client)
    export MBCLUSTER_CLUSTER
}

# agent_start NAME OPTION...: with its own OCI runtime, which notes what it runs in $T/NAME/runtime.log.
agent_start() {
    local name=$1
    shift
    logging_runtime "$name"
    daemon "$name" "$MB_BIN/mbcluster-agent" --join "$(token agent)" --state-dir "$T/$name/state" \
        --name "$name" --runtime "$T/$name/crun" "$@"
    wait_until 60 agent_ready "$name" || {
        echo "agent $name does not get ready"
        mb ls || true
        tail -n 20 "$T/$name/log" "$T/coordinator/log"
        return 1
    }
}

agent_ready() {
    mb ls --format json 2>/dev/null |
        jq -es --arg n "$1" 'any(.name == $n and .state == "ready")' >/dev/null
}

# It runs as a subordinate id, so its log is writable by all. Each container is one line: its command.
logging_runtime() {
    mkdir -p "$T/$1"
    : >"$T/$1/runtime.log"
    chmod 0666 "$T/$1/runtime.log"
    cat >"$T/$1/crun" <<END
#!/bin/sh
bundle=.
previous=
for word; do
    case \$previous in -b | --bundle) bundle=\$word ;; esac
    case \$word in --bundle=*) bundle=\${word#*=} ;; esac
    previous=\$word
done
case " \$* " in
*" run "* | *" create "*) jq -c .process.args "\$bundle/config.json" >>"$T/$1/runtime.log" ;;
esac
exec crun "\$@"
END
    chmod 0755 "$T/$1/crun"
}

# ---- images --------------------------------------------------------------------------------

raw() { skopeo inspect --raw --tls-verify=false "$1"; }

# platforms SOURCE: of an index, in its order.
platforms() {
    raw "$1" | jq -r '[.manifests[].platform | [.os, .architecture, .variant // empty] | join("/")] | join(",")'
}

# archive_index FILE: digest of the nested index of an OCI archive; there must be just one descriptor.
archive_index() {
    tar -xOf "$1" index.json | jq -er 'if (.manifests | length) == 1 then .manifests[0].digest else error("not one descriptor") end'
}

# fetch SOURCE PLATFORM DIR: one platform's image, by skopeo, into an OCI layout (which checks digests).
fetch() {
    local os arch variant
    IFS=/ read -r os arch variant <<<"$2"
    skopeo --insecure-policy --override-os "$os" --override-arch "$arch" \
        ${variant:+--override-variant "$variant"} copy --quiet --src-tls-verify=false "$1" "oci:$3:image"
}

# blob DIR DIGEST
blob() { cat "$1/blobs/sha256/${2#sha256:}"; }

# image_config DIR: of a layout made by fetch.
image_config() {
    local manifest
    manifest=$(jq -r '.manifests[0].digest' "$1/index.json")
    blob "$1" "$(blob "$1" "$manifest" | jq -r .config.digest)"
}

# check_layers DIR: each layer's digest, and its diffID by gzip and sha256sum.
check_layers() {
    local manifest digest want have i=0
    manifest=$(jq -r '.manifests[0].digest' "$1/index.json")
    for digest in $(blob "$1" "$manifest" | jq -r '.layers[].digest'); do
        equal "sha256:$(blob "$1" "$digest" | sha256sum | cut -d ' ' -f 1)" "$digest" || return 1
        want=$(image_config "$1" | jq -r ".rootfs.diff_ids[$i]")
        have=sha256:$(blob "$1" "$digest" | gzip -dc | sha256sum | cut -d ' ' -f 1)
        equal "$have" "$want" || return 1
        i=$((i + 1))
    done
    equal "$(image_config "$1" | jq '.rootfs.diff_ids | length')" "$i"
}

# tree_of DIR: the files of a layout's image, whiteouts applied, into DIR.tree.
tree_of() {
    umoci unpack --rootless --image "$1:image" "$1.bundle" >/dev/null
    rm -rf "$1.tree"
    mv "$1.bundle/rootfs" "$1.tree"
}

run_image() { "$SUPPORT/run-image" "$@" 3>&-; }

# ---- an ordinary user ----------------------------------------------------------------------

# user_start: an ordinary user with subordinate ids, made when we are root. The programs are
# installed where this user can read them.
user_start() {
    local user=mbt${T##*.}
    user=${user,,}
    if [ "$(id -u)" -eq 0 ]; then
        useradd --create-home --home-dir "$T/home" --shell /bin/sh "$user"
        grep -q "^$user:" /etc/subuid 2>/dev/null ||
            usermod --add-subuids 3000000-3065535 --add-subgids 3000000-3065535 "$user"
        echo "$user" >"$T/user"
    fi
    mkdir -p "$T/prefix"
    cmake --install "$MB_BUILD_DIR" --prefix "$T/prefix" >"$T/prefix/install.log"
    cp -r "$SRC/examples" "$T/examples"
    chmod -R a+rX "$T/prefix" "$T/examples" "$T/bases"
}

# as_user COMMAND...: with an environment of its own.
as_user() {
    local become=() user
    user=$(id -un)
    if [ "$(id -u)" -eq 0 ]; then
        user=$(cat "$T/user")
        become=(setpriv --reuid "$user" --regid "$user" --init-groups)
    fi
    (
        cd / || exit 1
        exec "${become[@]}" env -i HOME="$T/home" USER="$user" PATH="$PATH" MB_TEST_MARK="$T" TMPDIR="$T/tmp" \
            ${SOURCE_DATE_EPOCH:+SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH"} "$@"
    )
}

remove_user() {
    [ -e "$T/user" ] || return 0
    userdel "$(cat "$T/user")" 2>/dev/null || true
}
