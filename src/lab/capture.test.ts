import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frames } from './capture.js'

test('TCP segments are read out of the lines of tcpdump -tnne, and nothing else is', () => {
  const text = `listening on eth0, link-type EN10MB (Ethernet), snapshot length 262144 bytes
00:0c:29:7c:8e:eb > 00:0c:29:fb:1c:80, ethertype IPv4 (0x0800), length 74: 192.168.10.6.38982 > 192.168.188.100.80: Flags [S], seq 1, win 64240, length 0
00:0c:29:7c:8e:eb > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 192.168.188.8 tell 192.168.188.200, length 28
00:0c:29:3e:16:52 > 00:0c:29:7c:8e:eb, ethertype IPv4 (0x0800), length 74: 192.168.188.100.80 > 192.168.10.6.38982: Flags [S.], seq 2, ack 2, win 65160, length 0
2 packets captured
`
  assert.deepEqual(frames(text), [
    {
      sourceMac: '00:0c:29:7c:8e:eb',
      destinationMac: '00:0c:29:fb:1c:80',
      source: '192.168.10.6.38982',
      destination: '192.168.188.100.80',
      flags: 'S',
    },
    {
      sourceMac: '00:0c:29:3e:16:52',
      destinationMac: '00:0c:29:7c:8e:eb',
      source: '192.168.188.100.80',
      destination: '192.168.10.6.38982',
      flags: 'S.',
    },
  ])
})
