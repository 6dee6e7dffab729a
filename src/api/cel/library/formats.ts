import { dns1035LabelProblems, dnsLabelProblems, dnsSubdomainProblems, labelValueProblems, qualifiedNameProblems } from '../../names.ts'
import * as f from '../functions.ts'
import { global, member, type Overload } from '../functions.ts'
import { parseTimestamp } from '../times.ts'
import { listOf, opaque, optionalOf, string } from '../types.ts'
import { CelOpaque, CelOptional, ListOfValues, none } from '../values.ts'
import { urlProblem } from './urls.ts'

const name = 'kubernetes.NamedFormat'

export class CelFormat extends CelOpaque {
  readonly typeName = name
  readonly problems: (text: string) => readonly string[]
  /** By which upstream reckons what a validation costs. */
  readonly patternSize: number
  constructor(patternSize: number, problems: (text: string) => readonly string[]) {
    super()
    this.patternSize = patternSize
    this.problems = problems
  }
  equals(other: CelOpaque): boolean {
    return other === this
  }
}

/** A prefix may end in a dash, since something follows it. */
const asPrefix = (problems: (text: string) => readonly string[]) => (text: string) => problems(text.replace(/-$/, 'a'))

const unless = (isRight: (text: string) => boolean, sentence: string) => (text: string) => (isRight(text) ? [] : [sentence])

const isDate = (text: string) => /^\d{4}-\d\d-\d\d$/.test(text) && parseTimestamp(`${text}T00:00:00Z`) !== undefined
const isMoment = (text: string) => /^\d{4}-\d\d-\d\d[Tt]/.test(text) && parseTimestamp(text) !== undefined
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i

const formats: Readonly<Record<string, CelFormat>> = {
  dns1123Label: new CelFormat(30, dnsLabelProblems),
  dns1123Subdomain: new CelFormat(60, dnsSubdomainProblems),
  dns1035Label: new CelFormat(30, dns1035LabelProblems),
  qualifiedName: new CelFormat(60, qualifiedNameProblems),
  dns1123LabelPrefix: new CelFormat(30, asPrefix(dnsLabelProblems)),
  dns1123SubdomainPrefix: new CelFormat(60, asPrefix(dnsSubdomainProblems)),
  dns1035LabelPrefix: new CelFormat(30, asPrefix(dns1035LabelProblems)),
  labelValue: new CelFormat(40, labelValueProblems),
  uri: new CelFormat(1224, (text) => {
    const problem = urlProblem(text)
    return problem === undefined ? [] : [problem]
  }),
  uuid: new CelFormat(
    73,
    unless((text) => uuid.test(text), 'does not match the UUID format'),
  ),
  byte: new CelFormat(
    91,
    unless((text) => text !== '' && base64.test(text), 'invalid base64'),
  ),
  date: new CelFormat(81, unless(isDate, 'invalid date')),
  datetime: new CelFormat(81, unless(isMoment, 'invalid datetime')),
}

const type = opaque(name)
const self = f.instanceOf(name, CelFormat)

export const namedFormats: readonly Overload[] = [
  ...Object.entries(formats).map(([format, value]) => global(`format.${format}`, [], type, () => value)),
  global('format.named', [f.string], optionalOf(type), (format) => {
    const found = Object.hasOwn(formats, format) ? formats[format] : undefined
    return found ? new CelOptional(found) : none
  }),
  member(
    'validate',
    [self, f.string],
    optionalOf(listOf(string)),
    ({ problems }, text) => {
      const found = problems(text)
      return found.length === 0 ? none : new CelOptional(new ListOfValues(found))
    },
    'validate',
  ),
]
