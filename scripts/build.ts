// Bundles each process and worker into dist/: fewer files to load makes a start of tens of milliseconds.
//   node scripts/build.ts
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')
const out = join(root, 'dist')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

mkdirSync(out, { recursive: true })
await build({
  absWorkingDir: root,
  entryPoints: {
    server: 'src/main/server.ts',
    agent: 'src/main/agent.ts',
    'clean-up': 'src/main/clean-up.ts',
    cli: 'src/main/cli.ts',
    'layer-worker': 'src/engine/images/layer-worker.ts',
    'yaml-worker': 'src/server/yaml-worker.ts',
  },
  outdir: out,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  // Native modules are loaded from node_modules.
  external: ['lmdb', 'koffi', '@lydell/node-pty'],
  // CommonJS packages inside the bundle call require.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  define: { SAMPAN_VERSION: JSON.stringify(version) },
  loader: { '.json': 'json' },
  legalComments: 'none',
  logLevel: 'warning',
})
execFileSync(process.execPath, [join(root, 'scripts/build-descriptions.ts')], { stdio: 'inherit' })
writeFileSync(join(out, 'package.json'), '{ "type": "module" }\n')
