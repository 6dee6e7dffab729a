import { type Logger, pino } from 'pino'
import type { Log, LogFields } from '../base/log.ts'

/** JSON lines on standard output, which the supervisor appends to the process's log file. */
export function jsonLog(process: string): Log {
  const logger: Logger = pino({
    base: { process },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { error: pino.stdSerializers.errWithCause },
  })
  return wrap(logger)
}

function wrap(logger: Logger): Log {
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: LogFields) => logger[level](fields ?? {}, message)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), with: (fields) => wrap(logger.child(fields)) }
}
