import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rewriteLink, rewritePage } from './rewrite-links.ts'

const base = '/api/v1/namespaces/a/services/b/proxy'
const hosts = new Set(['10.0.0.1:80', 'localhost:8001'])

test.each([
  ['/', `${base}/`],
  ['/x/y?z=1#a', `${base}/x/y?z=1#a`],
  ['http://10.0.0.1:80/x', `${base}/x`],
  ['http://localhost:8001', `${base}/`],
  [`${base}/x`, `${base}/x`],
  ['x/y', 'x/y'],
  ['#top', '#top'],
  ['', ''],
  ['//evil.example.com/x', '//evil.example.com/x'],
  ['/\\evil.example.com', '/\\evil.example.com'],
  ['http://10.0.0.1:80//evil.example.com', 'http://10.0.0.1:80//evil.example.com'],
  ['https://elsewhere.example.com/x', 'https://elsewhere.example.com/x'],
  ['javascript:alert(1)', 'javascript:alert(1)'],
])('the link %s', (link, expected) => expect(rewriteLink(link, base, hosts)).toBe(expected))

const pageOf = async (text: string, size = text.length) => {
  async function* pieces() {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at += Math.max(1, size)) yield bytes.subarray(at, at + Math.max(1, size))
  }
  const out: Uint8Array[] = []
  for await (const piece of rewritePage(pieces(), (link) => rewriteLink(link, '/p', new Set()))) out.push(piece)
  return Buffer.concat(out).toString()
}

test.each([
  ['<a href="/x">é</a>', '<a href="/p/x">é</a>'],
  ["<IMG alt='a > b' SRC='/x'>", "<IMG alt='a > b' SRC='/p/x'>"],
  ['<form action=/x?a&amp;b>', '<form action=/p/x?a&amp;b>'],
  ['<a title="href=/x" href="y">', '<a title="href=/x" href="y">'],
  ['<!-- <a href="/x"> --><a href="/y">', '<!-- <a href="/x"> --><a href="/p/y">'],
  ['<script src="/x">"<a href=\'/y\'>"</script><a href="/z">', '<script src="/p/x">"<a href=\'/y\'>"</script><a href="/p/z">'],
  ['1 < 2 <p class="/x"> <b', '1 < 2 <p class="/x"> <b'],
])('a page, wherever it is cut: %s', async (text, expected) => {
  for (let size = 1; size <= text.length; size++) expect(await pageOf(text, size)).toBe(expected)
})

test('what holds no links stays as it is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), fc.integer({ min: 1, max: 9 }), async (text, size) => {
      const page = text.replaceAll('=', '')
      expect(await pageOf(page, size)).toBe(Buffer.from(page).toString())
    }),
  )
})
