import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir, hostname } from 'node:os'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { systemClock } from '../base/clock.ts'
import { buildImage } from '../cli/build.ts'
import { type CliContext, CliError } from '../cli/context.ts'
import { doctor } from '../cli/doctor.ts'
import { down, reset } from '../cli/down.ts'
import { listImages, loadImage, pullImage, pushImage, removeImages, saveImages, tagImage } from '../cli/image.ts'
import { kubectl } from '../cli/kubectl.ts'
import { logs } from '../cli/logs.ts'
import { type ProcessName, processNames } from '../cli/processes.ts'
import { shellSupervisor } from '../cli/shell-supervisor.ts'
import { status } from '../cli/status.ts'
import { systemdSupervisor } from '../cli/systemd-supervisor.ts'
import { up } from '../cli/up.ts'
import { runProgram } from '../network/run-program.ts'
import { machinePlaces } from './places.ts'

declare const SAMPAN_VERSION: string

const bundle = import.meta.dirname
const home = join(bundle, '..')
const scripts = join(home, 'scripts')
/** Of the environment, what the cluster's processes get. */
const passedOn = /^(PATH|HOME|TZ|NODE_\w+|SAMPAN_\w+)$/
const name = /^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$/

interface UpFlags {
  apiPort?: number
  apiOnly?: boolean
  registries?: string
  kubeApiserverArg?: string[]
}

const program = new Command('sampan')
  .description('A complete Kubernetes that starts with one command')
  .option('--name <name>', 'which cluster', parseName, 'default')
  .option('--kubeconfig <file>', 'the kubeconfig to write')
  .enablePositionalOptions()
  .showHelpAfterError('`./sampan --help` tells the verbs, `./sampan VERB --help` what one of them takes')

program
  .command('up')
  .description('start a cluster and wait until its node is Ready and its DNS answers')
  .option('--api-port <port>', 'port of the API server', parsePort)
  .option('--api-only', 'no node: the API server alone, which needs no root')
  .option('--registries <file>', 'mirrors of image registries and how to reach them, kept with the cluster')
  .option('--kube-apiserver-arg <flag=value>', "one of kube-apiserver's flags, kept with the cluster; may be repeated", collect)
  .action(({ apiPort, apiOnly = false, registries, kubeApiserverArg: apiServerFlags }: UpFlags) =>
    up(context(), {
      ...(apiPort !== undefined && { apiPort }),
      apiOnly,
      ...(registries !== undefined && { registries }),
      ...(apiServerFlags && { apiServerFlags }),
    }),
  )
program
  .command('down')
  .description('stop the cluster; its data stays')
  .action(() => down(context()))
program
  .command('reset')
  .description('stop the cluster and delete its data')
  .action(() => reset(context()))
program
  .command('status')
  .description('what runs')
  .action(async () => exitUnless(await status(context())))
program
  .command('doctor')
  .description('what this machine has and lacks')
  .action(async () => exitUnless(await doctor(context())))
program
  .command('version')
  .description('the version')
  .action(() => print(`sampan ${SAMPAN_VERSION}, Kubernetes 1.36, Node ${process.versions.node}`))
program
  .command('logs')
  .description('the log of a process')
  .argument('[process]', processNames.join(' or '), parseProcess, 'server')
  .option('-f, --follow', 'print what comes too')
  .option('-n, --lines <count>', 'how many lines back', parseCount, 200)
  .action((which: ProcessName, { follow = false, lines }: { follow?: boolean; lines: number }) => logs(context(), which, { follow, lines }))
program
  .command('build')
  .description('build an image from a directory with a Dockerfile')
  .argument('<directory>')
  .option('-t, --tag <name>', 'a name of the image; may come again', collect)
  .option('-f, --file <file>', 'the Dockerfile, relative to the directory', 'Dockerfile')
  .option('--build-arg <name=value>', 'the value of an ARG; may come again', collect)
  .option('--target <stage>', 'the stage to build')
  .option('--no-cache', 'make every step again')
  .option('--pull', 'ask for base images again')
  .action((directory: string, options: BuildOptions) =>
    buildImage(context(), directory, {
      names: options.tag ?? [],
      file: options.file,
      buildArgs: Object.fromEntries((options.buildArg ?? []).map(parsePair)),
      target: options.target,
      noCache: !options.cache,
      pull: options.pull ?? false,
    }),
  )
const image = program.command('image').description('the images on the node')
image
  .command('load')
  .description('take images from an archive of `docker save` or an OCI layout')
  .argument('<file>', 'the archive; - is standard input')
  .action((file: string) => loadImage(context(), file))
image
  .command('save')
  .description('write images into an archive that `docker load` reads')
  .argument('<names...>')
  .requiredOption('-o, --output <file>', 'the archive; - is standard output')
  .action((names: string[], options: { output: string }) => saveImages(context(), names, options.output))
image
  .command('list')
  .alias('ls')
  .description('what is there')
  .action(() => listImages(context()))
image
  .command('remove')
  .alias('rm')
  .description('take names away, and images with their last one')
  .argument('<names...>')
  .option('-f, --force', 'also what has other names or is in use')
  .action((names: string[], { force = false }: { force?: boolean }) => removeImages(context(), names, force))
image
  .command('pull')
  .description('bring an image from its registry')
  .argument('<name>')
  .action((name: string) => pullImage(context(), name))
image
  .command('push')
  .description('bring an image to its registry')
  .argument('<name>')
  .action((name: string) => pushImage(context(), name))
image
  .command('tag')
  .description('give an image another name')
  .argument('<source>')
  .argument('<target>')
  .action((source: string, target: string) => tagImage(context(), source, target))
program
  .command('kubectl')
  .description('the real kubectl, on this cluster')
  .argument('[args...]')
  .passThroughOptions()
  .allowUnknownOption()
  .helpOption(false)
  .action(async (args: string[]) => {
    process.exitCode = await kubectl(context(), args, process.env)
  })

// Whoever reads may have read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})
interface BuildOptions {
  readonly tag?: readonly string[]
  readonly file: string
  readonly buildArg?: readonly string[]
  readonly target?: string
  readonly cache: boolean
  readonly pull?: boolean
}

try {
  await program.parseAsync()
} catch (error) {
  // What the system refuses (a full disk, a folder of somebody else) names itself.
  const isForUser = error instanceof CliError || (error instanceof Error && 'syscall' in error)
  if (!isForUser) throw error
  process.stderr.write(`sampan: ${error.message}\n`)
  process.exitCode = 1
}

function context(): CliContext {
  const options = program.opts<{ name: string; kubeconfig?: string }>()
  const places = machinePlaces(options.name)
  return {
    name: options.name,
    places,
    clock: systemClock,
    supervisor: hasSystemd()
      ? systemdSupervisor({ cluster: options.name, scripts, run: runProgram })
      : shellSupervisor({ run: places.run, scripts, clock: systemClock }),
    processEnvironment: Object.fromEntries(
      Object.entries(process.env).flatMap(([variable, value]) =>
        passedOn.test(variable) && value !== undefined ? [[variable, value]] : [],
      ),
    ),
    print,
    tell: (line) => void process.stderr.write(`${line}\n`),
    isRoot: process.getuid?.() === 0,
    hostname: hostname().toLowerCase(),
    nodePath: process.execPath,
    bundle,
    home,
    version: SAMPAN_VERSION,
    dockerConfig: process.env.DOCKER_CONFIG ?? join(homedir(), '.docker'),
    kubeconfig: kubeconfigOf(options.kubeconfig),
  }
}

/** As sd_booted(3) tells; services of the machine are for root. */
function hasSystemd(): boolean {
  return process.getuid?.() === 0 && existsSync('/run/systemd/system')
}

/** Under sudo the invoking user's own file, which stays theirs. */
function kubeconfigOf(asked: string | undefined): CliContext['kubeconfig'] {
  const { SUDO_UID, SUDO_GID, SUDO_USER, KUBECONFIG } = process.env
  const uid = SUDO_UID === undefined ? undefined : Number(SUDO_UID)
  const gid = SUDO_GID === undefined ? undefined : Number(SUDO_GID)
  const path = asked ?? KUBECONFIG?.split(':')[0] ?? join(SUDO_USER === undefined ? homedir() : homeOf(SUDO_USER), '.kube/config')
  return { path, uid, gid }
}

function homeOf(user: string): string {
  const entry = spawnSync('getent', ['passwd', user], { encoding: 'utf8' })
  return entry.stdout.split(':')[5] ?? homedir()
}

function parseName(value: string): string {
  if (!name.test(value)) throw new InvalidArgumentError('a name is 1 to 20 lower-case letters, digits and dashes')
  return value
}

function collect(value: string, earlier: string[] = []): string[] {
  return [...earlier, value]
}

/** `NAME` alone takes the value of the environment, as docker does. */
function parsePair(text: string): [string, string] {
  const equals = text.indexOf('=')
  return equals < 0 ? [text, process.env[text] ?? ''] : [text.slice(0, equals), text.slice(equals + 1)]
}

function parsePort(value: string): number {
  const port = Number(value)
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new InvalidArgumentError('a port is a number from 1 to 65535')
  return port
}

function parseCount(value: string): number {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError('a whole number')
  return Number(value)
}

function parseProcess(value: string): ProcessName {
  const found = processNames.find((which) => which === value)
  if (!found) throw new InvalidArgumentError(`one of ${processNames.join(', ')}`)
  return found
}

function exitUnless(good: boolean): void {
  if (!good) process.exitCode = 1
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
