// What the table's wide half was asked: IPv6, firewall marks, SCTP, persistence, tunnels, the synchronization daemons, and
// every option with every command. Questions as in questions.mjs.

const one = '192.168.188.100:80'
const six = '[fd00:188::100]:443'

/** A service of each kind, as a command line names it, and a server that it takes. */
const kinds = {
  tcp: [`-t ${one}`, '192.168.188.81:80'],
  udp: ['-u 192.168.188.100:53', '192.168.188.81:53'],
  sctp: ['--sctp-service 192.168.188.100:9000', '192.168.188.81:9000'],
  'every port': ['-t 192.168.188.100:0', '192.168.188.81:0', '-p'],
  mark: ['-f 7', '192.168.188.81:80'],
  'mark of IPv6': ['-f 7 -6', '[fd00:188::81]:80'],
  'TCP of IPv6': [`-t ${six}`, '[fd00:188::81]:443'],
  'UDP of IPv6': ['-u [fd00:188::100]:53', '[fd00:188::81]:53'],
  'SCTP of IPv6': ['--sctp-service [fd00:188::100]:9000', '[fd00:188::81]:9000'],
  'every port of IPv6': ['-t [fd00:188::100]:0', '[fd00:188::81]:0', '-p'],
}

const views = ['', '--stats', '--rate', '--thresholds', '--persistent-conn', '--tun-info', '--exact --stats']

/** Lives of a service of each kind: made, edited, filled, listed, saved, zeroed, emptied, deleted. */
const lives = Object.fromEntries(
  Object.entries(kinds).map(([kind, [service, server, more = '']]) => [
    `life of a service: ${kind}`,
    [
      `-E ${service} ${more}`,
      `-a ${service} -r ${server}`,
      `-L ${service}`,
      `-Z ${service}`,
      `-D ${service}`,
      `-A ${service} ${more}`,
      `-A ${service} ${more}`,
      `-E ${service} -s sh -b sh-port ${more}`,
      `-E ${service} -s mh -b mh-fallback,mh-port -p 100 --pe sip`,
      `-Sn`,
      `-E ${service} -o ${more}`,
      `-E ${service} -p 5`,
      `-a ${service} -r ${server} -m -w 3 -x 20 -y 10`,
      `-a ${service} -r ${server} -g`,
      `-e ${service} -r ${server} -i -w 4`,
      `-e ${service} -r ${server} -i --tun-type gue --tun-port 6080 --tun-remcsum`,
      '-Ln --tun-info',
      `-e ${service} -r ${server} -i --tun-type gre`,
      '-Ln --tun-info',
      `-e ${service} -r ${server} -m -w 0 -x 7`,
      `-a ${service} -r 192.168.188.82:8080 -i`,
      `-a ${service} -r [fd00:188::82]:8080 -i --tun-type gre --tun-csum`,
      `-a ${service} -r 192.168.188.83:8080 -m`,
      `-a ${service} -r [fd00:188::83]:8080 -m`,
      ...views.map((view) => `-Ln ${view}`),
      ...views.map((view) => `-Ln ${service} ${view}`),
      `-L ${service}`,
      '-S',
      '-Sn',
      `-Z ${service}`,
      `-d ${service} -r ${server}`,
      `-d ${service} -r ${server}`,
      `-d ${service} -r 192.168.188.82:8080`,
      `-d ${service} -r [fd00:188::82]:8080`,
      '-Ln',
      `-D ${service}`,
      '-Ln',
    ],
  ]),
)

/** Commands with what they need at least: each is tried with every option. */
const commands = [
  `-E -t ${one}`,
  `-D -t ${one}`,
  '-C',
  '-Z',
  `-e -t ${one} -r 192.168.188.81:80`,
  `-d -t ${one} -r 192.168.188.81:80`,
  '--set 1 2 3',
  '--stop-daemon master',
  '-S',
  '-h',
  '-v',
  '-A -f 7',
  '-A -f 7 -6',
  `-A -t ${six}`,
  `-a -t ${six} -r [fd00:188::81]:443`,
  '-a -f 7 -6 -r [fd00:188::81]:443',
  '-L -c',
  '-L --timeout',
  '-L --daemon',
  `-L -t ${one}`,
]

const options = [
  ...['-n', '-c', `-t ${one}`, '-f 7', '-s rr', '-p 50', '-M 255.255.0.0', '-M 64', '-r 192.168.188.81:80', '-g', '-i'],
  ...['-m', '-w 2', '-x 5', '-y 5', '--mcast-interface eth0', '--timeout', '--daemon', '--stats', '--rate'],
  ...['--thresholds', '--persistent-conn', '--nosort', '--sort', '--syncid 3', '-X', '-6', '-o', '--pe sip'],
  ...['-b flag-1', '--mcast-group 224.0.0.1', '--mcast-port 8848', '--mcast-ttl 2', '--sync-maxlen 1400'],
  ...['--tun-info', '--tun-type gre', '--tun-type gue', '--tun-port 6080', '--tun-nocsum', '--tun-csum'],
  '--tun-remcsum',
]

// the real one's --thresholds with -S is an error, and ours is not: docs/differences.md
const ours = new Set(['-S --thresholds'])

const matrix = Object.fromEntries(
  commands.map((command) => [
    `every option: ${command}`,
    options.map((option) => `${command} ${option}`).filter((line) => !ours.has(line)),
  ]),
)

/** All pairs of what a listing takes, on one table. */
const lists = [
  '-n',
  '-c',
  '--stats',
  '--rate',
  '--exact',
  '--thresholds',
  '--persistent-conn',
  '--tun-info',
  '--nosort',
]
const targets = ['--timeout', '--daemon', '--syncid 1', '-f 7 -6', `-t ${six}`, '--sctp-service 192.168.188.100:9000']

export const table = [
  `-A -t ${one} -s wrr -p 600 -M 255.255.255.0`,
  `-a -t ${one} -r 192.168.188.81:8080 -m -w 3 -x 10 -y 5`,
  `-a -t ${one} -r 192.168.188.82:80 -i --tun-type gue --tun-port 6080 --tun-nocsum`,
  `-a -t ${one} -r [fd00:188::83]:80 -i --tun-type gre --tun-csum -w 0`,
  '-A --sctp-service 192.168.188.100:9000 -s sed',
  '-a --sctp-service 192.168.188.100:9000 -r 192.168.188.81:9000 -g -x 100',
  '-A -u 192.168.188.100:5060 -p 60 --pe sip -o',
  '-A -f 7 -s mh -b mh-port',
  '-a -f 7 -r 192.168.188.81:0 -g',
  '-A -f 7 -6 -p -M 64',
  '-a -f 7 -6 -r [fd00:188::81]:0 -g -w 9',
  '-a -f 7 -6 -r 192.168.188.84:0 -i',
  `-A -t ${six} -s lblcr -p 90 -M 48`,
  `-a -t ${six} -r [fd00:188::82]:8443 -m -x 3`,
  `-a -t ${six} -r [fd00:188::81]:443 -g`,
  '-A -t [fd00:188::100]:0 -p 1',
]

const listings = {
  'two list options at a time': [
    ...table,
    ...[...lists, ...targets].flatMap((a, i, all) => all.slice(i + 1).map((b) => `-L ${a} ${b}`)),
  ],
}

/** A marked or named service of each family with a server of each, by each method: which go together. */
const families = Object.fromEntries(
  ['-f 7', '-f 7 -6', `-t ${one}`, `-t ${six}`].map((service) => [
    `families: ${service}`,
    [
      `-A ${service}`,
      ...['192.168.188.81:80', '192.168.188.82', '[fd00:188::81]:80', 'fd00:188::82', '[::ffff:192.168.188.81]:80']
        .concat(['[::192.168.188.81]:80', '[::1]:80', '[fe80::81]:80', '[ff02::81]:80', '[::]:80', '[fec0::1]:80'])
        .concat(['[fd00:188::8]:80', '[64:ff9b::1]:80', '[2001:db8::]:80', '192.168.188.8:80', '[fd00:188::81]:http'])
        .flatMap((server) =>
          ['-m', '-g', '-i', '-i --tun-type gue --tun-port 6080', '-i --tun-type gre --tun-csum'].map(
            (method) => `-a ${service} -r ${server} ${method}`,
          ),
        ),
      '-Ln',
      '-Ln --tun-info',
      '-L',
      '-S',
      '-Sn',
    ],
  ]),
)

const masks = Object.fromEntries(
  ['-f 7', '-f 7 -6', '-u 192.168.188.100:53', '-u [fd00:188::100]:53'].map((service) => [
    `masks: ${service}`,
    ['0', '1', '32', '33', '64', '127', '128', '129', '-1', '+64', ' 64', '064', '0x40', '64/', '/64', "''", 'ffff::']
      .concat(['255.255.255.255', '255.255.255.0', '0.0.0.0', '255.0.0.255', '255.255.255', '0xff000000', '1.2.3.4.5'])
      .flatMap((mask) => [`-A ${service} -p 30 -M ${/ /.test(mask) ? `'${mask}'` : mask}`, '-Sn', '-Ln', '-C']),
  ]),
)

const daemons = {
  'both daemons': [
    '-L --daemon',
    '--stop-daemon master',
    '--stop-daemon backup',
    '--start-daemon master',
    '-L --daemon',
    '--start-daemon master',
    '--start-daemon backup --syncid 7 --mcast-interface eth0',
    '-L --daemon',
    '-Ln --daemon',
    '--start-daemon backup',
    '--stop-daemon master',
    '-L --daemon',
    '--stop-daemon master',
    '--stop-daemon backup --syncid 9',
    '-L --daemon',
  ],
  'a daemon with all its options': [
    '--start-daemon backup --mcast-interface eth0 --syncid 7 --sync-maxlen 1000 --mcast-group 224.0.0.9 --mcast-port 9000 --mcast-ttl 3',
    '-L --daemon',
    '--start-daemon master --mcast-interface eth0 --mcast-group ff02::1:2 --mcast-ttl 255',
    '-L --daemon',
    '--stop-daemon backup',
    '-L --daemon',
    '--stop-daemon master',
  ],
  'each option of a daemon': [
    '--syncid 0',
    '--syncid 255',
    '--sync-maxlen 1',
    '--sync-maxlen 100',
    '--sync-maxlen 1472',
    '--sync-maxlen 1473',
    '--sync-maxlen 65507',
    '--mcast-group 224.0.0.5',
    '--mcast-group 239.1.2.3',
    '--mcast-group ff02::1:2',
    '--mcast-group FF05::0:9',
    '--mcast-port 1',
    '--mcast-port 65535',
    '--mcast-ttl 1',
    '--mcast-ttl 64',
    '--mcast-interface lo',
    '--mcast-interface eth9',
    '--mcast-interface nosuch',
  ].flatMap((option) => [
    `--start-daemon master ${option}`,
    '-L --daemon',
    '--stop-daemon master',
    `--start-daemon backup ${option}`,
    '-L --daemon',
    '--stop-daemon backup',
  ]),
  'a daemon stops with any syncid': [
    '--start-daemon master --syncid 4',
    '--stop-daemon master --syncid 5',
    '-L --daemon',
    '--stop-daemon master --syncid 4',
  ],
  'servers of two families and a daemon': [
    `-A -t ${one}`,
    '--start-daemon master',
    `-a -t ${one} -r [fd00:188::81]:80 -i`,
    '--stop-daemon master',
    `-a -t ${one} -r [fd00:188::81]:80 -i`,
    '--start-daemon master',
    '-L --daemon',
  ],
}

const fakeConnections = (lines) =>
  ['-Lnc', '-Lc', '-Lnc --persistent-conn', '-Lc --persistent-conn --sort', '-Lnc --nosort'].map((line) => ({
    line,
    fake: {
      connections: [
        'Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData',
        ...lines,
        '',
      ].join('\n'),
    },
  }))

const connections = {
  'connections of IPv6': fakeConnections([
    'TCP fd00:0010:0000:0000:0000:0000:0000:0200 9C41 fd00:0188:0000:0000:0000:0000:0000:0100 01BB fd00:0188:0000:0000:0000:0000:0000:0081 20FB ESTABLISHED     899',
    'UDP 2001:0db8:1111:2222:3333:4444:5555:6666 FFFF fd00:0188:0000:0000:0000:0000:0000:0100 0035 fd00:0188:0000:0000:0000:0000:0000:0081 0035 UDP             300',
    'TCP C0A8BCC8 9C41 C0A8BC64 0050 fd00:0188:0000:0000:0000:0000:0000:0083 0050 SYN_RECV         59',
    'TCP fd00:0010:0000:0000:0000:0000:0000:0200 9C41 fd00:0188:0000:0000:0000:0000:0000:0100 01BB C0A8BC54 01BB FIN_WAIT        119',
    'TCP 0000:0000:0000:0000:0000:0000:0000:0001 0001 0000:0000:0000:0000:0000:0000:0000:0001 0050 0000:0000:0000:0000:0000:ffff:7f00:0001 0050 CLOSE             9',
    'SCTP fd00:0010:0000:0000:0000:0000:0000:0200 0000 fd00:0188:0000:0000:0000:0000:0000:0100 2328 fd00:0188:0000:0000:0000:0000:0000:0081 2328 C-ECHOED        61',
    'TCP fd00:0010:0000:0000:0000:0000:0000:0000 0000 fd00:0188:0000:0000:0000:0000:0000:0100 0000 fd00:0188:0000:0000:0000:0000:0000:0081 0000 NONE            360',
  ]),
  'templates of marks': fakeConnections([
    'IP  C0A8BC00 0000 00000007 0000 C0A8BC51 0000 ASSURED         360',
    'IP  C0A8BCC8 0000 FFFFFFFF 0000 C0A8BC51 0050 NONE             60',
    'IP  fd00:0010:0000:0000:0000:0000:0000:0000 0000 0000:0007:0000:0000:0000:0000:0000:0000 0000 fd00:0188:0000:0000:0000:0000:0000:0081 0000 NONE            360',
  ]),
  'connections of an engine': fakeConnections([
    'UDP C0A8BCC8 0000 C0A8BC64 13C4 C0A8BC51 13C4 UDP              59 sip 1234567890@192.168.188.200',
    'UDP C0A8BCC8 13C4 C0A8BC64 13C4 C0A8BC51 13C4 UDP             299 sip short',
    'UDP fd00:0010:0000:0000:0000:0000:0000:0200 0000 fd00:0188:0000:0000:0000:0000:0000:0100 13C4 fd00:0188:0000:0000:0000:0000:0000:0081 13C4 UDP             299 sip a-call-id-that-is-longer-than-others-are@host.example.com',
    'TCP C0A8BCC8 9C41 C0A8BC64 0050 C0A8BC51 1F90 ESTABLISHED     899',
  ]),
}

const rules = (services) => services.map((line) => `${line}\n`).join('')

const restores = {
  'a wide table saved and restored': [
    ...table,
    '-Sn',
    '-S',
    '-C',
    { line: '-R', stdin: rules(table) },
    '-Sn',
    { tool: 'ipvsadm-restore', line: '', stdin: rules(table.toReversed()) },
    '-Sn',
    { tool: 'ipvsadm-restore', line: '', stdin: `# saved\n${rules(table)}\n` },
    { tool: 'ipvsadm-save', line: '-n' },
    { tool: 'ipvsadm-save', line: '' },
  ],
}

let state = 7310
const below = (n) => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0
  return (state >>> 8) % n
}
const pick = (all) => all[below(all.length)]
const upTo = (count, all) => Array.from({ length: below(count + 1) }, () => pick(all))

const services = [
  ...Object.values(kinds).map(([service]) => service),
  ...Object.values(kinds).map(([service]) => service),
  ...['-f 3000000000', '-f 9', '-f 9 -6', '-t [::1]:80', '-u [fd00:188::100]:domain', '-t 192.168.188.101:http'],
  ...['--fwmark-service=7', '--fwmark-service 7 --ipv6', '-t [::ffff:10.0.0.1]:80', '-u 192.168.188.100:5060'],
]

const serviceOptions = [
  ...['-s rr', '-s wlc', '-s sh', '-s mh', '-s dh', '-s lblcr', '-s twos', '-s fo', '-p', '-p 50', '-p 600', '-o'],
  ...['-M 255.255.255.0', '-M 64', '-M 128', '-M 0.0.0.0', '--pe sip', '-b sh-port', '-b mh-port', '-b flag-1'],
  ...['-p 70 --pe sip', '-p -M 255.255.0.0', '-p -M 56', '-s sh -b sh-fallback,sh-port', '-s mh -b mh-fallback'],
]

const servers = [
  ...['192.168.188.81:80', '192.168.188.82', '192.168.188.83:8080', '192.168.188.81:0', '192.168.188.8:80'],
  ...['[fd00:188::81]:443', 'fd00:188::82', '[fd00:188::83]:8080', '[fd00:188::81]:0', '[fd00:188::8]:80'],
  ...['[fe80::1]:80', '[::1]:80', '[::ffff:10.0.0.1]:80', '[::]:80', '0.0.0.0', '239.1.1.1:80', 'localhost:80'],
]

const serverOptions = [
  ...['-m', '-m', '-m', '-g', '-i', '-i', '-w 0', '-w 5', '-w 2147483647', '-x 5', '-x 9 -y 3', '-x 3 -y 9'],
  ...['-i --tun-type gue --tun-port 6080', '-i --tun-type gue --tun-port 1 --tun-csum', '-i --tun-type gre'],
  ...['-i --tun-type gre --tun-csum', '-i --tun-type gue --tun-port 65535 --tun-remcsum', '--tun-type ipip'],
  ...['-i --tun-csum', '-i --tun-type gue', '-i --tun-type gre --tun-remcsum', '-i --tun-type ipip'],
]

const kindsOfLine = [
  ...['-A', '-A', '-A', '-E', '-E'].map((name) => () => [name, pick(services), ...upTo(3, serviceOptions)]),
  () => ['-D', pick(services)],
  ...['-a', '-a', '-a', '-a', '-e', '-e'].map((name) => () => [
    name,
    pick(services),
    '-r',
    pick(servers),
    ...upTo(3, serverOptions),
  ]),
  () => ['-d', pick(services), '-r', pick(servers)],
  () => ['-Z', ...upTo(1, services)],
  () => ['-L', ...upTo(3, [...lists, '-n', '-n', '-X', ...Object.values(kinds).map(([service]) => service)])],
]

const shows = [
  '-L',
  '-Ln --thresholds',
  '-Ln --persistent-conn',
  '-Ln --tun-info',
  '-L --tun-info',
  '-Ln --stats',
  '-S',
]

const drawn = Object.fromEntries(
  Array.from({ length: 120 }, (_, i) => [
    `drawn wide ${i}`,
    [
      ...(below(3) ? table : []),
      ...Array.from({ length: 10 }, () => pick(kindsOfLine)().join(' ')),
      '-Ln',
      '-Sn',
      pick(shows),
    ],
  ]),
)

export const wide = {
  ...lives,
  ...matrix,
  ...listings,
  ...families,
  ...masks,
  ...daemons,
  ...connections,
  ...restores,
  ...drawn,
}
