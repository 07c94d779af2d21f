// Command lines drawn at random, the same each time: what nobody thought of. Each case works on one table and shows it at
// its end.

let state = 20240611
const below = (n) => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0
  return (state >>> 8) % n
}
const pick = (all) => all[below(all.length)]
const upTo = (count, all) => Array.from({ length: below(count + 1) }, () => pick(all))

const services = [
  '-t 192.168.188.100:80',
  '-u 192.168.188.100:53',
  '--sctp-service 192.168.188.100:9000',
  '-f 7',
  '-f 7 -6',
  '-t [fd00:188::100]:443',
  '-t 192.168.188.100 -p',
  '-t 192.168.188.101:http',
  '-u 192.168.188.101:domain',
  '-t 192.168.188.100:0',
  '-t fd00:188::100',
  '-u [fd00:188::100]:53',
  '--tcp-service=192.168.188.100:80',
  '-f 9',
]

const serviceOptions = [
  ...['-s rr', '-s wlc', '-s sh', '-s mh', '-s nosuch', '-p', '-p 50', '-p50', '--persistent=70'],
  ...['-M 255.255.255.0', '-M 64', '-M 24', '--netmask 255.255.0.0', '-o', '--pe sip', '--pe sap'],
  ...['-b sh-port', '-b flag-1,flag-2', '-b mh-port', '-b sh-fallback', '-b bad', '-n', '-w 3', '-6'],
]

const servers = [
  ...['192.168.188.81:80', '192.168.188.82', '192.168.188.83:8080', '192.168.188.81:http', '192.168.188.300:80'],
  ...['[fd00:188::81]:443', 'fd00:188::82', '[fd00:188::83]', '[fe80::1]:80', '[::1]:80', '[::ffff:10.0.0.1]:80'],
  ...['192.168.188.8:80', '127.0.0.1:80', '0.0.0.0:80', '224.0.0.9'],
]

const serverOptions = [
  ...['-m', '-g', '-i', '--masquerading', '-w 0', '-w 5', '-w 70000', '--weight=9'],
  ...['-x 5', '-y 5', '-x 5 -y 3', '-x 3 -y 5', '-n', '-o', '-s rr', '--stats'],
  ...['--tun-type gue', '--tun-type gre', '--tun-type ipip', '--tun-port 6080', '--tun-csum', '--tun-nocsum'],
  ...['--tun-remcsum', '-i --tun-type gue --tun-port 6080', '-i --tun-type gre --tun-csum'],
]

const listOptions = [
  ...['-n', '-c', '--stats', '--rate', '--exact', '-X', '--thresholds', '--persistent-conn', '--tun-info', '--sort'],
  ...['--timeout', '--daemon', '-6', '-t 192.168.188.100:80', '-f 7', '-f 7 -6', '-u 192.168.188.100:53'],
  ...['-t [fd00:188::100]:443', '--sctp-service 192.168.188.100:9000', '-w 1', '-t 192.168.188.101:http'],
]

const table = [
  '-A -t 192.168.188.100:80 -s rr -p 50 -M 255.255.255.0',
  '-a -t 192.168.188.100:80 -r 192.168.188.81:80 -m -w 3 -x 10 -y 5',
  '-A -u 192.168.188.100:53 -o',
  '-A -f 7 -s sh -b sh-port',
  '-A -f 7 -6 -p -M 64',
  '-A --sctp-service 192.168.188.100:9000',
  '-A -t [fd00:188::100]:443 -s mh -b mh-fallback',
  '-a -t [fd00:188::100]:443 -r [fd00:188::81]:443 -i --tun-type gre --tun-csum',
]

/** Commands, as often as they stand here. */
const kinds = [
  ...['-A', '-A', '-A', '-E'].map((name) => () => [name, pick(services), ...upTo(3, serviceOptions)]),
  () => ['-D', pick(services), ...upTo(1, serviceOptions)],
  ...['-a', '-a', '-a', '-e'].map((name) => () => [
    name,
    pick(services),
    '-r',
    pick(servers),
    ...upTo(3, serverOptions),
  ]),
  () => ['-d', pick(services), '-r', pick(servers), ...upTo(1, serverOptions)],
  () => ['-Z', ...upTo(1, services)],
  () => ['-L', ...upTo(4, listOptions)],
]

const shows = ['-L', '-Ln --thresholds', '-Ln --persistent-conn', '-Ln --tun-info', '-L --stats', '-Lnc', '-Ln --rate']

export const drawn = Object.fromEntries(
  Array.from({ length: 45 }, (_, i) => [
    `drawn ${i}`,
    [...(below(3) ? table : []), ...Array.from({ length: 8 }, () => pick(kinds)().join(' ')), '-Ln', '-S', pick(shows)],
  ]),
)
