// biome-ignore-all lint/suspicious/noTemplateCurlyInString: keepalived's parameters look like that
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { globFiles } from './glob.js'
import { type Files, readLines, uncomment } from './lines.js'
import { treeOf } from './tree.js'
import { argumentsOf, wordsOf } from './words.js'

const none: Files = { read: () => undefined, glob: () => [] }

function read(text: string, configId = 'host', files = none) {
  return readLines('/etc/keepalived/keepalived.conf', text, { files, configId })
}
const texts = (text: string, configId?: string) => read(text, configId).lines.map((line) => line.text)
const words = (line: string) => wordsOf(line)?.map(({ text }) => text)

describe('comments', () => {
  it('begin with # or !, anywhere outside of quotes', () => {
    assert.equal(uncomment('  weight 1 # one'), 'weight 1')
    assert.equal(uncomment('! all of it'), '')
    assert.equal(uncomment('inhibit_on_failure! quick'), 'inhibit_on_failure')
    assert.equal(uncomment('auth_pass "a#b" !c'), 'auth_pass "a#b"')
    assert.equal(uncomment("auth_pass 'a!b'"), "auth_pass 'a!b'")
    assert.equal(uncomment('auth_pass a\\#b'), 'auth_pass a\\#b')
  })
})

describe('words', () => {
  it('are kept together by quotes, which go', () => {
    assert.deepEqual(words('abcd" efg h jkl "mnop'), ['abcd efg h jkl mnop'])
    assert.deepEqual(words('abcd "efg h jkl" mnop'), ['abcd', 'efg h jkl', 'mnop'])
    assert.deepEqual(words(`"it's"  'say "x"'`), ["it's", 'say "x"'])
    assert.equal(words('"open'), undefined)
  })

  it('may have escapes', () => {
    assert.deepEqual(words('"\\"" \\\\ \\x41 \\101 "a\\tb" \\cA \\ x'), ['"', '\\', 'A', 'A', 'a\tb', '\x01', ' x'])
  })

  it('of a script are parted at white space, except in single quotes', () => {
    assert.deepEqual(argumentsOf("/bin/a  b 'c d' e'f g'"), ['/bin/a', 'b', 'c d', 'ef g'])
  })
})

describe('conditions', () => {
  it('choose lines by the configuration id', () => {
    const text = '@main router_id a\n@backup router_id b\n@^main router_id c\nrouter_id d'
    assert.deepEqual(texts(text, 'main'), ['router_id a', 'router_id d'])
    assert.deepEqual(texts(text, 'backup'), ['router_id b', 'router_id c', 'router_id d'])
    const { remarks } = read(text, 'main')
    assert.deepEqual(
      remarks.map(({ at, text: line }) => `${at.line} ${line}`),
      ['2 @backup router_id b', '3 @^main router_id c'],
    )
  })
})

describe('parameters', () => {
  it('are put in when they are used', () => {
    const text = [
      '$ADDRESS_BASE=10.2.${ADDRESS_BASE_SUB}',
      '$ADDRESS_BASE_SUB=0',
      '${ADDRESS_BASE}.100/32',
      '$ADDRESS_BASE_SUB=10',
      '${ADDRESS_BASE}.100/32',
    ].join('\n')
    assert.deepEqual(texts(text), ['10.2.0.100/32', '10.2.10.100/32'])
  })

  it('that are not defined stay', () => {
    assert.deepEqual(texts('script ${UNDEF} $UNDEF x$y'), ['script ${UNDEF} $UNDEF x$y'])
  })

  it('go with conditions, both ways', () => {
    assert.deepEqual(texts('@main $P=240\n@backup $P=200\npriority $P', 'backup'), ['priority 200'])
    assert.deepEqual(texts('$IF_MAIN=@main\n$IF_MAIN priority 240', 'main'), ['priority 240'])
    assert.deepEqual(texts('$IF_MAIN=@main\n$IF_MAIN priority 240', 'other'), [])
  })

  it('have those that keepalived defines', () => {
    assert.deepEqual(texts('a ${_PWD} ${_INSTANCE} ${_HASH} ${_BANG}'), ['a /etc/keepalived host # !'])
  })

  it('may have several lines, and stand within one another', () => {
    const text = [
      '$RS= \\',
      'real_server 192.168.${VS}.${RS_NUM} 80 { \\',
      '  weight 1 \\',
      '',
      '}',
      '',
      '$VS_BLOCK= \\',
      'virtual_server 10.0.${VS}.4 80 { \\',
      '  $RS_NUM=1 \\',
      '  $RS \\',
      '  $RS_NUM=2 \\',
      '  $RS \\',
      '}',
      '$VS=0',
      '$VS_BLOCK',
      '$VS=1',
      '$VS_BLOCK',
    ].join('\n')
    const heads = texts(text).filter((line) => line.endsWith('{'))
    assert.deepEqual(heads, [
      'virtual_server 10.0.0.4 80 {',
      'real_server 192.168.0.1 80 {',
      'real_server 192.168.0.2 80 {',
      'virtual_server 10.0.1.4 80 {',
      'real_server 192.168.1.1 80 {',
      'real_server 192.168.1.2 80 {',
    ])
  })

  it('that contain themselves are refused', () => {
    for (const text of ['$A=${B}\n$B=${A}\nx ${A}', '$A= \\\n$A\n$A', '$A=${A}${A}\n${A}'])
      assert.throws(() => texts(text), { code: 'SLUICE_BAD_KEEPALIVED' }, text)
  })

  it('are all that goes on over lines', () => {
    assert.deepEqual(texts('auth_pass a\\\nbc'), ['auth_pass a\\', 'bc'])
  })
})

describe('sequences and lists', () => {
  it('repeat the rest of their line', () => {
    assert.deepEqual(texts('~SEQ(SUBNET, 0, 3) ip_address 10.0.${SUBNET}.1'), [
      'ip_address 10.0.0.1',
      'ip_address 10.0.1.1',
      'ip_address 10.0.2.1',
      'ip_address 10.0.3.1',
    ])
    assert.deepEqual(texts('~SEQx(S, 0x90, 0x10, 0xc0) fe80::20:${S}:1'), [
      'fe80::20:90:1',
      'fe80::20:a0:1',
      'fe80::20:b0:1',
      'fe80::20:c0:1',
    ])
    assert.deepEqual(texts('~SEQ(A, 3) ~SEQ(B, 2, -1, 1) ${A}.${B}'), ['1.2', '1.1', '2.2', '2.1', '3.2', '3.1'])
    assert.deepEqual(texts('~SEQ(A, -2) a${A}'), ['a-1', 'a-2'])
    assert.deepEqual(texts('~LST({IP, IP1}, {10,1},{20,4}) 192.168.${IP}.${IP1}'), ['192.168.10.1', '192.168.20.4'])
    assert.deepEqual(texts('~LST(IP, 1, 2) ~LST(IP1, 5,6) 192.169.${IP}.${IP1}'), [
      '192.169.1.5',
      '192.169.1.6',
      '192.169.2.5',
      '192.169.2.6',
    ])
  })

  it('repeat parameters of several lines', () => {
    assert.deepEqual(texts('$B= \\\na ${N} { \\\n}\n~SEQ(N,1,2) $B'), ['a 1 {', '}', 'a 2 {', '}'])
  })

  it('without end are refused, and wrong ones stand as they are', () => {
    assert.throws(() => texts('~SEQ(A,0,999999999) x'), { code: 'SLUICE_BAD_KEEPALIVED' })
    for (const line of ['~SEQ(A,1,0,3) x', '~SEQ() x', '~SEQ(1) x', '~LST(a) x', '~LST({a,b},{1}) x', '~SEQ x'])
      assert.deepEqual(texts(line), [line])
  })
})

describe('included files', () => {
  const files = (content: Record<string, string>): Files => ({
    read: (path) => content[path],
    glob: (pattern, folder) =>
      Object.keys(content).filter((path) => path === (pattern.startsWith('/') ? pattern : join(folder, pattern))),
  })

  it('stand where they are included, relative to the file that does it', () => {
    const { lines, remarks } = read(
      'a\ninclude conf.d/one.conf\nb ${_PWD}\ninclude none',
      'host',
      files({ '/etc/keepalived/conf.d/one.conf': 'c ${_PWD}\nincludea two', '/etc/keepalived/conf.d/two': 'd' }),
    )
    assert.deepEqual(
      lines.map(({ at, text }) => `${at.file}:${at.line}: ${text}`),
      [
        '/etc/keepalived/keepalived.conf:1: a',
        '/etc/keepalived/conf.d/one.conf:1: c /etc/keepalived/conf.d',
        '/etc/keepalived/conf.d/two:1: d',
        '/etc/keepalived/keepalived.conf:3: b /etc/keepalived',
      ],
    )
    assert.deepEqual(
      remarks.map(({ at, text, why }) => `${at.line}: ${text}: ${why}`),
      ['4: include none: no such file'],
    )
  })

  it('that include themselves are refused', () => {
    assert.throws(() => read('include x', 'host', files({ '/etc/keepalived/x': 'include x' })), {
      code: 'SLUICE_BAD_KEEPALIVED',
    })
  })

  it('are found by patterns', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-glob-'))
    try {
      mkdirSync(join(folder, 'd'))
      for (const name of ['b.conf', 'a.conf', 'c.txt', '.h.conf', 'd/x.conf', 'a+b.conf'])
        writeFileSync(join(folder, name), '')
      const found = (pattern: string) => globFiles(pattern, folder).map((path) => path.slice(folder.length + 1))
      assert.deepEqual(found('*.conf'), ['a+b.conf', 'a.conf', 'b.conf'])
      assert.deepEqual(found('[ab].conf'), ['a.conf', 'b.conf'])
      assert.deepEqual(found('[!a].???'), ['c.txt'])
      assert.deepEqual(found('{b,a,z}.conf'), ['b.conf', 'a.conf'])
      assert.deepEqual(found('{d/{x,y},c}.{conf,txt}'), ['d/x.conf', 'c.txt'])
      assert.deepEqual(found('*/x.conf'), ['d/x.conf'])
      assert.deepEqual(found(join(folder, 'c.*')), ['c.txt'])
      assert.deepEqual(found('a+b.conf'), ['a+b.conf'])
      assert.deepEqual(found('[z-a].conf'), [])
      assert.deepEqual(found('{a,b'), [])
      assert.ok(found('{a,b}'.repeat(40)).length === 0)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('blocks', () => {
  const tree = (text: string) => {
    const shape = (statements: ReturnType<typeof treeOf>): unknown[] =>
      statements.map(({ words: own, block }) => [
        own.map((word) => word.text).join(' '),
        ...(block ? [shape(block)] : []),
      ])
    return shape(treeOf(read(text).lines))
  }

  it('open at the end of a line, on one of their own, or behind a word, and may stand on one line', () => {
    const expected = [['a b', [['c'], ['d', [['e f']]]]]]
    for (const text of ['a b {\n c\n d {\n e f\n }\n}', 'a b\n{\nc\nd\n{\ne f\n}\n}', 'a b{\nc\nd { e f }\n}'])
      assert.deepEqual(tree(text), expected)
  })

  it('are not opened by braces in quotes', () => {
    assert.deepEqual(tree('script "{" \'}\' ${x}'), [['script { } ${x}']])
  })

  it('that do not end, or end without having begun, are refused with their place', () => {
    const refused = (text: string, message: RegExp) =>
      assert.throws(
        () => tree(text),
        (error: Error) => message.test(error.message),
      )
    refused('a {\nb {\n}', /keepalived\.conf:1: this block does not end/)
    refused('a\n}', /:2: a closing brace too many/)
    refused('{\n}', /:1: a block without a keyword/)
    refused('a {\n} {\n}', /:2: a second block/)
    refused('\n"a', /:2: a quotation mark is missing/)
  })
})
