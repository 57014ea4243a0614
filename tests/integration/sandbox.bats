#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a RUN sees: a container of its own, whoever runs the build.
load helpers

setup_file() {
    begin_file
    context sandbox <<'END'
FROM busybox
RUN echo "pid $$" > /facts \
    && grep -E '^(Seccomp|NoNewPrivs|CapEff|CapBnd):' /proc/self/status >> /facts \
    && echo "uid $(id -u)" >> /facts \
    && cat /proc/self/uid_map > /uid_map \
    && ls -a / > /root-listing \
    && cat /proc/self/mountinfo > /mountinfo \
    && cat /proc/self/cgroup > /cgroup \
    && env > /environment \
    && ls /proc/self/fd > /fds \
    && (ls /proc | grep -E '^[0-9]+$' > /pids) \
    && (cat /proc/kcore > /dev/null 2> /kcore || true)
END
    mb build --platform linux/amd64,linux/s390x --build-context "$BASE_CONTEXT" \
        -o "type=oci,dest=$T/facts.oci.tar" "$C" >"$T/build.log" 2>&1 3>&- || {
        cat "$T/build.log"
        return 1
    }
    local arch
    for arch in amd64 s390x; do
        fetch "oci-archive:$T/facts.oci.tar" linux/$arch "$T/$arch"
        tree_of "$T/$arch"
    done
}

teardown_file() { end_file; }

@test "it is pid 1, with seccomp and no new privileges" {
    local arch
    for arch in amd64 s390x; do
        grep -x 'pid 1' "$T/$arch.tree/facts"
        grep -xE 'Seccomp:[[:space:]]2' "$T/$arch.tree/facts"
        grep -xE 'NoNewPrivs:[[:space:]]1' "$T/$arch.tree/facts"
    done
}

@test "its uid 0 is no host root" {
    grep -x 'uid 0' "$T/amd64.tree/facts"
    # What the host sees of a RUN that waits.
    waiting_build uid
    run awk '/^Uid:/ { print $2 }' "/proc/$(sleeper)/status"
    local uid=$output
    kill -INT "$BUILD_PID"
    build_ends 20
    [ "$uid" -gt 0 ]
}

@test "capabilities are the default set, not all" {
    local caps
    caps=$(awk '/^CapBnd:/ { print $2 }' "$T/amd64.tree/facts")
    # CAP_SYS_ADMIN is bit 21, CAP_NET_ADMIN bit 12, CAP_SYS_MODULE bit 16.
    equal "$((16#$caps & (1 << 21 | 1 << 12 | 1 << 16)))" 0
}

@test "no file of the agent is reachable" {
    local arch
    for arch in amd64 s390x; do
        run ! grep -E 'oldroot|\.pivot|lost\+found' "$T/$arch.tree/root-listing"
        # /etc/resolv.conf and the like may be bound; a state directory may not.
        awk '{ print $5 }' "$T/$arch.tree/mountinfo" >"$T/targets"
        run ! grep -vE '^/($|proc|sys|dev|etc/(resolv.conf|hosts|hostname)$|run($|/))' "$T/targets"
    done
}

@test "it sees only its own processes" {
    [ "$(wc -l <"$T/amd64.tree/pids")" -le 4 ]
}

@test "no descriptor and no environment of the agent leaks in" {
    # 0, 1, 2 and the one that lists them.
    [ "$(wc -l <"$T/amd64.tree/fds")" -le 4 ]
    run ! grep -E 'MB_TEST_MARK|XDG_|MBCLUSTER' "$T/amd64.tree/environment"
}

@test "what the runtime makes for its mounts is not in the image" {
    local path
    # The base has no /etc/resolv.conf and no /etc/hosts.
    for path in etc/resolv.conf etc/hosts dev/null dev/console; do
        [ ! -e "$T/amd64.tree/$path" ]
    done
}

@test "FROM scratch with one static program gets nothing else" {
    context scratch <<'END'
FROM busybox AS tools
FROM scratch
COPY --from=tools /bin/busybox /busybox
RUN ["/busybox", "true"]
END
    must mb build --platform linux/amd64,linux/arm64 --build-context "$BASE_CONTEXT" \
        -o "type=oci,dest=$T/scratch.oci.tar" "$C"
    local arch
    for arch in amd64 arm64; do
        fetch "oci-archive:$T/scratch.oci.tar" linux/$arch "$T/scratch-$arch"
        tree_of "$T/scratch-$arch"
        equal "$(cd "$T/scratch-$arch.tree" && find . -mindepth 1)" ./busybox
    done
}

@test "--network none has no interface but the loopback" {
    context network <<'END'
FROM busybox
RUN ls /sys/class/net > /interfaces || ip -o link > /interfaces
RUN test "$(grep -c . /proc/net/dev)" = 3
END
    must mb build --network none --platform linux/amd64 --build-context "$BASE_CONTEXT" "$C"
}
