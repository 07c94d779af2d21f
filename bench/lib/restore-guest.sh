#!/usr/bin/env bash
# In the virtual machine of test/ipvs-vm: 10,000 services of four servers are restored and listed, by ipvsadm and by ours.
set -euo pipefail
services=${1:-10000}
ip netns add real
ip netns add ours
for n in real ours; do ip -n $n link set lo up; done
rules=/dev/shm/rules
awk -v n="$services" 'BEGIN { for (i = 0; i < n; i++) { s = sprintf("-t 198.18.%d.%d:80", i / 250, 1 + i % 250); print "-A", s, "-s rr"
  for (r = 1; r <= 4; r++) print "-a", s, "-r 198.19.0." r ":80 -m -w 1" } }' >$rules
TIMEFORMAT=%R
timed() { # what, command
  local what=$1
  shift
  { time "$@" >/dev/shm/out; } 2>/dev/shm/took || { cat /dev/shm/took >&2; exit 1; }
  echo "$what $(tail -n 1 /dev/shm/took) $(wc -l </dev/shm/out)"
}
restore() { ip netns exec "$1" "$2" -R <$rules; }
# the program is loaded by the first edit, as the kernel's modules are loaded here already
timed load ip netns exec ours bin/ipvsadm -A -t 198.18.255.1:80 -s rr
ip netns exec ours bin/ipvsadm -D -t 198.18.255.1:80
timed real-restore restore real ipvsadm
timed real-list ip netns exec real ipvsadm -Ln
timed ours-restore restore ours bin/ipvsadm
timed ours-list ip netns exec ours bin/ipvsadm -Ln
timed ours-edit ip netns exec ours bin/ipvsadm -e -t 198.18.7.7:80 -r 198.19.0.1:80 -m -w 2
ip netns exec ours bin/ipvsadm -C
head -n 50 $rules | ip netns exec ours bin/ipvsadm -R
timed ours-edit-ten ip netns exec ours bin/ipvsadm -e -t 198.18.0.1:80 -r 198.19.0.1:80 -m -w 2
