#!/usr/bin/env python3
"""What kernel IPVS makes of packets, for test/golden/packets.json. Run in the virtual machine: see README.md.

Three namespaces: client - director - real server. Frames are put on the wire and taken off it by packet sockets, so every
byte is known; those of kind "local" come from the client's own UDP socket, with their checksum left to the device."""
import json, os, socket, struct, subprocess, sys, time, threading

def sh(line, ok=True):
    r = subprocess.run(line, shell=True, capture_output=True, text=True)
    if ok and r.returncode: print('FAILED', line, r.stderr, file=sys.stderr)
    return r.stdout

import ctypes
libc = ctypes.CDLL(None, use_errno=True)
class Netns:
    def __init__(self, name): self.name = name
    def __enter__(self):
        self.home = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
        fd = os.open('/run/netns/' + self.name, os.O_RDONLY)
        assert libc.setns(fd, 0x40000000) == 0; os.close(fd)
    def __exit__(self, *_): libc.setns(self.home, 0x40000000); os.close(self.home)

C, V, S, D1 = '198.18.0.10', '198.18.0.100', '198.18.1.11', '198.18.1.1'
MC, MD0, MD1, MS = '02000000000a', '020000000001', '020000000101', '02000000010b'
colons = lambda m: ':'.join(m[i:i + 2] for i in range(0, 12, 2))
def up():
    for n in 'c d s'.split():
        sh(f'ip netns del {n}', False); sh(f'ip netns add {n}; ip -n {n} link set lo up')
        with Netns(n):
            open('/proc/sys/net/ipv6/conf/all/disable_ipv6', 'w').write('1'); open('/proc/sys/net/ipv6/conf/default/disable_ipv6', 'w').write('1')
            for s in ('all', 'default'):
                open(f'/proc/sys/net/ipv4/conf/{s}/rp_filter', 'w').write('0')
    sh(f'''ip link add eth0 netns c address {colons(MC)} type veth peer name eth0 netns d address {colons(MD0)}
    ip link add eth0 netns s address {colons(MS)} type veth peer name eth1 netns d address {colons(MD1)}
    ip -n c addr add {C}/24 dev eth0; ip -n c link set eth0 up; ip -n c route add default via 198.18.0.1
    ip -n d addr add 198.18.0.1/24 dev eth0; ip -n d addr add {V}/32 dev eth0; ip -n d addr add {D1}/24 dev eth1
    ip -n d link set eth0 up; ip -n d link set eth1 up; ip -n d neigh add {C} lladdr {colons(MC)} nud permanent dev eth0
    ip -n d neigh add {S} lladdr {colons(MS)} nud permanent dev eth1
    ip -n s link set eth0 up; ip -n c neigh add {V} lladdr {colons(MD0)} nud permanent dev eth0''')
    with Netns('d'): open('/proc/sys/net/ipv4/ip_forward', 'w').write('1')
    # no address at the server: its stack answers nothing
    # what the device would fill in is filled in before it leaves
    sh('ip netns exec d ethtool -K eth1 tx off; ip netns exec d ethtool -K eth0 tx off')

def csum(b):
    if len(b) & 1: b += b'\0'
    s = sum(struct.unpack(f'!{len(b) // 2}H', b))
    while s > 0xffff: s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff
A = socket.inet_aton
def ip(src, dst, proto, payload, ttl=64, tos=0, ident=0x1234, frag=0):
    h = struct.pack('!BBHHHBBH4s4s', 0x45, tos, 20 + len(payload), ident, frag, ttl, proto, 0, A(src), A(dst))
    return h[:10] + struct.pack('!H', csum(h)) + h[12:] + payload
def udp(src, dst, sp, dp, payload, check=None):
    u = struct.pack('!HHHH', sp, dp, 8 + len(payload), 0) + payload
    c = csum(A(src) + A(dst) + struct.pack('!BBH', 0, 17, len(u)) + u) or 0xffff
    return u[:6] + struct.pack('!H', c if check is None else check) + u[8:]
def tcp(src, dst, sp, dp, flags, payload=b''):
    t = struct.pack('!HHIIBBHHH', sp, dp, 0x01020304, 0, 0x50, flags, 64240, 0, 0) + payload
    c = csum(A(src) + A(dst) + struct.pack('!BBH', 0, 6, len(t)) + t)
    return t[:16] + struct.pack('!H', c) + t[18:]
tab = []
for i in range(256):
    c = i
    for _ in range(8): c = (c >> 1) ^ (0x82f63b78 if c & 1 else 0)
    tab.append(c)
def crc32c(b):
    c = 0xffffffff
    for x in b: c = tab[(c ^ x) & 255] ^ (c >> 8)
    return c ^ 0xffffffff
def sctp(sp, dp, chunks, tag=0x11223344):
    p = struct.pack('!HHII', sp, dp, tag, 0) + chunks
    return p[:8] + struct.pack('<I', crc32c(p)) + p[12:]
def chunk(t, body=b'', flags=0):
    b = struct.pack('!BBH', t, flags, 4 + len(body)) + body
    return b + b'\0' * (-len(b) % 4)
def data(n, seed=1):
    out, x = bytearray(), seed
    for _ in range(n):
        x = (x * 1664525 + 1013904223) & 0xffffffff; out.append(x >> 24)
    return bytes(out)

def psock(ns, dev='eth0'):
    with Netns(ns):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        s.bind((dev, 3)); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        return s
def drain(s, wait=0.25):
    out = []; s.settimeout(wait)
    try:
        while True:
            f, a = s.recvfrom(70000)
            if a[2] != 4: out.append(f)   # not our own
    except TimeoutError: pass
    except socket.timeout: pass
    return out
H = bytes.fromhex
def from_client(p): cs.send(H(MD0) + H(MC) + b'\x08\0' + p)
def from_server(p): ss.send(H(MD1) + H(MS) + b'\x08\0' + p)
def vs(args): 
    for a in args.split(';'): print(end=sh(f'ip netns exec d ipvsadm {a.strip()}'), file=sys.stderr)

def tunnels():
    out = []
    kinds = {'ipip': '', 'gue': '--tun-type gue --tun-port 6080 --tun-nocsum', 'gue csum': '--tun-type gue --tun-port 6080 --tun-csum',
             'gue remcsum': '--tun-type gue --tun-port 6080 --tun-remcsum', 'gre': '--tun-type gre --tun-nocsum', 'gre csum': '--tun-type gre --tun-csum'}
    for k, (kind, o) in enumerate(kinds.items()):
        vs(f'-C; -A -t {V}:80 -s rr; -a -t {V}:80 -r {S} -i {o}; -A -u {V}:80 -s rr; -a -u {V}:80 -r {S} -i {o}; -A --sctp-service {V}:80 -s rr; -a --sctp-service {V}:80 -r {S} -i {o}')
        port = 20000 + k
        packets = [
            ('tcp syn', ip(C, V, 6, tcp(C, V, port, 80, 2))),
            ('tcp, DF', ip(C, V, 6, tcp(C, V, port, 80, 0x10, data(33)), frag=0x4000, tos=0xb8)),
            ('udp', ip(C, V, 17, udp(C, V, port, 80, data(32)))),
            ('udp, odd, ECT(0)', ip(C, V, 17, udp(C, V, port, 80, data(33)), ttl=2, tos=2)),
            ('udp without checksum', ip(C, V, 17, udp(C, V, port, 80, data(101), 0))),
            ('udp, wrong checksum', ip(C, V, 17, udp(C, V, port, 80, data(40), 0x1111))),
            ('udp, long', ip(C, V, 17, udp(C, V, port, 80, data(1200)))),
            ('sctp init', ip(C, V, 132, sctp(port, 80, chunk(1, data(16))))),
        ]
        drain(ss, 0.05)
        for what, p in packets:
            from_client(p); got = drain(ss)
            out.append(dict(tunnel=kind, what=what, sent=p.hex(), got=[g[14:].hex() for g in got if g[12:14] == b'\x08\0']))
        with Netns('c'):
            u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind((C, 21000 + k)); u.sendto(data(40), (V, 80)); u.close()
        got = drain(ss)
        out.append(dict(tunnel=kind, what='udp, checksum left to the device', got=[g[14:].hex() for g in got if g[12:14] == b'\x08\0']))
        # an error about the tunnel packet, from a router on the way
        from_client(packets[1][1]); got = [g for g in drain(ss) if g[12:14] == b'\x08\0']
        for t, c, info in ((3, 4, 1400), (3, 3, 0), (11, 0, 0)):
            if not got: continue
            drain(cs, 0.05)
            for n in (28 + 0, 128):
                q = got[0][14:14 + n]
                m = struct.pack('!BBHI', t, c, 0, info) + q; m = m[:2] + struct.pack('!H', csum(m)) + m[4:]
                from_server(ip(S, D1, 1, m))
                back = drain(cs, 0.15)
                out.append(dict(tunnel=kind, what=f'icmp {t}/{c} info {info} quoting {n}', got=[g[14:].hex() for g in back if g[12:14] == b'\x08\0']))
        sh('ip -n d route flush cache')
        # the MTU: which sizes pass, what the client is told
        sh('ip -n d link set eth1 mtu 1000')
        for n in range(1000 - 20 - 8 - 50, 1000 - 20 - 8 + 1, 1):
            p = ip(C, V, 17, udp(C, V, port, 80, data(n)), frag=0x4000)
            drain(cs, 0.01); from_client(p); back = [g for g in drain(cs, 0.04) if g[12:14] == b'\x08\0' and g[23] == 1]
            if back: 
                out.append(dict(tunnel=kind, what='too big with DF, first size', size=28 + n, got=[b[14:].hex() for b in back])); break
        sh('ip -n d link set eth1 mtu 1500')
    return out

SCTP = dict(DATA=0, INIT=1, INIT_ACK=2, SACK=3, HEARTBEAT=4, HEARTBEAT_ACK=5, ABORT=6, SHUTDOWN=7, SHUTDOWN_ACK=8, ERROR=9, COOKIE_ECHO=10, COOKIE_ACK=11, ECNE=12, CWR=13, SHUTDOWN_COMPLETE=14, AUTH=15, ASCONF=0xc1)
EV = ['DATA', 'INIT', 'INIT_ACK', 'COOKIE_ECHO', 'COOKIE_ACK', 'SHUTDOWN', 'SHUTDOWN_ACK', 'SHUTDOWN_COMPLETE', 'ERROR', 'ABORT', 'SACK', 'HEARTBEAT', 'AUTH', 'ASCONF']
def settle(side):
    # the packet has come out at the other end, or never will
    s = ss if side == 'c' else cs
    s.settimeout(0.05)
    try:
        while True:
            f, a = s.recvfrom(2000)
            if a[2] != 4: return
    except socket.timeout: pass
def ipsec():
    out = []
    for mode, opt in (('masq', '-m'), ('direct', '-g'), ('tunnel', '-i')):
        vs(f'-C; -A -u {V}:500 -s rr; -a -u {V}:500 -r {S}:500 {opt}')
        for what, p in (('esp before', ip(C, V, 50, data(40))), ('isakmp', ip(C, V, 17, udp(C, V, 500, 500, data(30)))), ('esp', ip(C, V, 50, data(40))), ('ah', ip(C, V, 51, data(40))),
                        ('esp reply', ip(S, C, 50, data(40)))):
            drain(ss, 0.05); drain(cs, 0.05)
            (from_server if 'reply' in what else from_client)(p)
            out.append(dict(method=mode, what=what, sent=p.hex(), got=[g[14:].hex() for g in drain(cs if 'reply' in what else ss) if g[12:14] == b'\x08\0']))
        with Netns('d'): out.append(dict(method=mode, conns=open('/proc/thread-self/net/ip_vs_conn').read(), stats=sh('ip netns exec d ipvsadm -Ln --stats')))
    return out
def conns():
    with Netns('d'): lines = open('/proc/thread-self/net/ip_vs_conn').read().split('\n')[1:]
    r = {}
    for l in lines:
        f = l.split()
        if len(f) > 8: r[int(f[2], 16)] = (f[7], int(f[8]))
    return r
def sctp_states():
    out = {}
    sh('ip -n c addr flush dev eth0')   # nor does the client's
    sh(f'ip -n d route add {C}/32 dev eth0', False)
    with Netns('d'): open('/proc/sys/net/ipv4/vs/conn_reuse_mode', 'w').write('0')
    for mode, opt in (('masq', '-m'), ('direct', '-g')):
        vs(f'-C; -A --sctp-service {V}:80 -s rr; -a --sctp-service {V}:80 -r {S}:80 {opt}')
        with Netns('d'): open('/proc/sys/net/ipv4/vs/sloppy_sctp', 'w').write('1')
        nextport = [22000 if mode == 'masq' else 42000]
        paths = {}       # state -> list of (side, chunk)
        rows = {}
        frontier = [('NONE', [])]; seen = {'NONE'}
        sides = ['c', 's'] if mode == 'masq' else ['c']
        while frontier:
            tries = []
            for st, path in frontier:
                for side in sides if path else ['c']:
                    for e in EV:
                        port = nextport[0]; nextport[0] += 1
                        for (sd, ev) in path + [(side, e)]:
                            if sd == 'c': from_client(ip(C, V, 132, sctp(port, 80, chunk(SCTP[ev], data(16)))))
                            else: from_server(ip(S, C, 132, sctp(80, port, chunk(SCTP[ev], data(16)))))
                            if ev != e or True: settle(sd)
                        tries.append((st, side, e, port, path))
                time.sleep(0.1)
            time.sleep(0.3); got = conns(); drain(ss, 0.01); drain(cs, 0.01)
            frontier = []
            for st, side, e, port, path in tries:
                to = got.get(port)
                rows.setdefault(side + ' ' + st, {})[e] = to
                if to and to[0] not in seen:
                    seen.add(to[0]); frontier.append((to[0], path + [(side, e)]))
        out[mode] = rows
        # the output side from states that masq only reaches, and bundles
        bundles = [('COOKIE_ECHO', 'ABORT'), ('COOKIE_ECHO', 'DATA'), ('COOKIE_ACK', 'ABORT'), ('DATA', 'ABORT'), ('INIT', 'ABORT'), ('SACK', 'SHUTDOWN'), ('AUTH', 'COOKIE_ECHO'), ('COOKIE_ACK', 'DATA', 'ABORT'), ('SACK', 'ABORT'), ('COOKIE_ACK', 'SHUTDOWN')]
        bt = []
        for pre in ([], [('c', 'INIT')], [('c', 'INIT'), ('c', 'COOKIE_ECHO')] if mode == 'direct' else [('c', 'INIT'), ('s', 'INIT_ACK'), ('c', 'COOKIE_ECHO'), ('s', 'COOKIE_ACK')]):
            for b in bundles:
                port = nextport[0]; nextport[0] += 1
                for sd, ev in pre:
                    if sd == 'c': from_client(ip(C, V, 132, sctp(port, 80, chunk(SCTP[ev], data(16)))))
                    else: from_server(ip(S, C, 132, sctp(80, port, chunk(SCTP[ev], data(16)))))
                    settle(sd)
                from_client(ip(C, V, 132, sctp(port, 80, b''.join(chunk(SCTP[e], data(15)) for e in b)))); settle('c')
                bt.append((pre, b, port))
        time.sleep(0.3); got = conns()
        out[mode + ' bundles'] = [(pre, b, got.get(port)) for pre, b, port in bt]
        with Netns('d'): open('/proc/sys/net/ipv4/vs/sloppy_sctp', 'w').write('0')
        res = []
        for i, e in enumerate(EV + ['INIT+ABORT', 'EMPTY', 'DATA+INIT']):
            port = nextport[0]; nextport[0] += 1
            ch = b'' if e == 'EMPTY' else b''.join(chunk(SCTP[x], data(16)) for x in e.split('+'))
            from_client(ip(C, V, 132, sctp(port, 80, ch))); settle('c'); res.append((e, port))
        time.sleep(0.2); got = conns()
        out[mode + ' begins'] = {e: got.get(p) for e, p in res}
    # NAT to another port: the checksum
    vs(f'-C; -A --sctp-service {V}:80 -s rr; -a --sctp-service {V}:80 -r {S}:8080 -m')
    nat = []
    for i, (what, p) in enumerate([('init', sctp(23000, 80, chunk(1, data(16)))), ('data', sctp(23000, 80, chunk(0, data(333)))),
        ('wrong checksum', sctp(23000, 80, chunk(0, data(33)))[:8] + b'\1\2\3\4' + sctp(23000, 80, chunk(0, data(33)))[12:]),
        ('zero checksum', sctp(23000, 80, chunk(0, data(33)))[:8] + b'\0\0\0\0' + sctp(23000, 80, chunk(0, data(33)))[12:])]):
        drain(ss, 0.02); from_client(ip(C, V, 132, p)); nat.append((what, ip(C, V, 132, p).hex(), [g[14:].hex() for g in drain(ss)]))
    drain(cs, 0.02); p = ip(S, C, 132, sctp(8080, 23000, chunk(2, data(16)))); from_server(p); nat.append(('reply', p.hex(), [g[14:].hex() for g in drain(cs)]))
    # abort of a missing service: no server
    out['nat'] = nat
    return out

if __name__ == '__main__':
    os.environ['PYTHONUNBUFFERED'] = '1'
    up(); cs, ss = psock('c'), psock('s'); drain(cs, 0.2)
    r = {}
    for part in sys.argv[1:]: r[part] = globals()[part]()
    print(json.dumps(r))
