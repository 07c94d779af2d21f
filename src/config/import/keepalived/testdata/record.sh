#!/bin/sh
# What the real keepalived puts into the real table: run it as root on a machine with both, such as that of test/ipvs-vm.
# A line of JSON each: the name of a configuration, and what ipvsadm -Sn says then. Servers count as up from the beginning;
# a network in which nobody answers keeps it so while we look.
here=$(dirname "$0")
ip link set lo up
modprobe dummy
ip link add sluice0 type dummy
ip address add 203.0.113.1/24 dev sluice0
ip -6 address add 2001:db8::1/64 dev sluice0 nodad
ip link set sluice0 up
ip route add default dev sluice0
ip -6 route add default dev sluice0
for file in "$here"/servers.conf /usr/share/doc/keepalived/samples/keepalived.conf.*; do
    grep -q '^ *virtual_server' "$file" || continue
    ipvsadm -C
    keepalived -C -n -l -f "$file" -p /tmp/k.pid -c /tmp/c.pid >/tmp/k.log 2>&1 &
    seen=none
    now=
    for _ in 1 2 3 4 5 6 7 8; do
        [ "$now" = "$seen" ] && [ -n "$now" ] && break
        seen=$now
        sleep 0.5
        now=$(ipvsadm -Sn)
    done
    kill $!
    wait $!
    printf '{"file":"%s","rules":[%s]}\n' "$(basename "$file")" "$(echo "$now" | sed 's/.*/"&"/' | paste -sd,)"
done
